"""Commands: account balance, positions, portfolio, fills, statement."""

from typing import Annotated

import typer

from predmarket.cli import arguments, layouts
from predmarket.cli import line as lines
from predmarket.cli.paging import show_list
from predmarket.client import calls


def balance(ctx: typer.Context) -> None:
    """Examples:
      predmarket account balance
      predmarket account balance --json | jq -r .available

    Show one's cash: available, locked in orders, and in all.
    """
    line = lines.of(ctx)
    with line.client() as client:
        line.output.record(layouts.BALANCE, client.balance(), brief=True)


def positions(ctx: typer.Context) -> None:
    """Examples:
      predmarket account positions
      predmarket account positions -o csv

    Show one's holdings in each market.
    """
    show_list(lines.of(ctx), layouts.POSITION, calls.positions())


def portfolio(ctx: typer.Context) -> None:
    """Examples:
      predmarket account portfolio

    Show one's cash and holdings valued together.
    """
    line = lines.of(ctx)
    with line.client() as client:
        line.output.record(layouts.PORTFOLIO, client.portfolio(), brief=True)


def fills(
    ctx: typer.Context,
    *,
    limit: arguments.Limit = None,
    cursor: arguments.Cursor = None,
    everything: arguments.Everything = False,
) -> None:
    """Examples:
      predmarket account fills
      predmarket account fills --all -o csv > fills.csv

    Show one's executions, newest first.
    """
    call = calls.fills(limit=limit, cursor=cursor)
    show_list(lines.of(ctx), layouts.FILL, call, everything=everything)


def statement(
    ctx: typer.Context,
    *,
    market_id: arguments.MarketOption = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", metavar="KIND", help="TRANSFER, TRADE, FEE, MERGE, PAYOUT or REFUND."
        ),
    ] = None,
    limit: arguments.Limit = None,
    cursor: arguments.Cursor = None,
    everything: arguments.Everything = False,
) -> None:
    """Examples:
      predmarket account statement
      predmarket account statement --all -o csv > statement.csv

    Show every movement of one's cash, newest first; together they are the balance's total.
    """
    kind = None if kind is None else kind.upper()
    call = calls.statement(market=market_id, kind=kind, limit=limit, cursor=cursor)
    show_list(lines.of(ctx), layouts.LEDGER_LINE, call, everything=everything)
