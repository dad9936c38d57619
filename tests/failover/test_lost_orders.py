"""A promoted standby that lacks the last commits is detected, and nothing is decided on it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from predmarket.engine.replies import OrderDone
from predmarket.enums import Side
from predmarket.server.core.bus import OutcomeUnknown, Overloaded
from predmarket.server.process.maintenance import audit
from predmarket.server.process.roles.gateway import Gateway
from predmarket.server.settings import Settings
from predmarket.server.storage import migrations
from tests.support.core_exchange import Exchange, limit
from tests.support.exchange import SECRET
from tests.support.postgres import PostgresServer
from tests.support.postgres_pair import PostgresPair
from tests.support.redis_halves import Client, Halves, open_market, redis, until

__all__ = ["redis"]

BUY = Side.BUY


@pytest.fixture
def pair() -> Iterator[PostgresPair]:
    """Return a primary with an asynchronous standby."""
    with PostgresPair(synchronous=False) as pair:
        yield pair


@pytest.fixture
def settings(
    pair: PostgresPair, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Return the settings of an exchange in halves on the pair."""
    monkeypatch.chdir(tmp_path)
    migrations.upgrade(pair.url())
    return Settings.load({"database_url": pair.url(), "redis_url": redis_url, "jwt_secret": SECRET})


async def _placed(running: Gateway, key: str) -> int:
    reply = await running.services.bus.submit(limit(1, BUY, 1, 40, key=key))
    assert isinstance(reply, OrderDone)
    return reply.order.id


async def _instead(of: PostgresServer, server: PostgresServer) -> None:
    """Stop one server and start the other in its place."""
    await asyncio.to_thread(of.stop, "kill")
    await asyncio.to_thread(server.start)


def _said(running: Gateway) -> str:
    return running.services.core.status().durability.get("journal", "")


async def test_acknowledged_orders_that_a_failover_lost(
    pair: PostgresPair, settings: Settings, redis_url: str, redis: Client
) -> None:
    """The leader waits, unhealthy, for the database that has the lost orders, and continues on it.

    A later core without that memory learns of them from Redis, and the audit names them. Once the
    operator accepts the loss, a core continues without the orders; a gateway that announced them
    does not.
    """
    async with (halves := Halves(Exchange(pair.url()), settings)).stack:
        leader, running = await halves.leader(), await halves.gateway()
        await open_market(running.services.bus)
        kept = await _placed(running, "kept")
        full, lagging = pair.primary, pair.standby
        await asyncio.to_thread(lagging.stop)
        lost = await _placed(running, "lost")
        await until(lambda: running.follower.batch == leader.core.status().batch)

        await _instead(full, lagging)
        await asyncio.to_thread(lagging.promote)
        waiting = asyncio.create_task(_placed(running, "waiting"))
        await until(lambda: leader.core.status().durability.get("journal"))
        assert leader.seat.standing == "down"
        await until(lambda: _said(running))
        assert "was committed and acknowledged" in _said(running)
        assert not waiting.done()

        await _instead(lagging, full)
        await until(lambda: leader.core.status().healthy)
        await until(lambda: not _said(running))
        await asyncio.wait((waiting,))
        assert waiting.exception() is None or isinstance(waiting.exception(), OutcomeUnknown)
        assert await _placed(running, "after") > lost

        await _instead(full, lagging)
        await halves.kill(leader)
        other = await halves.seat()
        await until(lambda: other.seat.behind)
        assert other.seat.standing == "down"
        given = {"database_url": pair.url(), "redis_url": redis_url, "jwt_secret": SECRET}
        report = await asyncio.to_thread(audit, given, replay=True, progress=lambda *_: None)
        (wrong,) = [detail for _, ok, detail in report.checks if not ok]
        assert f"{lost} of user 1 (lost)" in wrong
        assert f"{kept} of user 1 (kept)" not in wrong

        await redis.delete((await halves.keys()).batches)
        await until(lambda: other.seat.core)
        await until(lambda: "ends at batch" in _said(running))
        assert not running.services.core.status().healthy
        with pytest.raises(Overloaded):
            await _placed(running, "refused")
        fresh = await halves.gateway()
        assert await _placed(fresh, "fresh") > kept
    assert halves.exchange.audited() == []
