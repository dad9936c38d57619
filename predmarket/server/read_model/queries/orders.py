"""Queries on orders and their fills."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, and_, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.engine.replies import Fill, OrderRecord
from predmarket.enums import LIVE_STATUSES, Liquidity, OrderStatus, OrderType, Side, TimeInForce
from predmarket.server.read_model.queries.books import OPEN
from predmarket.server.read_model.queries.spans import ALWAYS, Numbered, Span, ids_of
from predmarket.server.read_model.queries.walks import end_of_walk
from predmarket.server.storage.tables.history import order_events, trades
from predmarket.server.storage.tables.trading import orders

_ORDERS = select(
    orders.c.id,
    orders.c.user_id,
    orders.c.market_id,
    orders.c.side,
    orders.c.type,
    orders.c.price,
    orders.c.qty,
    orders.c.filled,
    orders.c.notional,
    orders.c.fees_paid,
    orders.c.status,
    orders.c.reason,
    orders.c.tif,
    orders.c.client_order_id,
    orders.c.expires_at,
    orders.c.created_at,
    orders.c.updated_at,
    orders.c.order_group_id,
)


def _record(row: Row[*tuple[Any, ...]]) -> OrderRecord:
    return OrderRecord(
        id=row.id,
        user_id=row.user_id,
        market_id=row.market_id,
        side=Side(row.side),
        type=OrderType(row.type),
        price=row.price,
        qty=row.qty,
        filled=row.filled,
        notional=row.notional,
        fees_paid=row.fees_paid,
        status=OrderStatus(row.status),
        reason=row.reason,
        tif=TimeInForce(row.tif),
        client_order_id=row.client_order_id,
        expires_at=row.expires_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        order_group_id=row.order_group_id,
    )


async def order_by_id(connection: AsyncConnection, order_id: int) -> OrderRecord | None:
    """Return one order of any user."""
    row = (await connection.execute(_ORDERS.where(orders.c.id == order_id))).one_or_none()
    return None if row is None else _record(row)


async def orders_by_id(
    connection: AsyncConnection, order_ids: Collection[int]
) -> dict[int, OrderRecord]:
    """Return some orders of any users."""
    rows = await connection.execute(_ORDERS.where(orders.c.id.in_(order_ids)))
    return {row.id: _record(row) for row in rows}


async def id_of_client_order(
    connection: AsyncConnection, user_id: int, client_order_id: str
) -> int | None:
    """Return the id of a user's order by its client order id."""
    query = select(orders.c.id).where(
        orders.c.user_id == user_id, orders.c.client_order_id == client_order_id
    )
    return (await connection.execute(query)).scalar_one_or_none()


class PlacedBy(NamedTuple):
    """An order's owner and market; one that named no market has none."""

    user_id: int
    market_id: int | None


async def placed_by(connection: AsyncConnection, order_id: int) -> PlacedBy | None:
    """Return an order's owner and market."""
    query = select(orders.c.user_id, orders.c.market_id).where(orders.c.id == order_id)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else PlacedBy(*row)


async def orders_of(
    connection: AsyncConnection,
    user_id: int,
    *,
    before: int,
    limit: int,
    market_id: int | None = None,
    statuses: Collection[OrderStatus] = (),
) -> list[OrderRecord]:
    """Return a user's orders below the id ``before``, newest first."""
    query = _orders_of(user_id, None if market_id is None else [market_id], statuses)
    query = query.where(orders.c.id < before).order_by(orders.c.id.desc()).limit(limit)
    return [_record(row) for row in await connection.execute(query)]


