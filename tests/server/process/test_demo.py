"""A demo in a database that is already in use."""

import random
import time

from sqlalchemy import select, text

from predmarket.server.process import runtime, seed
from predmarket.server.process.demo import DemoClock, prepare
from predmarket.server.process.demo.event_catalog import CUP, MAYOR, RIVER
from predmarket.server.process.demo.knockout import EVERY_S, knock_out
from predmarket.server.settings import Settings
from predmarket.server.storage.tables.trading import events
from tests.support.http_exchange import ON_ONE_DATABASE, settings

__all__ = ["settings"]


@ON_ONE_DATABASE
async def test_an_exchange_that_has_begun_gets_no_past(settings: Settings) -> None:
    """A demo on a used exchange adds no past, because time never goes backwards.

    It gets the markets, events and bot keys, and nothing twice. Teams leave the cup one by one
    until four are left.
    """
    clock = DemoClock()
    async with runtime.node(settings, 0, clock) as node:
        clock.return_to_present()
        await seed.seed(node.db, node.core, 0)
        first = await prepare(node.db, node.core, clock, 0)
        commands = node.core.status().sequence
        again = await prepare(node.db, node.core, clock, 0)
        repeated = node.core.status().sequence - commands
        before = await outcomes(node)
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        for _ in range(2):  # once per start
            await knock_out(node.core, node.db, 1, random.Random(1), sleep)
        after = await outcomes(node)
        async with node.db.read() as connection:
            count = await connection.scalar(text("SELECT COUNT(*) FROM trades"))
    assert count == 0
    assert first.markets == again.markets
    assert first.events == again.events
    assert first.keys.keys() == again.keys.keys()
    assert first.keys != again.keys
    assert repeated < 40  # repeated creations change nothing
    assert before == {MAYOR.slug: 9, RIVER.slug: 5, CUP.slug: 14}  # with NONE; three teams are out
    assert after == before | {CUP.slug: 5}
    assert waits == [EVERY_S] * 11  # twice: nine strikes, and a look that finds enough teams out


async def outcomes(node: runtime.Node) -> dict[str, int]:
    """Return the number of outcomes left in each event, NONE included."""
    async with node.db.read() as connection:
        rows = await connection.execute(select(events.c.slug, events.c.outcomes))
        return {row.slug: row.outcomes for row in rows}


def test_the_clock_returns_to_the_present() -> None:
    """The demo's clock advances with each reading in the past and never exceeds the present."""
    clock, now = DemoClock(), time.time_ns() // 1_000
    assert clock.now() < 1_000_000  # nothing is due before the clock is set
    clock.turn_back(now - 1_000_000)
    looks = [clock.now() for _ in range(3)]
    assert looks == sorted(set(looks))
    assert looks[-1] < now
    clock.move_on(now + 10**12)
    assert clock.now() <= time.time_ns() // 1_000
    clock.return_to_present()
    assert abs(clock.now() - time.time_ns() // 1_000) < 1_000_000
