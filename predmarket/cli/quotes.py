"""Commands: book, trades."""

from typing import Annotated

import typer

from predmarket.cli import arguments, layouts
from predmarket.cli import line as lines
from predmarket.cli.paging import show_list
from predmarket.client import calls


def book(
    ctx: typer.Context,
    market: arguments.Market,
    *,
    depth: Annotated[
        int | None, typer.Option("--depth", metavar="N", min=1, help="Levels a side.")
    ] = None,
) -> None:
    """Examples:
      predmarket book will-it-rain-tomorrow
      predmarket book 1 --depth 5 --json

    Show a market's order book: bids on the left, asks on the right, each with its running sum.
    """
    line = lines.of(ctx)
    with line.client() as client:
        answer = client.book(market, depth=depth)
    line.output.show(
        answer,
        layouts.levels(answer),
        layouts.LEVEL_FIELDS,
        lambda: [layouts.ladder(answer)],
    )


def trades(
    ctx: typer.Context,
    market: arguments.Market,
    *,
    limit: arguments.Limit = None,
    cursor: arguments.Cursor = None,
    everything: arguments.Everything = False,
) -> None:
    """Examples:
      predmarket trades will-it-rain-tomorrow
      predmarket trades 1 --all -o csv > trades.csv

    Show a market's trades, newest first.
    """
    call = calls.trades(market, limit=limit, cursor=cursor)
    show_list(lines.of(ctx), layouts.TRADE, call, everything=everything)
