"""The outcome of a preview, computed from committed state without the core.

One snapshot of the database gives the market with its event, the user's cash and shares, and the
levels that the new order would meet. The database sums up each level, and no level is read that the
order cannot reach: a gateway never holds the orders of a level, however many there are. The engine
decides on that copy (engine/preview.py), and no lock is taken anywhere.
"""

from dataclasses import dataclass

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.engine.commands import PlaceOrder
from predmarket.engine.group_registry import SPAN
from predmarket.engine.market import Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.matching import collar
from predmarket.engine.preview import Copy, Shares, Trial
from predmarket.engine.replies import Refused
from predmarket.engine.sight import belongs
from predmarket.enums import ErrorCode, MarketStatus, SelfTradePrevention, Side
from predmarket.server.core.idempotency import same_content
from predmarket.server.errors import Refusal
from predmarket.server.read_model.queries.accounts import account_of
from predmarket.server.read_model.queries.books import (
    open_orders,
    own_resting,
    resting_levels,
    resting_qty,
)
from predmarket.server.read_model.queries.order_groups import filled_since, order_groups_of
from predmarket.server.read_model.queries.unsettled import held_markets
from predmarket.server.storage.tables.trading import events, holdings, markets, orders, positions
from predmarket.units import Micros, Money, Price, Qty

_ENDS_AT_OWN = (SelfTradePrevention.CANCEL_TAKER, SelfTradePrevention.CANCEL_BOTH)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a preview. ``queue_ahead`` is None if the order would not rest.

    ``covered`` is the part of it that gives shares of the user, and so locks no cash.
    """

    filled: Qty
    rest: Qty
    notional: Money
    worst_price: Price | None
    fees: Money
    locked: Money
    covered: Qty
    queue_ahead: Qty | None


async def dry_run(connection: AsyncConnection, command: PlaceOrder, now: Micros) -> Outcome:
    """Return what placing would do now. Raises the Refusal that placing would raise."""
    await _check_client_order_id(connection, command)
    market, command = await _seen_market(connection, command)
    copy = Copy(now, command.user_id, market)
    account = await account_of(connection, command.user_id)
    if account is not None:
        event = None if market is None else market.event
        yes, no = 0, 0
        if event is None:
            yes, no = await _free_shares(connection, command.user_id, command.market_id)
        copy.fund(account.available, yes, no, await open_orders(connection, command.user_id))
        if event is not None:
            await _hold(connection, copy, command, event)
        if command.order_group_id is not None:
            for group in await order_groups_of(connection, command.user_id, command.order_group_id):
                copy.add_group(group, await filled_since(connection, group.id, now - SPAN))
    if market is not None:
        await _let_rest(connection, copy, command, market)
    trial = copy.place(command)
    if isinstance(trial, Refused):
        raise Refusal.of(trial)
    return await _outcome(connection, command, trial)


async def _check_client_order_id(connection: AsyncConnection, command: PlaceOrder) -> None:
    if command.client_order_id is None:
        return
    query = select(orders.c.request).where(
        orders.c.user_id == command.user_id,
        orders.c.client_order_id == command.client_order_id,
    )
    known = (await connection.execute(query)).one_or_none()
    if known is not None and not same_content(known.request, command.request):
        raise Refusal(ErrorCode.DUPLICATE_CLIENT_ORDER_ID)


async def _seen_market(
    connection: AsyncConnection, command: PlaceOrder
) -> tuple[Market | None, PlaceOrder]:
    """Return the order's market, None if it does not exist for the user, and the order.

    Who is not in the market's group any more sees it until flat there, and can only reduce
    (engine/sight.py). A copy does not tell who is flat, so the database does.
    """
    market, group_id = await _market(connection, command.market_id)
    if market is None or belongs(group_id, command):
        return market, command
    unit = market.id if market.event is None else -market.event.id
    held = await held_markets(connection, [command.user_id])
    if not any(one.unit == unit for one in held):
        return None, command
    return market, msgspec.structs.replace(command, reduce_only=True)


async def _market(connection: AsyncConnection, market_id: int) -> tuple[Market | None, int | None]:
    """Return a market and its group."""
    query = select(
        markets.c.slug,
        markets.c.tick,
        markets.c.maker_rate,
        markets.c.taker_rate,
        markets.c.status,
        markets.c.event_id,
        markets.c.group_id,
    ).where(markets.c.id == market_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None, None
    slug, tick, maker_rate, taker_rate, status, event_id, group_id = row
    event = None if event_id is None else await _event(connection, event_id)
    market = Market(
        market_id, slug, tick, maker_rate, taker_rate, status=MarketStatus(status), event=event
    )
    return market, group_id


async def _event(connection: AsyncConnection, event_id: int) -> MarketEvent:
    """Return an event without holdings, its outcomes that may still happen counted."""
    e = events.c
    query = select(e.slug, e.tick, e.exhaustive, e.outcomes).where(e.id == event_id)
    slug, tick, exhaustive, outcomes = (await connection.execute(query)).one()
    event = MarketEvent(event_id, slug, tick, exhaustive=exhaustive)
    event.outcomes = outcomes
    return event


async def _hold(
    connection: AsyncConnection, copy: Copy, command: PlaceOrder, event: MarketEvent
) -> None:
    """Copy what the user holds of the event, and the own orders that reduceOnly counts."""
    base_of = select(holdings.c.base).where(
        holdings.c.user_id == command.user_id, holdings.c.event_id == event.id
    )
    base = (await connection.execute(base_of)).scalar_one_or_none()
    if base is None:
        return
    p = positions.c
    query = (
        select(p.market_id, p.yes, p.no, p.reserved_yes, p.reserved_no)
        .join(markets, markets.c.id == p.market_id)
        .where(p.user_id == command.user_id, p.event_id == event.id, markets.c.outcome.is_(None))
    )
    copy.hold(base, [Shares(*row) for row in await connection.execute(query)])
    if command.reduce_only:
        own = await own_resting(connection, command.user_id, command.market_id, command.side)
        if own is not None:
            copy.rest(command.side, own.price, own.qty, own=True)


async def _free_shares(
    connection: AsyncConnection, user_id: int, market_id: int
) -> tuple[Qty, Qty]:
    """Return a user's unreserved YES and NO shares."""
    p = positions.c
    query = select(p.yes - p.reserved_yes, p.no - p.reserved_no).where(
        p.user_id == user_id, p.market_id == market_id
    )
    row = (await connection.execute(query)).one_or_none()
    return (0, 0) if row is None else (row[0], row[1])


