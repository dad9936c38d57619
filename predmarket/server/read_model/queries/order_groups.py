"""Queries for a user's order groups."""

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.engine.order_group import OrderGroupRecord
from predmarket.enums import OrderGroupStatus
from predmarket.server.storage.tables.history import order_group_fills
from predmarket.server.storage.tables.trading import order_groups
from predmarket.units import Micros, Qty

_NOT_DELETED = text("status <> 'DELETED'")  # as text: a parameter would not match the index


async def order_groups_of(
    connection: AsyncConnection, user_id: int, group_id: int | None = None
) -> list[OrderGroupRecord]:
    """Return a user's groups that are not deleted, or the one with that id, the oldest first."""
    g = order_groups.c
    query = select(g.id, g.user_id, g.limit_qty, g.status, g.created_at, g.updated_at)
    query = query.where(g.user_id == user_id, _NOT_DELETED).order_by(g.id)
    if group_id is not None:
        query = query.where(g.id == group_id)
    rows = await connection.execute(query)
    return [
        OrderGroupRecord(id, user, limit, OrderGroupStatus(status), created_at, updated_at)
        for id, user, limit, status, created_at, updated_at in rows
    ]


async def filled_since(connection: AsyncConnection, group_id: int, time: Micros) -> Qty:
    """Return what counts for a group's limit of the fills after ``time``."""
    g, f = order_groups.c, order_group_fills.c
    query = (
        select(func.coalesce(func.sum(f.qty), 0))
        .join(order_groups, g.id == f.order_group_id)
        .where(f.created_at > time, f.order_group_id == group_id, f.trade_id > g.counts_after)
    )
    return int((await connection.execute(query)).scalar_one())
