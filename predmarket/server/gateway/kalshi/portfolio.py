"""The sender's account: balance, positions, fills, orders, queue positions, settlements."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from litestar import Response, Router, get
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.enums import Outcome
from predmarket.server.gateway import presenters
from predmarket.server.gateway.context import ApiRequest
from predmarket.server.gateway.http.params import order_id
from predmarket.server.gateway.kalshi import order_presenters
from predmarket.server.gateway.kalshi.answers import answer, cursor, rows
from predmarket.server.gateway.kalshi.catalog import Catalog
from predmarket.server.gateway.kalshi.errors import NotFound, invalid
from predmarket.server.gateway.kalshi.guards import reader
from predmarket.server.gateway.kalshi.market_presenters import yes_pays
from predmarket.server.gateway.kalshi.query import NamePath, Query
from predmarket.server.gateway.kalshi.words import (
    ACCEPTED,
    ENDED,
    ORDER_FILTER,
    Json,
    cents,
    count,
    dollars,
    milliseconds,
    number,
    ticker,
    time,
)
from predmarket.server.read_model.queries.accounts import account_of
from predmarket.server.read_model.queries.admin_log import resolved_at
from predmarket.server.read_model.queries.books import queue_ahead, queues_ahead
from predmarket.server.read_model.queries.holdings import holdings_of
from predmarket.server.read_model.queries.orders import fills_of, order_by_id, page_of_orders
from predmarket.server.read_model.queries.positions import positions_of
from predmarket.server.read_model.queries.traded import Resting, Traded, resting_of, traded_by
from predmarket.server.read_model.queries.trades import fills_of_order, page_of_fills
from predmarket.server.read_model.records import MarketRecord, PositionRecord
from predmarket.units import PRICE_ONE, Micros, Money

MAX_QUEUES = 1_000
"""Maximum orders in one answer about places in the queue."""
_MAX_EVENTS = 10
_COUNTS = ("position", "total_traded")


def catalog_of(request: ApiRequest) -> Catalog:
    """Return the catalog of what the sender may see."""
    return Catalog(request.context, request.user)


async def _market_ids(query: Query, catalog: Catalog) -> Collection[int] | None:
    """Return the markets that the filters name, None without a filter. Raises NotFound."""
    name, events = query.text("ticker"), query.words("event_ticker", _MAX_EVENTS)
    if name:
        return [(await catalog.market(name)).id]
    if not events:
        return None
    return [one.id for event in events for one in (await catalog.event(event)).markets]


# balance and positions


@get("/balance", guards=[reader])
async def show_balance(request: ApiRequest) -> Response[bytes]:
    """Show the available cash and the value of the positions."""
    Query(request)
    services, user_id = request.services, request.principal.user_id
    async with services.db.read() as connection:
        account = await account_of(connection, user_id)
        positions = await positions_of(connection, user_id)
        holdings = await holdings_of(connection, user_id)
    free = 0 if account is None else account.available
    worth = presenters.positions_value(positions, services.view)
    worth -= sum(one.returned for one in holdings)
    return answer(
        {
            "balance": cents(free),
            "balance_dollars": dollars(free),
            "portfolio_value": cents(worth),
            "updated_ts": milliseconds(services.core.now()) // 1_000,
        }
    )


class _Held(NamedTuple):
    """A user's position in a market, with what the user traded and what rests there."""

    market: MarketRecord
    position: PositionRecord
    traded: Traded
    resting: Resting


@get("/positions", guards=[reader])
async def list_positions(request: ApiRequest) -> Response[bytes]:
    """List the positions by market, and their sums by event."""
    query, catalog = Query(request), catalog_of(request)
    wanted = await _market_ids(query, catalog)
    counts = query.one_of("count_filter", _COUNTS)
    before, limit = query.before(), query.limit()
    user_id = request.principal.user_id
    async with request.services.db.read() as connection:
        held = await _held(connection, user_id, catalog)
        holdings = await holdings_of(connection, user_id)
    request.charge(sum(one.traded.orders for one in held))  # that is what had to be read
    found = [
        one
        for one in held
        if (wanted is None or one.market.id in wanted)
        and ("position" not in counts or one.position.yes != one.position.no)
        and ("total_traded" not in counts or one.traded.orders)
    ]
    below = [one for one in found if one.market.id < before]
    page = below[:limit]
    names = sorted({catalog.event_ticker(one.market) for one in page})
    returned = {one.event_id: one.returned for one in holdings}
    return answer(
        {
            "market_positions": [_market_position(one) for one in page],
            "event_positions": [_event_position(n, found, catalog, returned) for n in names],
            "cursor": cursor(page[-1].market.id if len(below) > limit else None),
        }
    )


