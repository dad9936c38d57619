"""The exchange's time follows the database's clock and not the machine's clock."""

import asyncio
import itertools
import logging
import math
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from predmarket.engine.commands import CancelAfter
from predmarket.engine.replies import Refused
from predmarket.enums import ErrorCode, Side
from predmarket.server import clock as clocks
from predmarket.server.clock import AHEAD, Clock, LaboratoryClock, clock_of, wall_clock
from predmarket.server.core.stores import sqlite
from predmarket.server.core.stores.factory import leadership
from predmarket.server.redis_bus.core_status import KnownCoreStatus
from predmarket.server.redis_bus.messages import Announcement
from tests.support.clock import Shown
from tests.support.core_exchange import MARKET, Exchange, fail_next, limit

BUY = Side.BUY
SECOND = 1_000_000
MINUTES = 600 * SECOND


def set_wall_clock(patch: pytest.MonkeyPatch, by_us: int) -> None:
    """Set this process's view of the machine's clock forward or back."""
    real = time.time_ns
    patch.setattr(time, "time_ns", lambda: real() + by_us * 1_000)


@pytest.mark.parametrize("by", [MINUTES, -MINUTES])
async def test_a_leaders_own_clock_does_not_matter(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, by: int
) -> None:
    """A leader's clock set wrong for one command changes nothing.

    The timestamps continue, timers fire, and the successor's time is correct.
    """
    async with exchange.trading() as running:
        with monkeypatch.context() as patch:
            set_wall_clock(patch, by)
            await running.place(1, BUY, 1, 50)
        stamp = exchange.scalar("SELECT last_time FROM core_state")
        assert abs(stamp - running.core.now()) < 5 * SECOND
        await running.do(CancelAfter(1, 1))
        async with asyncio.timeout(60):
            while running.view.book(MARKET).bids:
                await asyncio.sleep(0.01)
        assert running.core.status().healthy
    async with exchange.running() as running:
        await running.place(1, BUY, 1, 50, expires_at=running.core.now() + 5 * SECOND)
        assert running.core.status().healthy
        assert abs(running.core.now() - time.time_ns() // 1_000) < 5 * SECOND


async def test_a_repair_keeps_the_time(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repair keeps the database's time, although the machine's clock was set meanwhile."""
    async with exchange.trading() as running:
        before = running.core.now()
        set_wall_clock(monkeypatch, MINUTES)
        failed = fail_next(running, after_commit=False)
        await running.place(1, BUY, 1, 50)
        assert failed
        assert 0 <= running.core.now() - before < 5 * SECOND


async def test_a_journal_ahead_of_the_database_is_reported(
    exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    """A journal ahead of the database's clock makes the core unhealthy and logs the remedy.

    The core trades on meanwhile and recovers by itself.
    """
    async with exchange.trading():
        pass
    ahead = Clock().now() + 3 * SECOND
    exchange.execute(f"UPDATE core_state SET last_time = {ahead}")
    with caplog.at_level(logging.ERROR, "predmarket"):
        async with exchange.running() as running:
            status = running.core.status()
            assert not status.healthy
            assert AHEAD < status.ahead <= 3 * SECOND
            (line,) = [r for r in caplog.records if "ahead of the database's time" in r.message]
            assert "docs/operations.md" in line.message
            order = (await running.place(1, BUY, 1, 50)).order
            assert order.created_at == ahead
            async with asyncio.timeout(60):
                while not running.core.status().healthy:
                    await asyncio.sleep(0.01)
            assert exchange.scalar("SELECT last_time FROM core_state") == ahead


async def test_a_simulated_clock_is_not_compared(
    exchange: Exchange,
) -> None:
    """A simulated clock may differ from the database's clock without being unhealthy."""
    async with exchange.trading(clock=Shown(lambda: 1_000)) as running:
        assert running.core.status().healthy
    exchange.execute("UPDATE core_state SET last_time = 1000000")
    async with exchange.running(clock=Shown(lambda: 1_000)) as running:
        assert running.core.status().healthy


async def test_a_wait_for_a_reply_is_elapsed_time(exchange: Exchange) -> None:
    """A reply's time limit counts elapsed time, so a leap of the exchange's time ends no wait."""
    now = SECOND
    async with exchange.trading(clock=Shown(lambda: now)) as running:
        waiting = running.core.enqueue(limit(1, BUY, 1, 50))
        now += MINUTES
        running.core.pipeline.expire()
        await waiting


async def test_a_lease_too_far_in_the_future_has_ended(
    migrated_postgres_url: str,
) -> None:
    """A lease that ends later than a new one could has ended: the database's clock was set back."""
    exchange = Exchange(migrated_postgres_url)
    exchange.execute(
        "INSERT INTO lease (id, holder, expires_at) VALUES (1, 'before', "
        "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint + 60000000)"
    )
    lead = leadership(migrated_postgres_url, 0)
    await asyncio.to_thread(lead.acquire)
    await asyncio.to_thread(lead.release)


_NUMBERS = itertools.count(1)


def announced(now: int, epoch: int = 1) -> Announcement:
    """Return the next announcement with this time."""
    return Announcement(
        epoch, 1, 1, 1, "core", healthy=True, durable=True, durability={}, waiting=0, now=now,
        number=next(_NUMBERS),
    )  # fmt: skip


def test_a_gateway_counts_in_the_cores_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway's time follows the announcement with the least delay; late ones change nothing."""
    here = 50 * SECOND
    monkeypatch.setattr("predmarket.server.redis_bus.core_status.elapsed", lambda: here)
    heard = KnownCoreStatus()
    heard.hear(announced(1_000 * SECOND))
    assert heard.now() == 1_000 * SECOND
    here += SECOND
    heard.hear(announced(1_000 * SECOND + 400_000))  # it took 0.6 s
    assert heard.now() == 1_001 * SECOND
    heard.hear(announced(990 * SECOND))  # it took longer still
    assert heard.now() == 1_001 * SECOND
    here += 20 * SECOND
    heard.hear(announced(1_020 * SECOND))  # this machine's clock runs fast
    assert heard.now() == 1_020 * SECOND
    heard.hear(announced(500 * SECOND, epoch=2))  # another leader, after a clock set back
    assert heard.now() == 500 * SECOND


def test_the_machines_time_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An embedded exchange reads the machine's time once and then counts elapsed time."""
    before = clocks.machine_time()
    set_wall_clock(monkeypatch, MINUTES)
    assert 0 <= clocks.machine_time() - before < 5 * SECOND


async def test_the_remedy_for_a_start_with_a_clock_ahead(
    migrated_sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A back-up repairs an exchange that was started with the clock a month ahead.

    The back-up from before that start replaces the file, as docs/operations.md describes.
    """
    exchange, month = Exchange(migrated_sqlite_url), 30 * 24 * 3_600 * SECOND
    here = clocks.machine_time
    async with exchange.trading() as running:
        await running.place(1, BUY, 1, 50)
    file, kept = Path(migrated_sqlite_url.removeprefix("sqlite:///")), tmp_path / "kept.db"
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(kept)) as target:
        source.backup(target)
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "machine_time", lambda: here() + month)
        async with exchange.running() as running:
            await running.place(2, BUY, 1, 50)
            assert running.core.status().healthy  # the wrong time cannot be detected yet
    async with exchange.running() as running:
        status = running.core.status()
        assert not status.healthy
        assert status.ahead > month - MINUTES
        hour = running.core.now() + 3_600 * SECOND
        reply = await running.do(limit(3, BUY, 1, 50, expires_at=hour))
        assert isinstance(reply, Refused)
        assert reply.code is ErrorCode.DEADLINE_PASSED
    for one in file.parent.glob(f"{file.name}*"):
        one.unlink()
    kept.rename(file)
    assert exchange.audited() == []
    async with exchange.running() as running:
        assert running.core.status().healthy
        hour = running.core.now() + 3_600 * SECOND
        await running.place(3, BUY, 1, 50, expires_at=hour)
    assert exchange.count("orders") == 2
    assert exchange.audited() == []


def test_a_laboratorys_clock_continues_where_its_exchange_stopped() -> None:
    """A laboratory's clock continues at its exchange's last time. A repair never sets it back."""
    new, again = LaboratoryClock(), LaboratoryClock()
    new.set(0, 0)
    assert abs(new.now() - wall_clock()) < 60 * SECOND
    again.set(0, 7 * SECOND)
    assert again.now() == 7 * SECOND
    again.move_to(9 * SECOND)
    again.set(0, 8 * SECOND)
    assert again.now() == 9 * SECOND
    assert (again.seconds_until(9 * SECOND), again.seconds_until(10 * SECOND)) == (0, math.inf)


@pytest.mark.parametrize(
    "kind",
    ["", "stop", "scaled", "scaled=0", "scaled=1.5", "scaled=1000001", "wall,tokens", "stepped=",
     "stepped,", ",tokens", "stepped,tokens,tokens"],
)  # fmt: skip
def test_unknown_clocks_are_refused(kind: str) -> None:
    """An unknown kind of clock is refused, and the error names the known kinds."""
    with pytest.raises(ValueError, match="wall, stepped, or scaled=N"):
        clock_of(kind)


@pytest.mark.parametrize("kind", ["wall", "stepped", "scaled=60", "stepped,tokens"])
def test_names_of_clocks(kind: str) -> None:
    """A clock keeps the name of its kind, and tokens follow it only on request."""
    clock = clock_of(kind)
    assert (clock.kind, clock.tokens_follow) == (kind, kind.endswith("tokens"))
