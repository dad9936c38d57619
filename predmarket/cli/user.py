"""Commands: user list, update, revoke-all. (set-role works on the database itself:
server_admin.py.)"""

from typing import Annotated

import typer

import predmarket.client as api
from predmarket.cli import arguments, context, layouts, prompt
from predmarket.cli.failure import Failure, usage
from predmarket.cli.paging import show_list
from predmarket.client import calls
from predmarket.client.response_types import User
from predmarket.enums import Role
from predmarket.exit_codes import ExitCode


def list_users(
    ctx: typer.Context,
    *,
    search: Annotated[
        str | None, typer.Option("--search", metavar="TEXT", help="Only accounts that match.")
    ] = None,
    limit: arguments.Limit = None,
    offset: Annotated[
        int | None, typer.Option("--offset", min=0, help="Leave out this many at the start.")
    ] = None,
    cursor: arguments.Cursor = None,
    ids: arguments.Ids = False,
    everything: arguments.Everything = False,
) -> None:
    """Examples:
      predmarket user list
      predmarket user list --search example.com --json

    List accounts (admins).
    """
    call = calls.users(q=search, limit=limit, offset=offset, cursor=cursor)
    show_list(context.of(ctx), layouts.USER, call, everything=everything, ids=ids)


def update(
    ctx: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The account.")],
    *,
    role: Annotated[
        Role | None, typer.Option("--role", case_sensitive=False, help="Its new role.")
    ] = None,
    disable: Annotated[
        bool, typer.Option("--disable", help="Let it do nothing more; cancel its orders.")
    ] = False,
    enable: Annotated[bool, typer.Option("--enable", help="Let it act again.")] = False,
) -> None:
    """Examples:
      predmarket user update ann@example.com --role ADMIN
      predmarket user update ann@example.com --disable

    Change an account's role, disable or enable it (admins).
    """
    if disable and enable:
        raise usage("give either --disable or --enable")
    if role is None and not disable and not enable:
        raise usage("give --role, --disable or --enable")
    line = context.of(ctx)
    with line.client() as client:
        user = _account(client, email)
        disabled = True if disable else False if enable else None
        line.output.record(
            layouts.USER, client.update_user(user["id"], role=role, disabled=disabled)
        )


def revoke_all(
    ctx: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The account.")],
) -> None:
    """Examples:
      predmarket user revoke-all ann@example.com
      predmarket user revoke-all ann@example.com --yes

    End all sessions and API keys of an account, at once (admins). Its owner may log in again.
    """
    line = context.of(ctx)
    prompt.confirm(line, f"End all sessions and API keys of {email}?")
    with line.client() as client:
        client.revoke_all_of(_account(client, email)["id"])
    line.output.note(f"all sessions and API keys of {email} have ended")


def _account(client: "api.Client", email: str) -> User:
    """Return the account with an e-mail. Raises Failure."""
    from predmarket.contracts.text import normal_email  # only this command needs contracts

    found = client.users(q=email, limit=100)["items"]
    wanted = (email.strip().lower(), normal_email(email))
    user = next((user for user in found if user["email"] in wanted), None)
    if user is None:
        raise Failure("USER_NOT_FOUND", f"there is no account {email}", ExitCode.NOT_FOUND)
    return user
