"""A preview's outcome, from committed state alone and without a word to the core.

One snapshot of the database gives the market, the user's cash and shares, and the resting orders in
the order in which the new one would meet them, read as far as it could get and no further. So a
preview costs the gateway about what placing costs the core; the engine decides on that copy
(engine/preview.py), and no lock is taken anywhere.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.engine.commands import PlaceOrder
from predmarket.engine.market import Market
from predmarket.engine.preview import Copy, Trial
from predmarket.engine.replies import Refused
from predmarket.server.queries.accounts import account_of
from predmarket.server.queries.books import resting_orders, resting_qty
from predmarket.server.refusal import Refusal
from predmarket.server.settlement.repeats import same_content
from predmarket.server.storage.tables.trading import markets, orders, positions
from predmarket.terms import ErrorCode, MarketStatus, Side
from predmarket.units import Micros, Money, Price, Qty


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an order would do. ``queue_ahead`` is None when it would not rest."""

    filled: Qty
    rest: Qty
    notional: Money
    worst_price: Price | None
    fees: Money
    locked: Money
    queue_ahead: Qty | None


async def dry_run(connection: AsyncConnection, command: PlaceOrder, now: Micros) -> Outcome:
    """Return what placing would do now. Raises Refusal with what placing would be refused for."""
    await _check_client_order_id(connection, command)
    market = await _market(connection, command.market_id)
    copy = Copy(now, command.user_id, market)
    account = await account_of(connection, command.user_id)
    if account is not None:
        yes, no = await _free_shares(connection, command.user_id, command.market_id)
        copy.fund(account.available, yes, no)
    if market is not None:
        await _let_rest(connection, copy, command)
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


async def _market(connection: AsyncConnection, market_id: int) -> Market | None:
    query = select(
        markets.c.slug,
        markets.c.tick,
        markets.c.maker_rate,
        markets.c.taker_rate,
        markets.c.status,
    ).where(markets.c.id == market_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    slug, tick, maker_rate, taker_rate, status = row
    return Market(market_id, slug, tick, maker_rate, taker_rate, status=MarketStatus(status))


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


async def _let_rest(connection: AsyncConnection, copy: Copy, command: PlaceOrder) -> None:
    """Copy the orders that the new one could meet.

    It stops where others would have filled the new one, or where its price ends; for MARKET that
    is a collar not yet put on the tick, which the engine only ever makes narrower.
    """
    is_buy = command.side is Side.BUY
    side = Side.SELL if is_buy else Side.BUY
    wanted, limit = command.qty, command.price
    async for maker in resting_orders(connection, command.market_id, side):
        if limit is None:
            assert command.max_slippage is not None  # every MARKET order carries one
            limit = maker.price + (command.max_slippage if is_buy else -command.max_slippage)
        if maker.price > limit if is_buy else maker.price < limit:
            return
        own = maker.user_id == command.user_id
        copy.rest(side, maker.price, maker.remaining, own=own)
        if not own:
            wanted -= maker.remaining
            if wanted <= 0:
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
        ahead,
    )
