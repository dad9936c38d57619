"""Public data of series and events."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable

from litestar import Response, Router, get

from predmarket.enums import MarketStatus
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.kalshi import market_presenters as presenters
from predmarket.server.gateway.kalshi.answers import answer, cursor, rows
from predmarket.server.gateway.kalshi.catalog import Catalog, ShownEvent, catalog_of
from predmarket.server.gateway.kalshi.errors import NotFound
from predmarket.server.gateway.kalshi.guards import public
from predmarket.server.gateway.kalshi.market_data import day_ago, shown_markets, statuses_of
from predmarket.server.gateway.kalshi.query import NamePath, Query
from predmarket.server.gateway.kalshi.words import ticker
from predmarket.server.gateway.loop_turns import in_turns
from predmarket.server.gateway.metadata import metadata_filter
from predmarket.server.read_model.records import MarketRecord


@get("/series", guards=[public])
async def list_series(request: ApiRequest) -> Response[bytes]:
    """List series, each at the place of its oldest event: every event is in one."""
    query, catalog = Query(request), catalog_of(request)
    categories = {word.casefold() for word in query.words("category")}
    has_tags = metadata_filter(None, query.words("tags"), None)

    def wanted(one: ShownEvent) -> bool:
        category = (one.metadata.category or "").casefold()
        named = (not categories or category in categories) and has_tags(one.metadata)
        return named and catalog.begins_series(one)

    found, following = await query.page(
        catalog.events(catalog.kinds(), query.before()), _number, wanted
    )
    return rows(
        request, "series", await in_turns(found, presenters.series), cursor=cursor(following)
    )


@get("/series/fee_changes", guards=[public])
async def list_fee_changes(request: ApiRequest) -> Response[bytes]:
    """Return an empty list: the fee rates of a market never change."""
    Query(request)
    return answer({"series_fee_change_arr": []})


@get("/series/{series_ticker:str}", guards=[public])
async def show_series(request: ApiRequest, series_ticker: NamePath) -> Response[bytes]:
    """Show one series."""
    Query(request)
    shown = next(catalog_of(request).in_series(series_ticker), None)
    if shown is None:
        raise NotFound("there is no such series")
    return answer({"series": presenters.series(shown)})


def _number(shown: ShownEvent) -> int:
    return shown.number


@get("/events", guards=[public])
async def list_events(request: ApiRequest) -> Response[bytes]:
    """List events, the newest first."""
    query, catalog = Query(request), catalog_of(request)
    statuses, closes_after = statuses_of(query), query.moment("min_close_ts")
    nested = query.flag("with_nested_markets")
    found, following = await query.page(
        _candidates(query, catalog, statuses),
        _number,
        lambda one: closes_after is None or _closes(one.markets, closes_after),
    )
    shown = await in_turns(found, presenters.event)
    if nested:
        await day_ago(request, [market for one in found for market in one.markets])  # all at once
        for one, told in zip(found, shown, strict=True):
            await asyncio.sleep(0)
            told["markets"] = await shown_markets(request, catalog, one.markets)
            request.charge(len(one.markets))
    return rows(request, "events", shown, cursor=cursor(following), milestones=[])


def _candidates(
    query: Query, catalog: Catalog, statuses: Collection[MarketStatus] | None
) -> AsyncGenerator[list[ShownEvent]]:
    """Yield the events of these statuses in the series asked for, from the query's page on."""
    series = query.words("series_ticker")
    if not series:
        return catalog.events(catalog.kinds(statuses), query.before())
    found = {shown.number: shown for name in series for shown in catalog.in_series(name)}
    return query.chosen(
        found.values(), _number, lambda one: statuses is None or catalog.status(one) in statuses
    )


def _closes(markets: Iterable[MarketRecord], after: int) -> bool:
    return any(one.closes_at is None or one.closes_at > after for one in markets)


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
    markets = await shown_markets(request, catalog, shown.markets)
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


ROUTER = Router(
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
    ],
)
