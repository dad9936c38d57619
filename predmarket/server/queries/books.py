"""Resting orders as stored, in the order in which they would trade.

Each query runs along the index of open orders by place in the queue, so it costs what it returns or
sums up: the orders ahead at one price, or those that an incoming order could reach.
"""

from collections.abc import AsyncIterator
from typing import NamedTuple

from sqlalchemy import BigInteger, Select, cast, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.storage.tables.trading import orders
from predmarket.terms import OrderStatus, Side
from predmarket.units import Price, Qty

OPEN = text(f"status IN ('{OrderStatus.OPEN}', '{OrderStatus.PARTIALLY_FILLED}')")
"""Spelled as the index spells it: a database uses a partial index only when it sees that it may."""
_RESTS = orders.c.rank > 0
"""An open order without a rank is on its way through the book, in steps."""
_FIRST_PAGE, _LARGEST_PAGE = 50, 2_000


class RestingOrder(NamedTuple):
    """What an incoming order can meet."""

    price: Price
    rank: int
    user_id: int
    remaining: Qty


async def queue_ahead(connection: AsyncConnection, order_id: int) -> Qty | None:
    """Return the quantity that rests before an order at its price; None when it does not rest."""
    mine = select(orders.c.market_id, orders.c.side, orders.c.price, orders.c.rank).where(
        orders.c.id == order_id, _RESTS, OPEN
    )
    row = (await connection.execute(mine)).one_or_none()
    if row is None:
        return None
    market_id, side, price, rank = row
    return await resting_qty(connection, market_id, Side(side), price, before=rank)


async def resting_qty(
    connection: AsyncConnection,
    market_id: int,
    side: Side,
    price: Price,
    *,
    before: int | None = None,
) -> Qty:
    """Return the quantity that rests at a price, all of it or what is ahead of a rank."""
    total = func.coalesce(func.sum(orders.c.qty - orders.c.filled), 0)
    query = select(cast(total, BigInteger)).where(
        orders.c.market_id == market_id,
        orders.c.side == side.value,
        orders.c.price == price,
        _RESTS,
        OPEN,
    )
    if before is not None:
        query = query.where(orders.c.rank < before)
    return int((await connection.execute(query)).scalar_one())


async def resting_orders(
    connection: AsyncConnection, market_id: int, side: Side
) -> AsyncIterator[RestingOrder]:
    """Yield the orders that rest on one side, the first to trade first.

    Where a page ends the rest of its price is read first and then the prices after it, each by a
    scan that begins there: many orders at one price are not gone through again for every page.
    """
    size, price = _FIRST_PAGE, None
    while True:
        rows = (await connection.execute(_from_price(market_id, side, price).limit(size))).all()
        for row in rows:
            yield RestingOrder(*row)
        if len(rows) < size:
            return
        while len(rows) == size:
            size = min(2 * size, _LARGEST_PAGE)
            price, rank, *_ = rows[-1]
            rows = (
                await connection.execute(_behind(market_id, side, price, rank).limit(size))
            ).all()
            for row in rows:
                yield RestingOrder(*row)


def _from_price(market_id: int, side: Side, after: Price | None) -> Select[int, int, int, int]:
    """Return the query of the orders at prices worse than ``after``; None: at all prices."""
    price = orders.c.price
    query = _resting(market_id, side)
    if after is not None:
        query = query.where(price < after if side is Side.BUY else price > after)
    return query.order_by(price.desc() if side is Side.BUY else price, orders.c.rank)


def _behind(market_id: int, side: Side, price: Price, rank: int) -> Select[int, int, int, int]:
    """Return the query of the orders behind a rank at a price."""
    query = _resting(market_id, side).where(orders.c.price == price, orders.c.rank > rank)
    return query.order_by(orders.c.rank)


def _resting(market_id: int, side: Side) -> Select[int, int, int, int]:
    return select(
        orders.c.price, orders.c.rank, orders.c.user_id, orders.c.qty - orders.c.filled
    ).where(orders.c.market_id == market_id, orders.c.side == side.value, _RESTS, OPEN)
