"""Queries on positions."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.read_model.records import PositionRecord
from predmarket.server.storage.tables.trading import positions


async def positions_of(
    connection: AsyncConnection, user_id: int, market_id: int | None = None
) -> list[PositionRecord]:
    """Return a user's positions by market, also flat ones for their realized profit."""
    query = (
        select(
            positions.c.market_id,
            positions.c.yes,
            positions.c.no,
            positions.c.cost_yes,
            positions.c.cost_no,
            positions.c.realized,
        )
        .where(positions.c.user_id == user_id)
        .order_by(positions.c.market_id)
    )
    if market_id is not None:
        query = query.where(positions.c.market_id == market_id)
    return [PositionRecord(*row) for row in await connection.execute(query)]
