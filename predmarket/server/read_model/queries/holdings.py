"""Stored holdings: users' parts of events."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.read_model.records import HoldingRecord
from predmarket.server.storage.tables.trading import events, holdings, positions


async def holdings_of(
    connection: AsyncConnection, user_id: int, event_id: int | None = None
) -> list[HoldingRecord]:
    """Return what a user holds of events that are not final, by event; flat ones are left out."""
    bases = (
        select(holdings.c.event_id, holdings.c.base)
        .join(events, events.c.id == holdings.c.event_id)
        .where(holdings.c.user_id == user_id, events.c.outcome.is_(None))
        .order_by(holdings.c.event_id)
    )
    nets = select(
        positions.c.event_id, positions.c.market_id, positions.c.yes, positions.c.no
    ).where(positions.c.user_id == user_id, positions.c.yes != positions.c.no)
    if event_id is None:
        nets = nets.where(positions.c.event_id.is_not(None))
    else:
        bases = bases.where(holdings.c.event_id == event_id)
        nets = nets.where(positions.c.event_id == event_id)
    held: dict[int, list[tuple[int, int]]] = {}
    for event, market, yes, no in await connection.execute(nets.order_by(positions.c.market_id)):
        held.setdefault(event, []).append((market, yes - no))
    records = [
        HoldingRecord(event, base, tuple(held.get(event, ())))
        for event, base in await connection.execute(bases)
    ]
    return [record for record in records if record.base or record.nets]