async def page_of_orders(
    connection: AsyncConnection,
    user_id: int,
    *,
    before: int,
    limit: int,
    market_ids: Collection[int] | None = None,
    statuses: Collection[OrderStatus] = (),
    client_order_id: str | None = None,
    order_group_id: int | None = None,
    span: Span = ALWAYS,
) -> tuple[list[OrderRecord], int | None]:
    """Return a page of a user's orders below the id ``before``, newest first, and the next page's
    ``before``, None after the last page.

    A page reads at most MAX_WALK orders of the user. If they have too few matches, the page ends
    there, perhaps empty, and the next page continues.
    """
    is_open = bool(statuses) and set(statuses).issubset(LIVE_STATUSES)  # these have their own index
    is_filtered = market_ids is not None or bool(statuses)
    above, before = await ids_of(connection, span, before, user_id, Numbered.ORDERS)
    if client_order_id is not None:
        id = await id_of_client_order(connection, user_id, client_order_id)
        if id is None:
            return [], None
        above, before = max(above, id - 1), min(before, id + 1)
    end = None
    # Open orders are found by the user, all orders of a group by the group: each has its index.
    by_group = order_group_id is not None and not is_open
    owner, owner_id = (
        (orders.c.order_group_id, order_group_id or 0) if by_group else (orders.c.user_id, user_id)
    )
    if is_filtered and not is_open:
        end = await end_of_walk(connection, owner, owner_id, above, before)
    query = _orders_of(user_id, market_ids, statuses)
    # Pairs: by the id alone a database without statistics would scan all users' orders.
    place = tuple_(owner, orders.c.id)
    query = query.where(place < (owner_id, before), place > (owner_id, end or above))
    if order_group_id is not None and not by_group:  # not by the group's index
        query = query.where(func.coalesce(orders.c.order_group_id, 0) == order_group_id)
    rows = (await connection.execute(query.order_by(orders.c.id.desc()).limit(limit + 1))).all()
    found = [_record(row) for row in rows[:limit]]
    if len(rows) > limit:
        return found, found[-1].id
    return found, None if end is None else end + 1


def _orders_of(
    user_id: int,
    market_ids: Collection[int] | None,
    statuses: Collection[OrderStatus],
) -> Select[*tuple[Any, ...]]:
    query = _ORDERS.where(orders.c.user_id == user_id)
    if market_ids is not None:
        query = query.where(orders.c.market_id.in_(market_ids))
    if statuses:
        query = query.where(orders.c.status.in_([status.value for status in statuses]))
        if set(statuses).issubset(LIVE_STATUSES):
            query = query.where(OPEN)  # repeated as text: a parameter would not match the index
    return query


async def orders_since(
    connection: AsyncConnection, user_id: int, seq: int, limit: int
) -> list[tuple[int, OrderRecord]]:
    """Return a user's orders that changed after ``seq`` on their topic, with the number of each
    one's last change, the oldest change first."""
    query = (
        _ORDERS.add_columns(orders.c.topic_seq)
        .where(orders.c.user_id == user_id, orders.c.topic_seq > seq)
        .order_by(orders.c.topic_seq)
        .limit(limit)
    )
    return [(row.topic_seq, _record(row)) for row in await connection.execute(query)]


async def count_orders_since(connection: AsyncConnection, user_id: int, seq: int, most: int) -> int:
    """Return the number of a user's orders that changed after ``seq``, up to ``most``."""
    changed = (
        select(orders.c.topic_seq)
        .where(orders.c.user_id == user_id, orders.c.topic_seq > seq)
        .order_by(orders.c.topic_seq)
        .limit(most)
        .subquery("changed")
    )
    return int((await connection.execute(select(func.count()).select_from(changed))).scalar_one())


async def partly_filled(connection: AsyncConnection, user_id: int) -> dict[int, Side]:
    """Return the sides of a user's open orders with a fill, by the order's id."""
    query = select(orders.c.id, orders.c.side).where(
        orders.c.user_id == user_id, OPEN, orders.c.filled > 0
    )
    return {id: Side(side) for id, side in await connection.execute(query)}


async def fills_of(connection: AsyncConnection, order_ids: Sequence[int]) -> dict[int, list[Fill]]:
    """Return the fills of some orders, each order's oldest first."""
    found: dict[int, list[Fill]] = {id: [] for id in order_ids}
    if not order_ids:
        return found
    filled = order_events.join(orders, orders.c.id == order_events.c.order_id).join(
        trades,
        and_(trades.c.market_id == orders.c.market_id, trades.c.id == order_events.c.trade_id),
    )
    query = (
        select(
            orders.c.id.label("order_id"),
            orders.c.side,
            trades.c.id,
            trades.c.price,
            trades.c.qty,
            trades.c.taker_side,
            trades.c.buy_fee,
            trades.c.sell_fee,
        )
        .select_from(filled)
        .where(order_events.c.order_id.in_(order_ids))
        .order_by(trades.c.id)
    )
    for row in await connection.execute(query):
        fee = row.buy_fee if row.side == Side.BUY else row.sell_fee
        liquidity = Liquidity.TAKER if row.taker_side == row.side else Liquidity.MAKER
        found[row.order_id].append(Fill(row.id, row.price, row.qty, fee, liquidity))
    return found
