"""Public market data: series, events, markets, books, trades, candles."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from litestar import Response, Router, get

from predmarket.enums import MarketStatus
from predmarket.server.gateway.context import ApiRequest
from predmarket.server.gateway.kalshi import market_presenters as presenters
from predmarket.server.gateway.kalshi.answers import answer, cursor, rows
from predmarket.server.gateway.kalshi.candles import candles, day_volume, period_of
from predmarket.server.gateway.kalshi.catalog import Catalog, ShownEvent
from predmarket.server.gateway.kalshi.errors import NotFound
from predmarket.server.gateway.kalshi.guards import public
from predmarket.server.gateway.kalshi.query import MAX_TICKERS, NamePath, Query
from predmarket.server.gateway.kalshi.words import STATUS_FILTER, Json, ticker
from predmarket.server.gateway.loop_turns import in_turns
from predmarket.server.read_model.queries.trades import trades_of, trades_of_all
from predmarket.server.read_model.records import MarketRecord
from predmarket.units import PRICE_ONE

T = TypeVar("T")


def catalog_of(request: ApiRequest) -> Catalog:
    """Return the catalog of what the sender may see."""
    return Catalog(request.context, request.user)


def _newest(found: Iterable[T], number: Callable[[T], int], query: Query) -> tuple[list[T], str]:
    """Return a page, the newest first, and the next page's cursor."""
    before, limit = query.before(), query.limit()
    below = sorted((one for one in found if number(one) < before), key=number, reverse=True)
    page = below[:limit]
    return page, cursor(number(page[-1]) if len(below) > limit else None)


def _statuses(query: Query) -> Collection[MarketStatus] | None:
    words = query.one_of("status", STATUS_FILTER)
    if not words:
        return None
    return {status for word in words for status in STATUS_FILTER[word]}


# series and events


@get("/series", guards=[public])
async def list_series(request: ApiRequest) -> Response[bytes]:
    """List series: every event has one."""
    query, catalog = Query(request), catalog_of(request)
    unknown = bool(query.words("category") or query.words("tags"))  # no series has one
    found, following = _newest(() if unknown else catalog.events(), _number, query)
    return rows(request, "series", await in_turns(found, presenters.series), cursor=following)


@get("/series/fee_changes", guards=[public])
async def list_fee_changes(request: ApiRequest) -> Response[bytes]:
    """Return an empty list: the fee rates of a market never change."""
    Query(request)
    return answer({"series_fee_change_arr": []})


@get("/series/{series_ticker:str}", guards=[public])
async def show_series(request: ApiRequest, series_ticker: NamePath) -> Response[bytes]:
    """Show one series."""
    Query(request)
    shown = await catalog_of(request).event(series_ticker)
    return answer({"series": presenters.series(shown)})


def _number(shown: ShownEvent) -> int:
    return shown.number


@get("/events", guards=[public])
async def list_events(request: ApiRequest) -> Response[bytes]:
    """List events, the newest first."""
    query, catalog = Query(request), catalog_of(request)
    statuses, closes_after = _statuses(query), query.moment("min_close_ts")
    series = {word.upper() for word in query.words("series_ticker")}
    nested = query.flag("with_nested_markets")
    found, following = _newest(
        (
            one
            for one in catalog.events()
            if (not series or one.series_ticker in series)
            and (statuses is None or catalog.status(one) in statuses)
            and (closes_after is None or _closes(one.markets, closes_after))
        ),
        _number,
        query,
    )
    shown = [await _event(request, catalog, one, nested=nested) for one in found]
    return rows(request, "events", shown, cursor=following, milestones=[])


def _closes(markets: Iterable[MarketRecord], after: int) -> bool:
    return any(one.closes_at is None or one.closes_at > after for one in markets)


async def _event(request: ApiRequest, catalog: Catalog, shown: ShownEvent, *, nested: bool) -> Json:
    told = presenters.event(shown)
    if nested:
        told["markets"] = await _shown(request, catalog, shown.markets)
        request.charge(len(shown.markets))
    return told


@get("/events/multivariate", guards=[public])
async def list_multivariate_events(request: ApiRequest) -> Response[bytes]:
    """Return an empty list: no event combines others."""
    Query(request)
    return answer({"events": [], "cursor": ""})


