"""Commands: book, trades, candles, ticker, stream."""

from enum import StrEnum
from typing import Annotated

import typer

from predmarket.cli import arguments, book_layouts, complete, context, market_layouts
from predmarket.cli.failure import usage
from predmarket.cli.paging import one_page, show_list, span_of
from predmarket.cli.timestamps import moment
from predmarket.client import calls


class Interval(StrEnum):
    """How long a candle lasts, as the exchange spells it; its own list is slow to load."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER = "15m"
    HOUR = "1h"
    DAY = "1d"


def book(
    ctx: typer.Context,
    market: arguments.Market,
    *,
    depth: Annotated[
        int | None, typer.Option("--depth", metavar="N", min=1, help="Levels a side.")
    ] = None,
    watch: arguments.Watch = False,
) -> None:
    """Examples:
      predmarket book will-it-rain-tomorrow
      predmarket book 1 --depth 5 --json
      predmarket book 1 --watch

    Show a market's order book: bids on the left, asks on the right, each with its running sum.
    """
    line = context.of(ctx)
    if watch:
        from predmarket.cli.views import BookView
        from predmarket.cli.watch import watch as start

        start(line, BookView(market, depth))
        return
    with line.client() as client:
        answer = client.book(market, depth=depth)
    line.output.show(
        answer,
        book_layouts.levels(answer),
        book_layouts.LEVEL_FIELDS,
        lambda: [book_layouts.ladder(answer)],
    )


def trades(
    ctx: typer.Context,
    market: arguments.Market,
    *,
    since: arguments.Since = None,
    until: arguments.Until = None,
    limit: arguments.Limit = None,
    cursor: arguments.Cursor = None,
    ids: arguments.Ids = False,
    everything: arguments.Everything = False,
    watch: arguments.Watch = False,
) -> None:
    """Examples:
      predmarket trades will-it-rain-tomorrow
      predmarket trades 1 --since 1h --all -o csv > trades.csv
      predmarket trades 1 --watch --limit 1 | jq -r .price

    Show a market's trades, newest first. With --watch it prints up to 50 earlier trades (--limit),
    the oldest first, and then each new one.
    """
    line = context.of(ctx)
    if watch:
        from predmarket.cli.views import TradesView
        from predmarket.cli.watch import watch as start

        one_page(cursor, since, until, ids, everything=everything)
        start(line, TradesView(market, limit))
        return
    call = calls.trades(market, **span_of(line, since, until), limit=limit, cursor=cursor)
    show_list(line, market_layouts.TRADE, call, everything=everything, ids=ids)


def candles(
    ctx: typer.Context,
    market: arguments.Market,
    *,
    interval: Annotated[
        Interval, typer.Option("--interval", help="Length of a candle.")
    ] = Interval.HOUR,
    since: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="TIME", help="A time, or how long ago; default: 500 candles."
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="TIME", help="A time, or how long ago; default: now."),
    ] = None,
) -> None:
    """Examples:
      predmarket candles will-it-rain-tomorrow
      predmarket candles 1 --interval 1m --from 2h -o csv > candles.csv

    Show a market's prices as candles, oldest first; an interval without a trade has none.
    """
    line = context.of(ctx)
    begin = moment(line, since, "--from", past=True)
    end = moment(line, to, "--to", past=True)
    show_list(line, market_layouts.CANDLE, calls.candles(market, interval, since=begin, to=end))


def ticker(ctx: typer.Context, market: arguments.Market, *, watch: arguments.Watch = False) -> None:
    """Examples:
      predmarket ticker will-it-rain-tomorrow
      predmarket ticker 1 --json | jq -r .lastPrice
      predmarket ticker 1 --watch

    Show a market's best prices, last price, volume and open interest.
    """
    line = context.of(ctx)
    if watch:
        from predmarket.cli.views import TickerView
        from predmarket.cli.watch import watch as start

        start(line, TickerView(market))
        return
    with line.client() as client:
        found = client.market(market)
    shown = {name: found.get(name) for name in market_layouts.TICKER.fields}
    line.output.record(market_layouts.TICKER, shown, brief=True)


def stream(
    ctx: typer.Context,
    topics: Annotated[
        list[str],
        typer.Argument(
            metavar="TOPIC...",
            help="markets, orderbook:M, trades:M, ticker:M, user:me:orders, :fills, :balances or"
            " :positions.",
            autocompletion=complete.topics,
        ),
    ],
) -> None:
    """Examples:
      predmarket stream orderbook:will-it-rain-tomorrow trades:will-it-rain-tomorrow
      predmarket stream user:me:orders user:me:fills | jq -c .data
      predmarket stream markets

    Print the exchange's messages as they come, one line of JSON each, for ever. Each topic begins
    with a snapshot, and continues where it was after a lost connection.
    """
    line = context.of(ctx)
    if line.options.output == "csv":
        raise usage("stream prints lines of JSON only")
    from predmarket.cli.watch import stream as start

    start(line, topics)
