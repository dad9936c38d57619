"""Resting orders as stored, in the order in which they would trade.

Each query runs along the index of open orders by place in the queue, so it costs what it returns or
sums up: the orders ahead at one price, or those that an incoming order could reach.
"""

from collections.abc import AsyncIterator
from typing import NamedTuple

from sqlalchemy import BigInteger, Select, and_, cast, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.storage.tables.trading import orders
from predmarket.terms import OrderStatus, Side
from predmarket.units import Price, Qty

_OPEN = text(f"status IN ('{OrderStatus.OPEN}', '{OrderStatus.PARTIALLY_FILLED}')")
"""Spelled as the index spells it: a database uses a partial index only when it sees that it may."""
_PAGE = 100


class RestingOrder(NamedTuple):
    """What an incoming order can meet."""

    price: Price
    rank: int
    user_id: int
    remaining: Qty


async def queue_ahead(connection: AsyncConnection, order_id: int) -> Qty | None:
    """Return the quantity that rests before an order at its price; None when it does not rest."""
    mine = select(orders.c.market_id, orders.c.side, orders.c.price, orders.c.rank).where(
        orders.c.id == order_id, _OPEN
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
        orders.c.market_id == market_id, orders.c.side == side.value, orders.c.price == price, _OPEN
    )
    if before is not None:
        query = query.where(orders.c.rank < before)
    return int((await connection.execute(query)).scalar_one())


async def resting_orders(
    connection: AsyncConnection, market_id: int, side: Side
) -> AsyncIterator[RestingOrder]:
    """Yield the orders that rest on one side, the first to trade first."""
    last: RestingOrder | None = None
    while True:
        rows = (await connection.execute(_page(market_id, side, last))).all()
        for row in rows:
            last = RestingOrder(*row)
            yield last
        if len(rows) < _PAGE:
            return


def _page(market_id: int, side: Side, last: RestingOrder | None) -> Select[int, int, int, int]:
    price, rank = orders.c.price, orders.c.rank
    query = select(price, rank, orders.c.user_id, orders.c.qty - orders.c.filled).where(
        orders.c.market_id == market_id, orders.c.side == side.value, _OPEN
    )
    if last is not None:
        # The first condition says nothing new, but lets the scan begin there.
        reached, worse = (
            (price <= last.price, price < last.price)
            if side is Side.BUY
            else (price >= last.price, price > last.price)
        )
        behind = and_(price == last.price, rank > last.rank)
        query = query.where(reached, or_(worse, behind))
    best_first = price.desc() if side is Side.BUY else price
    return query.order_by(best_first, rank).limit(_PAGE)
