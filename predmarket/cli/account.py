"""Commands: account balance, positions, portfolio, fills, statement."""

from typing import Annotated

import typer

from predmarket.cli import arguments, context, layouts
from predmarket.cli.paging import show_list, span_of
from predmarket.client import calls


def balance(ctx: typer.Context) -> None:
    """Examples:
      predmarket account balance
      predmarket account balance --json | jq -r .available

    Show one's cash: available, locked in orders, and in all.
    """
    line = context.of(ctx)
    with line.client() as client:
        line.output.record(layouts.BALANCE, client.balance(), brief=True)


def positions(ctx: typer.Context) -> None:
    """Examples:
      predmarket account positions
      predmarket account positions -o csv

    Show one's holdings in each market. AVG and MARK are prices of YES; NO AVG and NO MARK are what
    the same is for NO, 1 less the price of YES.
    """
    show_list(context.of(ctx), layouts.POSITION, calls.positions())


def portfolio(ctx: typer.Context) -> None:
    """Examples:
      predmarket account portfolio

    Show one's cash and holdings valued together.
    """
    line = context.of(ctx)
    with line.client() as client:
        line.output.record(layouts.PORTFOLIO, client.portfolio(), brief=True)


def fills(
    ctx: typer.Context,
    *,
    since: arguments.Since = None,
    until: arguments.Until = None,
    limit: arguments.Limit = None,
    cursor: arguments.Cursor = None,
    ids: arguments.Ids = False,
    everything: arguments.Everything = False,
) -> None:
    """Examples:
      predmarket account fills
      predmarket account fills --since today
      predmarket account fills --all -o csv > fills.csv

    Show one's executions, newest first.
    """
    line = context.of(ctx)
    span = span_of(line, since, until)
    call = calls.fills(**span, limit=limit, cursor=cursor)
    show_list(line, layouts.FILL, call, everything=everything, ids=ids)


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
    since: arguments.Since = None,
    until: arguments.Until = None,
    limit: arguments.Limit = None,
    cursor: arguments.Cursor = None,
    ids: arguments.Ids = False,
    everything: arguments.Everything = False,
) -> None:
    """Examples:
      predmarket account statement
      predmarket account statement --since 2030-01-01 --until 2030-02-01 --all
      predmarket account statement --all -o csv > statement.csv

    Show every movement of one's cash, newest first; together they are the balance's total.
    """
    line = context.of(ctx)
    span = span_of(line, since, until)
    kind = None if kind is None else kind.upper()
    call = calls.statement(market=market_id, kind=kind, **span, limit=limit, cursor=cursor)
    show_list(line, layouts.LEDGER_LINE, call, everything=everything, ids=ids)
