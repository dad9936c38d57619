"""Order books, trades and candles, for everybody."""

from typing import Annotated

from litestar import Router, get
from litestar.params import QueryParameter

from predmarket.contracts.errors import Problem
from predmarket.contracts.markets import CandleList, Interval, OrderBook, TradePage
from predmarket.contracts.requests import Invalid
from predmarket.enums import ErrorCode as E
from predmarket.server.gateway import presenters
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.guards import anyone
from predmarket.server.gateway.http.params import (
    DEFAULT_LIMIT,
    TIME,
    Cursor,
    Limit,
    MarketPath,
    Since,
    Until,
    moment,
    span_of,
    word,
)
from predmarket.server.gateway.openapi.notes import notes
from predmarket.server.read_model.queries.cursors import decode_cursor, page
from predmarket.server.read_model.queries.trades import trades_of
from predmarket.units import PRICE_ONE

MAX_CANDLES = 1_000
DEFAULT_CANDLES = 500

Width = Annotated[
    str | None,
    QueryParameter(
        max_length=64,
        required=True,
        description="How long a candle lasts",
        schema_extra={"enum": [word.value for word in Interval]},
    ),
]
From = Annotated[
    str | None,
    QueryParameter(
        name="from", max_length=64, description="The first moment shown", schema_extra=TIME
    ),
]
To = Annotated[
    str | None,
    QueryParameter(max_length=64, description="The moment it ends before", schema_extra=TIME),
]
Depth = Annotated[int | None, QueryParameter(ge=1, le=PRICE_ONE, description="Levels a side")]


@get("/orderbook/{market:str}", guards=[anyone], opt=notes(E.MARKET_NOT_FOUND))
async def order_book(request: ApiRequest, market: MarketPath, depth: Depth = None) -> OrderBook:
    """Show a market's order book."""
    record = await request.context.find_market(market, request.user)
    return await presenters.order_book(record.id, request.services.view.book(record.id), depth)


@get("/trades/{market:str}", guards=[anyone], opt=notes(E.MARKET_NOT_FOUND))
async def list_trades(
    request: ApiRequest,
    market: MarketPath,
    since: Since = None,
    until: Until = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> TradePage:
    """List a market's trades, newest first."""
    span, before = span_of(since, until), decode_cursor(cursor)
    record = await request.context.find_market(market, request.user)
    async with request.services.db.read() as connection:
        rows = await trades_of(connection, record.id, before=before, limit=limit + 1, span=span)
    shown, following = page(rows, limit, lambda row: row.id)
    return TradePage([presenters.trade(row) for row in shown], following)


@get("/candles/{market:str}", guards=[anyone], opt=notes(E.MARKET_NOT_FOUND, E.OVERLOADED))
async def list_candles(
    request: ApiRequest,
    market: MarketPath,
    interval: Width = None,
    since: From = None,
    to: To = None,
) -> CandleList:
    """Show a market's prices as candles, oldest first; an interval without a trade has none.

    Intervals are counted from 1970-01-01 UTC, and those that ``from`` and ``to`` lie in are whole.
    ``to`` is now by default; without ``from``, 500 intervals end there, or now when that is
    earlier. More than 1000 intervals since the market was made are refused.
    """
    record = await request.context.find_market(market, request.user)
    width = word("interval", Interval, interval or "").micros
    now = (request.services.core.now() // width + 1) * width
    earliest, latest = moment("from", since), moment("to", to)
    end = now if latest is None else -(-latest // width) * width
    begin = min(end, now) - DEFAULT_CANDLES * width
    if earliest is not None:
        begin = earliest // width * width
        if latest is not None and begin >= end:
            raise Invalid(Problem("from", "must be before to"))
    begin = max(begin, record.created_at // width * width)
    newest = end if begin >= now else min(end, now)  # unless the clock was put back
    if newest - begin > MAX_CANDLES * width:
        raise Invalid(Problem("from", f"asks for more than {MAX_CANDLES} candles"))
    rows = await request.context.candles.of(record.id, width, begin, max(begin, end))
    return CandleList([presenters.candle(row) for row in rows])


router = Router("/v1", route_handlers=[order_book, list_trades, list_candles], tags=["market data"])
