"""Public data of markets: their terms, books, trades and candles."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Mapping

from litestar import Response, Router, get

from predmarket.enums import MarketStatus
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.kalshi import market_presenters as presenters
from predmarket.server.gateway.kalshi.answers import answer, cursor, rows
from predmarket.server.gateway.kalshi.candles import candles, period_of
from predmarket.server.gateway.kalshi.catalog import Catalog, catalog_of
from predmarket.server.gateway.kalshi.errors import NotFound
from predmarket.server.gateway.kalshi.guards import public
from predmarket.server.gateway.kalshi.query import MAX_TICKERS, NamePath, Query
from predmarket.server.gateway.kalshi.words import STATUS_FILTER, Json, ticker
from predmarket.server.gateway.loop_turns import in_turns
from predmarket.server.read_model.queries.trades import trades_of, trades_of_all
from predmarket.server.read_model.quotes import Quotes
from predmarket.server.read_model.records import MarketRecord
from predmarket.units import PRICE_ONE


def statuses_of(query: Query) -> Collection[MarketStatus] | None:
    """Return the statuses that a query asks for, None for all."""
    words = query.one_of("status", STATUS_FILTER)
    if not words:
        return None
    return {status for word in words for status in STATUS_FILTER[word]}


@get("/markets", guards=[public])
async def list_markets(request: ApiRequest) -> Response[bytes]:
    """List markets, the newest first."""
    query, catalog = Query(request), catalog_of(request)
    return await markets_page(request, query, catalog, statuses_of(query))


async def markets_page(
    request: ApiRequest,
    query: Query,
    catalog: Catalog,
    statuses: Collection[MarketStatus] | None,
) -> Response[bytes]:
    """Return the page of markets that a query asks for, of these statuses if given."""
    found, following = await query.page(_candidates(query, catalog, statuses), _id, _filter(query))
    return rows(
        request, "markets", await shown_markets(request, catalog, found), cursor=cursor(following)
    )


def _id(market: MarketRecord) -> int:
    return market.id


def _candidates(
    query: Query, catalog: Catalog, statuses: Collection[MarketStatus] | None
) -> AsyncGenerator[list[MarketRecord]]:
    """Yield the markets of these statuses that the query's names leave, from its page on."""
    named = query.words("tickers", MAX_TICKERS)
    events, series = query.words("event_ticker"), query.words("series_ticker")
    if not (named or events or series):
        return catalog.markets(catalog.kinds(statuses), query.before())
    chosen = {one.id: one for one in catalog.known(named)} if named else None
    of_events = [event for name in events if (event := catalog.known_event(name))]
    of_series = [event for name in series for event in catalog.in_series(name)]
    for names, shown in ((events, of_events), (series, of_series)):
        if names:
            found = {one.id: one for event in shown for one in event.markets}
            chosen = found if chosen is None else {id: found[id] for id in chosen if id in found}
    return query.chosen(
        (chosen or {}).values(), _id, lambda one: statuses is None or one.status in statuses
    )


def _filter(query: Query) -> Callable[[MarketRecord], bool]:
    """Return whether a market matches the filters on times."""
    created = query.moment("min_created_ts"), query.moment("max_created_ts")
    closes = query.moment("min_close_ts"), query.moment("max_close_ts")
    if query.text("mve_filter") == "only":
        return lambda _: False
    return lambda one: _within(one.created_at, created) and _within(one.closes_at, closes)


def _within(moment: int | None, bounds: tuple[int | None, int | None]) -> bool:
    """Tell whether a time lies within bounds that may be missing; None stands for never."""
    earliest, latest = bounds
    if moment is None:
        return latest is None
    return (earliest is None or moment >= earliest) and (latest is None or moment <= latest)


async def day_ago(
    request: ApiRequest, markets: Collection[MarketRecord]
) -> Mapping[int, Quotes | None]:
    """Return the quotes of markets a day ago (QuoteHistory.day_ago)."""
    quotes = request.context.quotes
    assert quotes is not None  # it is there with these routes
    return await quotes.day_ago(markets, request.services.core.now())


async def shown_markets(
    request: ApiRequest, catalog: Catalog, found: Collection[MarketRecord]
) -> list[Json]:
    """Return markets as this API shows them, made in turns of the event loop."""
    ago = await day_ago(request, found)
    return await in_turns([*found], lambda one: presenters.market(one, catalog, ago[one.id]))