@get("/events/fee_changes", guards=[public])
async def list_event_fee_changes(request: ApiRequest) -> Response[bytes]:
    """Return an empty list: the fee rates of an event never change."""
    Query(request)
    return answer({"event_fee_changes": [], "cursor": ""})


@get("/events/{event_ticker:str}", guards=[public])
async def show_event(request: ApiRequest, event_ticker: NamePath) -> Response[bytes]:
    """Show an event; the client chooses whether its markets stand in it or beside it."""
    query, catalog = Query(request), catalog_of(request)
    shown = await catalog.event(event_ticker)
    nested = query.flag("with_nested_markets")
    markets = await _shown(request, catalog, shown.markets)
    request.charge(len(markets))
    told = presenters.event(shown)
    if nested:
        return answer({"event": {**told, "markets": markets}, "markets": []})
    return answer({"event": told, "markets": markets})


@get("/events/{event_ticker:str}/metadata", guards=[public])
async def show_event_metadata(request: ApiRequest, event_ticker: NamePath) -> Response[bytes]:
    """Show an event's pictures and sources; there are none."""
    Query(request)
    shown = await catalog_of(request).event(event_ticker)
    details = [
        {"market_ticker": ticker(one.slug), "image_url": "", "color_code": ""}
        for one in shown.markets
    ]
    return answer({"image_url": "", "market_details": details, "settlement_sources": []})


# markets


@get("/markets", guards=[public])
async def list_markets(request: ApiRequest) -> Response[bytes]:
    """List markets, the newest first."""
    query, catalog = Query(request), catalog_of(request)
    return await markets_page(request, query, catalog, _statuses(query))


async def markets_page(
    request: ApiRequest,
    query: Query,
    catalog: Catalog,
    statuses: Collection[MarketStatus] | None,
) -> Response[bytes]:
    """Return the page of markets that a query asks for, of these statuses if given."""
    named = query.words("tickers", MAX_TICKERS)
    candidates = catalog.known(named) if named else catalog.markets()
    wanted = _filter(query, catalog)
    found, following = _newest(
        (one for one in candidates if (statuses is None or one.status in statuses) and wanted(one)),
        lambda one: one.id,
        query,
    )
    return rows(request, "markets", await _shown(request, catalog, found), cursor=following)


def _filter(query: Query, catalog: Catalog) -> Callable[[MarketRecord], bool]:
    """Return whether a market matches the filters on events and times."""
    events = {word.upper() for word in query.words("event_ticker")}
    series = {word.upper() for word in query.words("series_ticker")}
    created = query.moment("min_created_ts"), query.moment("max_created_ts")
    closes = query.moment("min_close_ts"), query.moment("max_close_ts")
    if query.text("mve_filter") == "only":
        return lambda _: False

    def matches(one: MarketRecord) -> bool:
        if events or series:
            name = catalog.event_ticker(one)
            if (events and name not in events) or (series and name not in series):
                return False
        return _within(one.created_at, created) and _within(one.closes_at, closes)

    return matches


def _within(moment: int | None, bounds: tuple[int | None, int | None]) -> bool:
    """Tell whether a time lies within bounds that may be missing; None stands for never."""
    earliest, latest = bounds
    if moment is None:
        return latest is None
    return (earliest is None or moment >= earliest) and (latest is None or moment <= latest)


async def _shown(
    request: ApiRequest, catalog: Catalog, found: Collection[MarketRecord]
) -> list[Json]:
    now = request.services.core.now()
    return await in_turns([*found], lambda one: presenters.market(one, catalog, now))


@get("/markets/{name:str}", guards=[public])
async def show_market(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Show one market."""
    Query(request)
    return await market_answer(request, name)


async def market_answer(request: ApiRequest, name: str) -> Response[bytes]:
    """Return a market with its volume of 24 hours."""
    catalog = catalog_of(request)
    record = await catalog.market(name)
    now = request.services.core.now()
    day = await day_volume(request.context, record, now)
    return answer({"market": presenters.market(record, catalog, now, day)})


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


# trades and candles


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
        traded = [one.id for one in catalog.markets() if one.volume]
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


ROUTERS = [
    Router(
        "/",
        route_handlers=[
            list_series,
            list_fee_changes,
            show_series,
            list_events,
            list_multivariate_events,
            list_event_fee_changes,
            show_event,
            show_event_metadata,
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
]
"""All routes of this module, under the address of the API."""
