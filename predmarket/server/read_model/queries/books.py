"""Queries on resting orders, in the order in which they would trade.

Each query runs along the index of open orders by their place in the queue. So it reads only the
orders that it returns or sums up: those ahead at one price, or those that an incoming order could
reach.
"""

from collections.abc import AsyncIterator, Collection
from typing import NamedTuple

from sqlalchemy import BigInteger, Select, case, cast, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.enums import OrderStatus, Side, TimeInForce
from predmarket.server.storage.tables.trading import orders
from predmarket.units import Price, Qty

OPEN = text(f"status IN ('{OrderStatus.OPEN}', '{OrderStatus.PARTIALLY_FILLED}')")
"""Spelled as the index spells it: a database uses a partial index only when it sees that it may."""
RESTS = orders.c.rank > 0
"""An open order without a rank is on its way through the book, in steps."""
_FIRST_PAGE, _LARGEST_PAGE = 50, 500


class RestingLevel(NamedTuple):
    """The resting quantity at a price: the total, and one user's own.

    ``first_own`` is the rank of that user's first order there, None without one.
    """

    price: Price
    total: Qty
    own: Qty
    first_own: int | None


class OwnResting(NamedTuple):
    """A user's resting quantity on a side, and its price that is furthest from the other side."""

    price: Price
    qty: Qty


async def own_resting(
    connection: AsyncConnection, user_id: int, market_id: int, side: Side
) -> OwnResting | None:
    """Return what rests of a user on one side of a market, None when nothing does."""
    furthest = func.min if side is Side.BUY else func.max
    left = func.coalesce(func.sum(orders.c.qty - orders.c.filled), 0)
    query = select(furthest(orders.c.price), cast(left, BigInteger)).where(
        orders.c.user_id == user_id,
        orders.c.market_id == market_id,
        orders.c.side == side.value,
        RESTS,
        OPEN,
    )
    price, qty = (await connection.execute(query)).one()
    return OwnResting(price, int(qty)) if qty else None


async def queue_ahead(connection: AsyncConnection, order_id: int) -> Qty | None:
    """Return the quantity ahead of an order at its price; None if the order does not rest."""
    mine = select(orders.c.market_id, orders.c.side, orders.c.price, orders.c.rank).where(
        orders.c.id == order_id, RESTS, OPEN
    )
    row = (await connection.execute(mine)).one_or_none()
    if row is None:
        return None
    market_id, side, price, rank = row
    return await resting_qty(connection, market_id, Side(side), price, before=rank)


async def queues_ahead(
    connection: AsyncConnection, user_id: int, market_ids: Collection[int] | None, most: int
) -> list[tuple[int, int, Qty]]:
    """Return up to ``most`` of a user's resting orders, in some markets or in all: the id, the
    market's id, and the quantity ahead at its price."""
    mine = select(orders.c.id, orders.c.market_id, orders.c.side, orders.c.price, orders.c.rank)
    mine = mine.where(orders.c.user_id == user_id, RESTS, OPEN)
    if market_ids is not None:
        mine = mine.where(orders.c.market_id.in_(market_ids))
    rows = (await connection.execute(mine.order_by(orders.c.id.desc()).limit(most))).all()
    found = []
    for id, market_id, side, price, rank in rows:
        ahead = await resting_qty(connection, market_id, Side(side), price, before=rank)
        found.append((id, market_id, ahead))
    return found


async def resting_qty(
    connection: AsyncConnection,
    market_id: int,
    side: Side,
    price: Price,
    *,
    before: int | None = None,
) -> Qty:
    """Return the resting quantity at a price, all of it or only that ahead of a rank."""
    total = func.coalesce(func.sum(orders.c.qty - orders.c.filled), 0)
    query = select(cast(total, BigInteger)).where(
        orders.c.market_id == market_id,
        orders.c.side == side.value,
        orders.c.price == price,
        RESTS,
        OPEN,
    )
    if before is not None:
        query = query.where(orders.c.rank < before)
    return int((await connection.execute(query)).scalar_one())


async def resting_levels(
    connection: AsyncConnection, market_id: int, side: Side, user_id: int
) -> AsyncIterator[RestingLevel]:
    """Yield the levels of one side, the best first; own orders are those of ``user_id``."""
    size, after = _FIRST_PAGE, None
    while True:
        query = _levels(market_id, side, user_id, after).limit(size)
        rows = (await connection.execute(query)).all()
        for price, total, own, first_own in rows:
            yield RestingLevel(price, int(total), int(own), first_own)
        if len(rows) < size:
            return
        size, after = min(2 * size, _LARGEST_PAGE), rows[-1][0]


def _levels(
    market_id: int, side: Side, user_id: int, after: Price | None
) -> Select[int, int, int, int | None]:
    """Return a query of the levels at prices worse than ``after``; None: at all prices."""
    price, left = orders.c.price, orders.c.qty - orders.c.filled
    own = orders.c.user_id == user_id
    query = select(
        price,
        cast(func.sum(left), BigInteger),
        cast(func.sum(case((own, left), else_=0)), BigInteger),
        func.min(case((own, orders.c.rank))),
    ).where(orders.c.market_id == market_id, orders.c.side == side.value, RESTS, OPEN)
    if after is not None:
        query = query.where(price < after if side is Side.BUY else price > after)
    return query.group_by(price).order_by(price.desc() if side is Side.BUY else price)


async def open_orders(connection: AsyncConnection, user_id: int) -> int:
    """Return the number of a user's open orders: those that rest, or may rest later."""
    resting = orders.c.tif.in_([TimeInForce.GTC.value, TimeInForce.GTD.value])
    query = select(func.count()).where(orders.c.user_id == user_id, resting, OPEN)
    return int((await connection.execute(query)).scalar_one())