async def _held(connection: AsyncConnection, user_id: int, catalog: Catalog) -> list[_Held]:
    """Return everything that a user holds or held, the newest market first."""
    positions = {one.market_id: one for one in await positions_of(connection, user_id)}
    traded = await traded_by(connection, user_id)
    resting = await resting_of(connection, user_id)
    found = []
    for market_id in sorted({*positions, *traded}, reverse=True):
        market = catalog.view.find(market_id)
        if market is not None:
            flat = PositionRecord(market_id, 0, 0, 0, 0, 0)
            found.append(
                _Held(
                    market,
                    positions.get(market_id, flat),
                    traded.get(market_id, Traded()),
                    resting.get(market_id, Resting()),
                )
            )
    return found


def _market_position(held: _Held) -> Json:
    net = held.position.yes - held.position.no
    return {
        "ticker": ticker(held.market.slug),
        "position": number(net),
        "position_fp": count(net),
        "total_traded_dollars": dollars(held.traded.spent),
        "market_exposure_dollars": dollars(held.position.cost),
        "realized_pnl_dollars": dollars(held.position.realized),
        "resting_orders_count": held.resting.orders,
        "fees_paid_dollars": dollars(held.traded.fees),
        "last_updated_ts": time(held.traded.updated_at),
    }


def _event_position(
    name: str, found: Iterable[_Held], catalog: Catalog, returned: dict[int, Money]
) -> Json:
    """Return a user's sums in an event; cash that merging paid back is not counted as exposure."""
    parts = [one for one in found if catalog.event_ticker(one.market) == name]
    event_id = parts[0].market.event_id
    exposed = sum(one.position.cost for one in parts)
    exposed -= 0 if event_id is None else returned.get(event_id, 0)
    return {
        "event_ticker": name,
        "total_cost_dollars": dollars(sum(one.traded.spent for one in parts)),
        "total_cost_shares_fp": count(sum(one.traded.bought + one.traded.sold for one in parts)),
        "event_exposure_dollars": dollars(exposed),
        "realized_pnl_dollars": dollars(sum(one.position.realized for one in parts)),
        "fees_paid_dollars": dollars(sum(one.traded.fees for one in parts)),
    }


# orders and fills


@get("/orders", guards=[reader])
async def list_orders(request: ApiRequest) -> Response[bytes]:
    """List the sender's orders, newest first.

    With a filter a page may hold fewer orders than asked for, although another page follows.
    """
    query, catalog = Query(request), catalog_of(request)
    statuses = {s for word in query.one_of("status", ORDER_FILTER) for s in ORDER_FILTER[word]}
    wanted = await _market_ids(query, catalog)
    async with request.services.db.read() as connection:
        found, following = await page_of_orders(
            connection,
            request.principal.user_id,
            before=query.before(),
            limit=query.limit(),
            market_ids=wanted,
            statuses=statuses or ACCEPTED,
            span=query.span(),
        )
        fills = await fills_of(connection, [one.id for one in found if one.filled])
    told = [order_presenters.order(one, fills.get(one.id, ()), catalog.view) for one in found]
    return rows(request, "orders", told, cursor=cursor(following))