@get("/markets/{name:str}", guards=[public])
async def show_market(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Show one market."""
    Query(request)
    return await market_answer(request, name)


async def market_answer(request: ApiRequest, name: str) -> Response[bytes]:
    """Return one market."""
    catalog = catalog_of(request)
    (shown,) = await shown_markets(request, catalog, [await catalog.market(name)])
    return answer({"market": shown})


@get("/markets/{name:str}/orderbook", guards=[public])
async def show_order_book(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Show a market's order book, the whole book if no depth is given."""
    query = Query(request)
    record = await catalog_of(request).market(name)
    depth = query.number("depth", 0, 0, PRICE_ONE) or None
    return answer({"orderbook_fp": await _book(request, record, depth)})


@get("/markets/orderbooks", guards=[public])
async def list_order_books(request: ApiRequest) -> Response[bytes]:
    """Show the books of several markets."""
    query = Query(request)
    depth = query.number("depth", 0, 0, PRICE_ONE) or None
    books = [
        {"ticker": ticker(one.slug), "orderbook_fp": await _book(request, one, depth)}
        for one in catalog_of(request).known(query.words("tickers"))
    ]
    return answer({"orderbooks": books})


async def _book(request: ApiRequest, record: MarketRecord, depth: int | None) -> Json:
    """Return a book. Its levels count against the reader's limit; other clients go first."""
    await asyncio.sleep(0)
    view = request.services.view.book(record.id)
    request.charge(min(depth or PRICE_ONE, len(view.bids) + len(view.asks)))
    return presenters.order_book(view, depth)


@get("/markets/trades", guards=[public])
async def list_trades(request: ApiRequest) -> Response[bytes]:
    """List trades, newest first, of one market or of all."""
    query, catalog = Query(request), catalog_of(request)
    name, span = query.text("ticker"), query.span()
    before, limit = query.before(), query.limit()
    if name:
        record = await catalog.market(name)
        async with request.services.db.read() as connection:
            found = await trades_of(
                connection, record.id, before=before, limit=limit + 1, span=span
            )
        shown = found[:limit]
        following = shown[-1].id if len(found) > limit else None
    else:
        every = catalog.markets(catalog.kinds())
        traded = [one.id async for piece in every for one in piece if one.volume]
        request.charge(len(traded))  # each is looked up
        async with request.services.db.read() as connection:
            shown, following = await trades_of_all(connection, traded, before, limit, span)
    told = [
        presenters.trade(one, ticker(found_market.slug))
        for one in shown
        if (found_market := catalog.view.find(one.market_id)) is not None
    ]
    return rows(request, "trades", told, cursor=cursor(following))


@get("/series/{series_ticker:str}/markets/{name:str}/candlesticks", guards=[public])
async def list_candles(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """List a market's candles.

    Any series ticker works: clients derive it from the event's ticker.
    """
    record = await catalog_of(request).market(name)
    found = await candles(request.context, record, period_of(Query(request)))
    return rows(request, "candlesticks", found, ticker=ticker(record.slug))


@get("/markets/candlesticks", guards=[public])
async def list_many_candles(request: ApiRequest) -> Response[bytes]:
    """List the candles of several markets."""
    query, catalog = Query(request), catalog_of(request)
    names, period = query.words("market_tickers"), period_of(query)
    told = []
    for record in catalog.known(names):
        found = await candles(request.context, record, period)
        request.charge(len(found))
        told.append({"market_ticker": ticker(record.slug), "candlesticks": found})
    if not told:
        raise NotFound("there is no such market")
    return answer({"markets": told})


@get("/series/{series_ticker:str}/events/{name:str}/candlesticks", guards=[public])
async def list_event_candles(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """List the candles of each market of an event."""
    shown, period = await catalog_of(request).event(name), period_of(Query(request))
    told = [await candles(request.context, one, period) for one in shown.markets]
    request.charge(sum(len(found) for found in told))
    names = [ticker(one.slug) for one in shown.markets]
    return answer(
        {"market_tickers": names, "market_candlesticks": told, "adjusted_end_ts": period.end_ts}
    )


ROUTER = Router(
    "/",
    route_handlers=[
        list_markets,
        show_market,
        show_order_book,
        list_order_books,
        list_trades,
        list_candles,
        list_many_candles,
        list_event_candles,
    ],
)