async def _let_rest(
    connection: AsyncConnection, copy: Copy, command: PlaceOrder, market: Market
) -> None:
    """Copy the levels that the new order could meet, the user's own orders apart.

    The copy ends where others fill the new order, or at its price limit. For a MARKET order the
    limit is the collar before rounding to the tick; the engine only makes it narrower. If the first
    own order ends the new one, the copy ends there.
    """
    is_buy = command.side is Side.BUY
    side = Side.SELL if is_buy else Side.BUY
    wanted, limit = command.qty, command.price
    ends_at_own = command.stp in _ENDS_AT_OWN
    async for level in resting_levels(connection, command.market_id, side, command.user_id):
        price, others = level.price, level.total - level.own
        if limit is not None and (price > limit if is_buy else price < limit):
            return
        if ends_at_own and level.own:
            first = level.first_own
            others = await resting_qty(connection, command.market_id, side, price, before=first)
        if others:
            copy.rest(side, price, others, own=False)
        if level.own:
            copy.rest(side, price, level.own, own=True)
        if limit is None:
            assert command.max_slippage is not None  # every MARKET order carries one
            limit = collar(market.book, is_buy, command.max_slippage, market.tick)
        wanted -= others
        if wanted <= 0 or (ends_at_own and level.own):
            return


async def _outcome(connection: AsyncConnection, command: PlaceOrder, trial: Trial) -> Outcome:
    ahead: Qty | None = None
    if trial.rest:
        assert command.price is not None  # only a LIMIT order rests
        ahead = await resting_qty(connection, command.market_id, command.side, command.price)
    return Outcome(
        trial.filled,
        trial.rest,
        trial.notional,
        trial.worst_price,
        trial.fees,
        trial.locked,
        trial.covered,
        ahead,
    )
