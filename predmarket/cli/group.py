"""Commands: group create, list, add, remove: groups of users."""

from typing import Annotated

import typer

from predmarket.cli import arguments, complete, context, user_layouts
from predmarket.cli.paging import show_list
from predmarket.cli.user import account
from predmarket.client import calls

Group = Annotated[
    str,
    typer.Argument(metavar="GROUP", help="The group's name.", autocompletion=complete.user_groups),
]
Emails = Annotated[list[str], typer.Argument(metavar="EMAIL...", help="The accounts.")]


def create(ctx: typer.Context, name: Group) -> None:
    """Examples:
      predmarket group create "Class 9b"

    Make a group of accounts (admins). Its name makes no difference between capitals and small
    letters.
    """
    line = context.of(ctx)
    with line.client() as client:
        line.output.record(user_layouts.USER_GROUP, client.create_group(name))


def list_groups(
    ctx: typer.Context,
    *,
    limit: arguments.Limit = None,
    cursor: arguments.Cursor = None,
    everything: arguments.Everything = False,
) -> None:
    """Examples:
      predmarket group list
      predmarket user list --group "Class 9b"

    List groups of accounts (admins). `user list --group` lists a group's members.
    """
    call = calls.groups(limit=limit, cursor=cursor)
    show_list(context.of(ctx), user_layouts.USER_GROUP, call, everything=everything)


def add(ctx: typer.Context, group: Group, emails: Emails) -> None:
    """Examples:
      predmarket group add "Class 9b" ann@example.com bob@example.com

    Add accounts to a group (admins). Members stay members.
    """
    line = context.of(ctx)
    with line.client() as client:
        for email in emails:
            client.add_member(group, account(client, email)["id"])
            line.output.note(f"{email} is in {group}")


def remove(ctx: typer.Context, group: Group, emails: Emails) -> None:
    """Examples:
      predmarket group remove "Class 9b" ann@example.com

    Remove accounts from a group (admins).
    """
    line = context.of(ctx)
    with line.client() as client:
        for email in emails:
            client.remove_member(group, account(client, email)["id"])
            line.output.note(f"{email} is not in {group}")
