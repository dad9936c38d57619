"""Strikes outcomes of the demo's events as the demo goes on: teams that are out of a cup.

An event keeps at least its ``keeps`` outcomes. So there is an end to it, after any number of
restarts: each start goes on with the outcomes that are left.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from sqlalchemy import select

from predmarket.engine.commands import ResolveMarket
from predmarket.enums import MarketStatus, Outcome
from predmarket.server.core.bus import Bus, BusError
from predmarket.server.process.demo.event_catalog import EVENTS, DemoEvent
from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.trading import events, markets
from predmarket.units import Price

log = logging.getLogger(__name__)

EVERY_S = 240.0
"""Seconds between two strikes in an event."""


class _Live(NamedTuple):
    """An outcome that may still happen."""

    market_id: int
    last_price: Price | None


async def knock_out(
    bus: Bus,
    db: Database,
    admin_id: int,
    rng: random.Random,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Strike an outcome of each event that loses some, now and then, until enough are left."""
    events = [event for event in EVENTS if event.keeps is not None]
    await asyncio.gather(*(_knock_out(bus, db, event, admin_id, rng, sleep) for event in events))


async def _knock_out(
    bus: Bus,
    db: Database,
    event: DemoEvent,
    admin_id: int,
    rng: random.Random,
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    for _ in event.outcomes:  # no more than there are, whatever others do
        await sleep(EVERY_S)
        live = await _live(db, event)
        if len(live) <= (event.keeps or 0):
            return
        weaker = sorted(live, key=lambda one: one.last_price or 0)[: (len(live) + 1) // 2]
        loser = rng.choice(weaker).market_id
        try:
            await bus.submit(ResolveMarket(loser, Outcome.NO, actor_id=admin_id))
        except BusError as error:
            log.warning("no outcome of %s was struck: %s", event.slug, error)


async def _live(db: Database, event: DemoEvent) -> list[_Live]:
    """Return an event's markets that trade."""
    query = (
        select(markets.c.id, markets.c.last_price)
        .join(events, events.c.id == markets.c.event_id)
        .where(events.c.slug == event.slug, markets.c.status == MarketStatus.OPEN)
        .order_by(markets.c.id)
    )
    async with db.read() as connection:
        return [_Live(row.id, row.last_price) for row in await connection.execute(query)]
