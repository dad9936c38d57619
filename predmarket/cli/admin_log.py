"""Commands: admin log, overview."""

from typing import Annotated

import typer

from predmarket.cli import arguments, context, layouts, market_layouts, user_layouts
from predmarket.cli.grid import Grid
from predmarket.cli.paging import show_list
from predmarket.client import calls
from predmarket.enums import AdminAction


def log(
    ctx: typer.Context,
    *,
    actor: Annotated[
        int | None, typer.Option("--actor", metavar="ID", min=1, help="Only of this user.")
    ] = None,
    action: Annotated[
        AdminAction | None,
        typer.Option("--action", case_sensitive=False, help="Only of this kind."),
    ] = None,
    limit: arguments.Limit = None,
    cursor: arguments.Cursor = None,
    ids: arguments.Ids = False,
    everything: arguments.Everything = False,
) -> None:
    """Examples:
      predmarket admin log
      predmarket admin log --action MARKET_RESOLVE --all -o json

    List acts of admins, newest first (admins).
    """
    call = calls.admin_log(actor=actor, action=action, limit=limit, cursor=cursor)
    show_list(context.of(ctx), user_layouts.ADMIN_ACT, call, everything=everything, ids=ids)


def overview(ctx: typer.Context) -> None:
    """Examples:
      predmarket admin overview

    Show open interest and volume of all markets, their number by status, those whose resolution is
    proposed, and the unresolved ones whose closing time has passed (admins).
    """
    line = context.of(ctx)
    with line.client() as client:
        found = client.overview()
    totals: dict[str, object] = {
        "openInterest": found["openInterest"],
        "volume": found["volume"],
        **{status: count for status, count in found["markets"].items() if count},
        "proposed": found["proposedCount"],
        "pastDue": found["pastDueCount"],
    }

    def grids() -> list[Grid]:
        due = market_layouts.PAST_DUE.grid([dict(one) for one in found["pastDue"]])
        return [*layouts.ANY.grids(totals, brief=False), due]

    line.output.show(
        found, [dict(one) for one in found["pastDue"]], market_layouts.PAST_DUE.fields, grids
    )
