"""The sender's account: balance, positions and settlements."""

from collections.abc import Iterable
from typing import NamedTuple

from litestar import Response, Router, get
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.enums import Outcome
from predmarket.server.gateway import presenters
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.kalshi.answers import answer, cursor
from predmarket.server.gateway.kalshi.catalog import Catalog, catalog_of, market_ids
from predmarket.server.gateway.kalshi.guards import reader
from predmarket.server.gateway.kalshi.market_presenters import yes_pays
from predmarket.server.gateway.kalshi.query import Query
from predmarket.server.gateway.kalshi.words import (
    ENDED,
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
from predmarket.server.read_model.queries.holdings import holdings_of
from predmarket.server.read_model.queries.positions import positions_of
from predmarket.server.read_model.queries.traded import Resting, Traded, resting_of, traded_by
from predmarket.server.read_model.records import MarketRecord, PositionRecord
from predmarket.units import PRICE_ONE, Micros, Money

_COUNTS = ("position", "total_traded")


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
    wanted = await market_ids(query, catalog)
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


@get("/settlements", guards=[reader])
async def list_settlements(request: ApiRequest) -> Response[bytes]:
    """List the payouts of positions in markets that have ended, the newest first."""
    query, catalog = Query(request), catalog_of(request)
    wanted, span = await market_ids(query, catalog), query.span()
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
        list_settlements,
    ],
)
