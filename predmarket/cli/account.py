"""Commands: account balance, positions, events, portfolio, fills, statement."""

from typing import Annotated

import typer

import predmarket.client as api
from predmarket.cli import arguments, context, event_tables, order_layouts
from predmarket.cli.context import Line
from predmarket.cli.flags import Format
from predmarket.cli.grid import Grid, Row
from predmarket.cli.paging import show_list, span_of
from predmarket.client import calls
from predmarket.client.response_types import EventHolding


def balance(ctx: typer.Context) -> None:
    """Examples:
      predmarket account balance
      predmarket account balance --json | jq -r .available

    Show one's cash: available, locked in orders, and in all. A second table shows what complete
    sets of events have paid ahead (RETURNED): it is in the cash, and the positions owe it.
    """
    line = context.of(ctx)
    with line.client() as client:
        cash = client.balance()
        holdings = _holdings(line, client)

    def grids() -> list[Grid]:
        return [*order_layouts.BALANCE.grids(cash, brief=True), *event_tables.returned(holdings)]

    line.output.show(cash, [cash], order_layouts.BALANCE.fields, grids)


def positions(ctx: typer.Context) -> None:
    """Examples:
      predmarket account positions
      predmarket account positions -o csv

    Show one's holdings in each market. AVG and MARK are prices of YES; NO AVG and NO MARK are what
    the same is for NO, 1 less the price of YES. Of each event a second table says what each outcome
    would pay, and what complete sets have paid ahead (RETURNED). A set held whole is one line.
    """
    line = context.of(ctx)
    with line.client() as client:
        held = [*client.follow(calls.positions())]
        holdings = _holdings(line, client)
    rows: list[Row] = [*held]

    def grids() -> list[Grid]:
        positions = event_tables.folded(held, holdings)
        return [order_layouts.POSITION.grid(positions), *event_tables.payoffs(holdings)]

    if line.options.output == Format.TABLE:
        line.output.show(rows, rows, order_layouts.POSITION.fields, grids)
    else:
        line.output.rows(order_layouts.POSITION, rows)


def events(ctx: typer.Context) -> None:
    """Examples:
      predmarket account events
      predmarket account events --json | jq '.[].payoffs'

    Show what each outcome of one's live events would pay, and what complete sets have paid ahead
    (RETURNED). The prices of an event's outcomes: event show.
    """
    line = context.of(ctx)
    with line.client() as client:
        holdings = [*client.follow(calls.event_holdings())]
    rows: list[Row] = [*holdings]
    if line.options.output == Format.TABLE:
        line.output.show(rows, rows, (), lambda: event_tables.payoffs(holdings, empty=True))
    else:
        line.output.rows(event_tables.HOLDING, rows)


def portfolio(ctx: typer.Context) -> None:
    """Examples:
      predmarket account portfolio

    Show one's cash and holdings valued together, and of each event what each outcome would pay,
    and what complete sets have paid ahead (RETURNED), which the value of the positions counts off.
    """
    line = context.of(ctx)
    with line.client() as client:
        value = client.portfolio()
        holdings = _holdings(line, client)

    def grids() -> list[Grid]:
        return [order_layouts.PORTFOLIO.grid([value]), *event_tables.payoffs(holdings)]

    line.output.show(value, [value], order_layouts.PORTFOLIO.fields, grids)


def _holdings(line: Line, client: "api.Client") -> list[EventHolding]:
    """Return what the user holds in events; only tables show it."""
    if line.options.output != Format.TABLE:
        return []
    return [*client.follow(calls.event_holdings())]


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
    show_list(line, order_layouts.FILL, call, everything=everything, ids=ids)


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
    show_list(line, order_layouts.LEDGER_LINE, call, everything=everything, ids=ids)
