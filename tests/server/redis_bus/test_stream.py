"""The command stream is executed exactly once, across changes of leader and losses in Redis."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from predmarket.engine.replies import OrderDone
from predmarket.enums import Side
from predmarket.server.core.bus import BusReply, OutcomeUnknown, Overloaded, RepeatedOrder
from predmarket.server.core.stores.base import BatchRecord
from predmarket.server.core.stream_position import StreamPosition
from predmarket.server.process.roles import core
from predmarket.server.redis.client import connect
from predmarket.server.redis.naming import keys_of
from predmarket.server.redis_bus import limits, messages
from predmarket.server.redis_bus.messages import Parcel, Request
from predmarket.server.storage import migrations
from predmarket.server.storage.database import Database
from tests.support.core_exchange import limit
from tests.support.redis_halves import Client, Halves, Leader, open_market, redis, until

__all__ = ["redis"]

BUY = Side.BUY
PLACED = "SELECT client_order_id FROM orders ORDER BY id"


@asynccontextmanager
async def held(leader: Leader, after: int = 0) -> AsyncIterator[Callable[[], int]]:
    """Let a core commit ``after`` more batches and then hold the next until the block ends.

    Yields a function that returns the number of attempts.
    """
    store = leader.core.pipeline.store
    commit_batch, gate, tried = store.commit_batch, asyncio.Event(), 0

    async def wait_before(record: BatchRecord) -> None:
        nonlocal tried
        tried += 1
        if tried > after:
            await gate.wait()
        await commit_batch(record)

    store.commit_batch = wait_before  # type: ignore[method-assign]
    yield lambda: tried
    gate.set()
    store.commit_batch = commit_batch  # type: ignore[method-assign]


def placed(halves: Halves) -> list[str]:
    """Return the client order ids of all orders, in order."""
    return [row[0] for row in halves.exchange.rows(PLACED)]


def position(halves: Halves) -> StreamPosition:
    """Return the stored position in the stream."""
    ((epoch, place),) = halves.exchange.rows("SELECT stream_epoch, stream_place FROM core_state")
    return StreamPosition.of(epoch, place)


async def test_a_core_continues_after_a_killed_one(halves: Halves) -> None:
    """A new core continues at the killed one's position, also within an entry.

    Each command runs once, and the core that ran it answers the gateway.
    """
    halves.settings = halves.settings.model_copy(update={"max_batch": 2})
    first = await halves.leader()
    running = await halves.gateway()
    bus = running.services.bus
    await open_market(bus)
    second = await halves.seat()
    async with held(first, after=1) as tried:
        # Without client order ids nothing else would reveal a second execution.
        waiting = [bus.enqueue(limit(1, BUY, 1, 40 + n)) for n in range(5)]
        await until(lambda: tried() >= 2 and waiting[1].done())
        await halves.kill(first)
    await until(lambda: second.seat.standing == "ok")
    replies = await asyncio.gather(*waiting)
    assert [type(reply) for reply in replies] == [OrderDone] * 5
    prices = halves.exchange.rows("SELECT price FROM orders ORDER BY id")
    assert prices == [(4_000 + 100 * n,) for n in range(5)]
    assert halves.exchange.audited() == []


async def test_a_deposed_core_commits_nothing_and_ends(halves: Halves) -> None:
    """A deposed core commits nothing and stops; its successor runs its commands."""
    first = await halves.leader()
    running = await halves.gateway()
    bus = running.services.bus
    await open_market(bus)
    async with held(first) as tried:
        reply = bus.enqueue(limit(1, BUY, 1, 40, key="a"))
        await until(tried)
        halves.exchange.execute("UPDATE lease SET holder = 'somebody', expires_at = 0")
        second = await halves.leader()
        assert isinstance(await reply, OrderDone)
    with pytest.raises(Exception, match=r"epoch|lease"):
        await first.seat.failed()
    assert isinstance(await bus.submit(limit(1, BUY, 1, 40, key="b")), OrderDone)
    assert placed(halves) == ["a", "b"]
    assert second.seat.standing == "ok"
    assert halves.exchange.audited() == []


async def test_a_core_that_is_cut_off_from_redis_lets_the_lead_go(
    halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A core without Redis gives the lead to one that has it.

    It stands by and does not lead while it is cut off.
    """
    monkeypatch.setattr(core, "CUT_OFF_S", 0.2)
    monkeypatch.setattr(core, "LOOK_S", 0.02)
    first = await halves.leader()
    running = await halves.gateway()
    await open_market(running.services.bus)
    connection = first.seat.connection
    whole, connection.client = connection.client, connect("unix:///nowhere/redis.sock", retries=0)
    second = await halves.leader()
    assert first.seat.standing == "standby"
    await until(lambda: running.services.core.status().epoch == second.core.status().epoch)
    assert isinstance(await running.services.bus.submit(limit(1, BUY, 1, 40)), OrderDone)
    await connection.close()
    connection.client = whole
    await halves.kill(second)
    await until(lambda: first.seat.standing == "ok")
    assert halves.exchange.audited() == []


