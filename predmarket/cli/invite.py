"""Commands: invite create, list, revoke."""

from typing import Annotated

import typer

from predmarket.cli import arguments, context, user_layouts
from predmarket.cli.lines_to_paste import paste_of
from predmarket.cli.numbers import MONEY, optional
from predmarket.cli.paging import show_list
from predmarket.cli.timestamps import moment
from predmarket.cli.user_codes import Credit, Format, Group
from predmarket.client import calls


def create(
    ctx: typer.Context,
    *,
    uses: Annotated[
        int | None,
        typer.Option("--uses", metavar="N", min=1, help="How many may register by it: 1."),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="TIME", help="When it ends: 7d, 2030-01-31, tomorrow."),
    ] = None,
    credit: Credit = None,
    group: Group = None,
    form: Format = None,
) -> None:
    """Examples:
      predmarket invite create
      predmarket invite create --uses 30 --credit 100 --group "Class 9b" --expires 2d

    Make an invitation: a code with which new users register by `auth register --invite CODE`
    (admins). It ends after its uses, or after seven days unless --expires says otherwise. The code
    is shown this once.
    """
    line = context.of(ctx)
    paste, credit = paste_of(form), optional(credit, MONEY, "--credit")
    ends = moment(line, expires, "--expires")
    with line.client() as client:
        made = client.create_invite(uses=uses, expires_at=ends, credit=credit, group=group)
    if paste is not None:
        line.output.pasted(paste({**made, "url": line.settings.url.value}))
        return
    line.output.note("keep the code: it is not shown again")
    line.output.record(user_layouts.NEW_INVITE, made)


def list_invites(
    ctx: typer.Context,
    *,
    limit: arguments.Limit = None,
    cursor: arguments.Cursor = None,
    everything: arguments.Everything = False,
    ids: arguments.Ids = False,
) -> None:
    """Examples:
      predmarket invite list

    List invitations and how often each was used, newest first (admins).
    """
    call = calls.invites(limit=limit, cursor=cursor)
    show_list(context.of(ctx), user_layouts.INVITE, call, everything=everything, ids=ids)


def revoke(
    ctx: typer.Context,
    invite_id: Annotated[
        int, typer.Argument(metavar="ID", min=1, help="The invitation's id; see: invite list.")
    ],
) -> None:
    """Examples:
      predmarket invite revoke 3

    Revoke an invitation, at once and for ever (admins). Accounts made by it stay.
    """
    line = context.of(ctx)
    with line.client() as client:
        client.revoke_invite(invite_id)
    line.output.note(f"invitation {invite_id} is revoked")