@get("/orders/{name:str}", guards=[reader])
async def show_order(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Show one of the sender's orders."""
    Query(request)
    wanted = order_id(name)
    async with request.services.db.read_account() as connection:
        found = await order_by_id(connection, wanted)
        if found is None or found.user_id != request.principal.user_id:
            raise NotFound("there is no such order")
        fills = await fills_of(connection, [wanted]) if found.filled else {}
    told = order_presenters.order(found, fills.get(wanted, ()), request.services.view)
    return answer({"order": told})


@get("/fills", guards=[reader])
async def list_fills(request: ApiRequest) -> Response[bytes]:
    """List the sender's fills, newest first, in pages like those of orders."""
    query, catalog = Query(request), catalog_of(request)
    wanted, named = await _market_ids(query, catalog), query.text("order_id")
    user_id, before, limit = request.principal.user_id, query.before(), query.limit()
    async with request.services.db.read() as connection:
        if named:
            order = await order_by_id(connection, order_id(named))
            if order is None or order.user_id != user_id:
                raise NotFound("there is no such order")
            found = await fills_of_order(connection, order, before=before, limit=limit + 1)
            following = found[limit - 1].trade_id if len(found) > limit else None
            found = found[:limit]
        else:
            found, following = await page_of_fills(
                connection,
                user_id,
                before=before,
                limit=limit,
                market_ids=wanted,
                span=query.span(),
            )
    told = [order_presenters.fill(one, catalog.view) for one in found]
    return rows(request, "fills", told, cursor=cursor(following))


@get("/orders/{name:str}/queue_position", guards=[reader])
async def show_queue_position(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Show the quantity ahead of one of the sender's resting orders at its price."""
    Query(request)
    wanted = order_id(name)
    async with request.services.db.read_account() as connection:
        found = await order_by_id(connection, wanted)
        ahead = await queue_ahead(connection, wanted)
    if found is None or found.user_id != request.principal.user_id or ahead is None:
        raise NotFound("no such order rests")
    return answer({"queue_position_fp": count(ahead), "queue_position": number(ahead)})


@get("/orders/queue_positions", guards=[reader])
async def list_queue_positions(request: ApiRequest) -> Response[bytes]:
    """Show the quantity ahead of each of the sender's resting orders."""
    query, catalog = Query(request), catalog_of(request)
    wanted: Collection[int] | None = None
    if names := query.words("market_tickers"):
        wanted = [one.id for one in catalog.known(names)]
    elif event := query.text("event_ticker"):
        wanted = [one.id for one in (await catalog.event(event)).markets]
    async with request.services.db.read() as connection:
        found = await queues_ahead(
            connection, request.principal.user_id, wanted, most=MAX_QUEUES + 1
        )
    if len(found) > MAX_QUEUES:
        raise invalid("market_tickers", f"must leave at most {MAX_QUEUES} resting orders")
    told: list[Json] = [
        {
            "order_id": str(id),
            "market_ticker": order_presenters.market_ticker(catalog.view, market_id),
            "queue_position_fp": count(ahead),
        }
        for id, market_id, ahead in found
    ]
    return rows(request, "queue_positions", told)


@get("/summary/total_resting_order_value", guards=[reader])
async def show_resting_value(request: ApiRequest) -> Response[bytes]:
    """Show the cost of the sender's resting orders if they fill."""
    Query(request)
    async with request.services.db.read() as connection:
        resting = await resting_of(connection, request.principal.user_id)
    value = sum(one.value for one in resting.values())
    return answer(
        {
            "total_resting_order_value": cents(value),
            "total_resting_order_value_dollars": dollars(value),
        }
    )


# settlements


@get("/settlements", guards=[reader])
async def list_settlements(request: ApiRequest) -> Response[bytes]:
    """List the payouts of positions in markets that have ended, the newest first."""
    query, catalog = Query(request), catalog_of(request)
    wanted, span = await _market_ids(query, catalog), query.span()
    before, limit = query.before(), query.limit()
    async with request.services.db.read() as connection:
        traded = await traded_by(connection, request.principal.user_id)
        ended = [
            (market, one)
            for market_id, one in sorted(traded.items(), reverse=True)
            if (market := catalog.view.find(market_id)) is not None
            and market.status in ENDED
            and one.net
            and (wanted is None or market_id in wanted)
        ]
        at = await resolved_at(connection, [market for market, _ in ended])
    request.charge(sum(one.orders for one in traded.values()))
    found = [
        (market, one)
        for market, one in ended
        if market.id < before
        and (span.since is None or at[market.id] >= span.since)
        and (span.until is None or at[market.id] < span.until)
    ]
    told = [_settlement(market, one, at[market.id], catalog) for market, one in found[:limit]]
    following = found[limit - 1][0].id if len(found) > limit else None
    return answer({"settlements": told, "cursor": cursor(following)})


def _settlement(market: MarketRecord, traded: Traded, at: Micros, catalog: Catalog) -> Json:
    """Return a settlement. A VOID gives back what was paid, fees too."""
    pays, net, fees = yes_pays(market), traded.net, traded.fees
    result = (market.outcome or Outcome.VOID).lower()
    if pays is None:
        revenue, fees = traded.cost, 0
    else:
        revenue = net * pays if net > 0 else -net * (PRICE_ONE - pays)
    return {
        "ticker": ticker(market.slug),
        "event_ticker": catalog.event_ticker(market),
        "market_result": result,
        "yes_count_fp": count(max(net, 0)),
        "yes_total_cost_dollars": dollars(traded.cost if net > 0 else 0),
        "no_count_fp": count(max(-net, 0)),
        "no_total_cost_dollars": dollars(traded.cost if net < 0 else 0),
        "revenue": cents(revenue),
        "revenue_dollars": dollars(revenue),
        "settled_time": time(at),
        "fee_cost": dollars(fees),
        "value": None if pays is None else pays // 100,
    }


ROUTER = Router(
    "/portfolio",
    route_handlers=[
        show_balance,
        list_positions,
        list_orders,
        show_order,
        list_fills,
        show_queue_position,
        list_queue_positions,
        show_resting_value,
        list_settlements,
    ],
)