@pytest.mark.parametrize("how", ["gone", "back"])
async def test_a_stream_that_is_lost_is_replaced(
    halves: Halves, redis: Client, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """A lost stream is replaced by the next epoch's, with an error in the log.

    A stream is lost if it is missing or its ids go backwards.
    """
    keys = await halves.keys()
    await halves.leader()
    running = await halves.gateway()
    bus = running.services.bus
    await open_market(bus)
    assert position(halves).epoch == 1
    name = keys.commands(1)
    line = redis.pipeline()
    line.delete(name)
    if how == "back":
        request = Request(1, 2**62, limit(1, BUY, 1, 40, key="old"))
        parcel = await signed(halves, name, Parcel("somebody", [request]))
        line.xadd(name, {messages.PARCEL_FIELD: parcel}, id="1-1")
    with caplog.at_level(logging.ERROR):
        await line.execute()
        await until(lambda: running.services.core.status().healthy and position(halves).epoch == 2)
        await until(lambda: "command_stream_lost" in caplog.messages)
    heard: Any = running.services.core
    await until(lambda: heard.stream == 2)
    assert isinstance(await bus.submit(limit(1, BUY, 1, 40, key="new")), OrderDone)
    assert placed(halves) == ["new"]
    assert not await redis.exists(name)
    assert halves.exchange.audited() == []


async def signed(halves: Halves, place: str, parcel: Parcel) -> bytes:
    """Return a parcel signed as a gateway signs it for a stream."""
    return (await halves.mac()).sign(place, messages.encode(parcel))


async def test_a_stream_that_is_gone_takes_no_command(halves: Halves, redis: Client) -> None:
    """A gateway that writes to a missing stream gets an immediate refusal of the command."""
    keys = await halves.keys()
    leader = await halves.leader()
    running = await halves.gateway()
    await open_market(running.services.bus)
    async with held(leader) as tried:
        unknown = running.services.bus.enqueue(limit(1, BUY, 1, 40, key="a"))
        await until(tried)
        await redis.delete(keys.commands(1))
        with pytest.raises(Overloaded):
            await running.services.bus.submit(limit(1, BUY, 1, 40, key="b"))
    assert isinstance(await unknown, OrderDone)
    assert "b" not in placed(halves)


async def test_the_stream_is_trimmed_to_the_committed_position(
    halves: Halves, redis: Client
) -> None:
    """The stream is trimmed up to the committed position and no further.

    Another core may have to read the rest.
    """
    keys = await halves.keys()
    leader = await halves.leader()
    running = await halves.gateway()
    bus = running.services.bus
    await open_market(bus)
    async with held(leader) as tried:
        first = bus.enqueue(limit(1, BUY, 1, 40, key="a"))
        await until(tried)
        done = position(halves)
        rest = bus.enqueue(limit(1, BUY, 1, 40, key="b"))
        await until(lambda: leader.core.pipeline.received != done)
        announced: Any = running.services.core
        at = announced.heard_at
        await until(lambda: announced.heard_at > at + 300_000)
        entries = await redis.xrange(keys.commands(1))
        read = [messages.parcel(fields[b"p"][16:]).requests for _, fields in entries]
        held_back = {one.command.client_order_id for some in read for one in some
                     if hasattr(one.command, "client_order_id")}  # fmt: skip
        assert held_back >= {"a", "b"}
    await asyncio.gather(first, rest)
    after = position(halves)
    assert after > done
    async with asyncio.timeout(60):
        while await redis.xlen(keys.commands(1)) > 1:
            await asyncio.sleep(0.01)
    ((last, _),) = await redis.xrange(keys.commands(1))
    assert last.decode() == after.entry


async def test_repeats_alone_advance_the_position(halves: Halves) -> None:
    """A batch of repeats alone records nothing but advances the position in the stream."""
    await halves.leader()
    running = await halves.gateway()
    bus = running.services.bus
    await open_market(bus)
    await bus.submit(limit(1, BUY, 1, 40, key="a"))
    before = position(halves)
    assert isinstance(await bus.submit(limit(1, BUY, 1, 40, key="a")), RepeatedOrder)
    assert position(halves) > before
    assert halves.exchange.audited() == []


async def test_expired_commands_are_skipped(
    halves: Halves, redis: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command past its deadline is skipped, and the position advances."""
    keys = await halves.keys()
    leader = await halves.leader()
    running = await halves.gateway()
    bus = running.services.bus
    await open_market(bus)
    old = position(halves)
    request = Request(77, leader.core.now() - 1, limit(1, BUY, 1, 40, key="late"))
    parcel = await signed(halves, keys.commands(1), Parcel("gone", [request]))
    await redis.xadd(keys.commands(1), {messages.PARCEL_FIELD: parcel})
    await until(lambda: position(halves) > old)
    assert placed(halves) == []
    monkeypatch.setattr(bus, "reply_limit", 200_000)
    async with held(leader):
        with pytest.raises(OutcomeUnknown):
            await bus.submit(limit(1, BUY, 1, 40, key="b"))


async def test_a_stream_that_is_too_long_takes_no_more(
    halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream beyond its bound refuses commands until the core has caught up."""
    keys = await halves.keys()
    leader = await halves.leader()
    running = await halves.gateway()
    bus = running.services.bus
    await open_market(bus)
    async with asyncio.timeout(60):
        while await leader.seat.connection.client.xlen(keys.commands(1)) > 1:
            await asyncio.sleep(0.01)
    monkeypatch.setattr(limits, "MAX_COMMANDS", 3)
    async with held(leader):
        replies: list[asyncio.Future[BusReply]] = []
        with suppress(Overloaded):
            while len(replies) < 1_000:
                replies.append(bus.enqueue(limit(1, BUY, 1, 40)))
                await asyncio.sleep(0.02)
        assert len(replies) < 1_000
    assert all(isinstance(reply, OrderDone) for reply in await asyncio.gather(*replies))
    async with asyncio.timeout(60):
        while True:
            try:
                await bus.submit(limit(1, BUY, 1, 40))
                break
            except Overloaded:
                await asyncio.sleep(0.02)


async def test_unreadable_entries_are_skipped(
    halves: Halves, redis: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """An unreadable entry is skipped with a line in the log."""
    keys = await halves.keys()
    await halves.leader()
    running = await halves.gateway()
    name = keys.commands(1)
    await redis.xadd(name, {b"x": b"y"})
    rubbish = (await halves.mac()).sign(name, b"\xc1")  # of another version
    await redis.xadd(name, {messages.PARCEL_FIELD: rubbish})
    await open_market(running.services.bus)
    assert sum("cannot be read" in message for message in caplog.messages) == 1


async def test_two_exchanges_on_one_redis_have_nothing_in_common(
    migrated_postgres_url: str, postgres_url: str
) -> None:
    """Two exchanges on one Redis have different keys.

    All processes on one database share theirs.
    """
    migrations.upgrade(postgres_url)
    names = []
    for url in (migrated_postgres_url, postgres_url, migrated_postgres_url):
        db = Database(url)
        names.append((await keys_of(db)).commands(1))
        await db.close()
    assert names[0] == names[2] != names[1]
