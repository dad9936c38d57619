"""A gateway's view gets every batch once and in order, even when messages are lost."""

import asyncio
from typing import Any

import pytest

from predmarket.engine.replies import OrderDone
from predmarket.enums import Side
from predmarket.server.core.stores.base import BatchRecord
from predmarket.server.process.roles.gateway import Gateway
from predmarket.server.read_model.changes import Changes
from predmarket.server.redis_bus import messages
from predmarket.server.redis_bus.messages import Announcement
from tests.server.core.listener import shown
from tests.support.core_exchange import MARKET, limit
from tests.support.redis_halves import Client, Halves, Leader, open_market, redis, until

__all__ = ["redis"]

BUY, SELL = Side.BUY, Side.SELL


def lose_batches(leader: Leader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a core's publisher count batches without sending them."""
    publisher = leader.seat.publisher
    committed = publisher.committed

    def forgetful(changes: Changes, encoded: bytes) -> None:
        committed(changes, encoded)
        publisher.batches.clear()

    monkeypatch.setattr(publisher, "committed", forgetful)


def told(running: Gateway, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that collects the numbers of the batches at this gateway's hub."""
    numbers: list[int] = []
    hub = running.services.hub
    committed = hub.committed

    def listen(changes: Changes, encoded: bytes = b"") -> None:
        numbers.append(changes.batch)
        committed(changes, encoded)

    monkeypatch.setattr(hub, "committed", listen)
    return numbers


def agree(running: Gateway, halves: Halves) -> bool:
    """Tell whether the gateway's view equals the database."""
    return shown(running.services.view) == shown(halves.exchange.loaded_view())


async def test_two_gateways_hold_the_same_view(halves: Halves) -> None:
    """A gateway from the beginning and one that joins later hold the same view."""
    await halves.leader()
    first = await halves.gateway()
    await open_market(first.services.bus)
    await first.services.bus.submit(limit(1, BUY, 5, 40))
    second = await halves.gateway()
    assert shown(second.services.view) == shown(first.services.view)
    reply = await second.services.bus.submit(limit(2, SELL, 2, 40))
    assert isinstance(reply, OrderDone)
    assert len(reply.fills) == 1
    await until(lambda: first.follower.batch == second.follower.batch)
    assert shown(second.services.view) == shown(first.services.view)
    assert agree(first, halves)


async def test_a_lost_batch_is_read_from_the_outbox(
    halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An announcement reveals a lost batch, which is read from the outbox.

    The reply waits for it.
    """
    leader = await halves.leader()
    running = await halves.gateway()
    await open_market(running.services.bus)
    numbers = told(running, monkeypatch)
    before = running.follower.batch
    lose_batches(leader, monkeypatch)
    reply = await running.services.bus.submit(limit(1, BUY, 5, 40))
    assert isinstance(reply, OrderDone)
    assert running.services.view.book(MARKET).bids == {4_000: 500}
    assert numbers == [before + 1]
    assert agree(running, halves)


async def test_a_lost_batch_is_found_by_the_next(
    halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of the next batch reveals a lost one, without an announcement."""
    leader = await halves.leader()
    running = await halves.gateway()
    await open_market(running.services.bus)
    numbers = told(running, monkeypatch)
    before = running.follower.batch
    heard: Any = running.services.core
    hear = heard.hear
    monkeypatch.setattr(heard, "hear", lambda announcement: hear(announcement) and False)
    with monkeypatch.context() as losing:
        lose_batches(leader, losing)
        first = asyncio.create_task(running.services.bus.submit(limit(1, BUY, 5, 40)))
        await until(lambda: leader.core.status().batch > before)
    second = await running.services.bus.submit(limit(1, BUY, 5, 41))
    assert isinstance(second, OrderDone)
    assert isinstance(await first, OrderDone)
    assert numbers == [before + 1, before + 2]
    assert agree(running, halves)


async def test_a_repeated_batch_is_ignored(
    halves: Halves, redis: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that arrives again changes nothing."""
    keys = await halves.keys()
    await halves.leader()
    running = await halves.gateway()
    await open_market(running.services.bus)
    numbers = told(running, monkeypatch)
    await running.services.bus.submit(limit(1, BUY, 5, 40))
    entries = await redis.xrange(keys.batches)
    batches: list[Any] = [fields for _, fields in entries if messages.BATCH_FIELD in fields]
    for fields in batches:
        await redis.xadd(keys.batches, fields)
    await running.services.bus.submit(limit(1, BUY, 5, 41))
    last = running.follower.batch
    assert numbers == [last - 1, last]
    assert agree(running, halves)


async def test_a_gap_beyond_the_outbox_reloads_the_view(
    halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gap beyond the outbox reloads the view and makes subscribers resume."""
    leader = await halves.leader()
    running = await halves.gateway()
    await open_market(running.services.bus)
    interrupted: list[bool] = []
    monkeypatch.setattr(running.services.hub, "interrupted", lambda: interrupted.append(True))
    store = leader.core.pipeline.store
    commit_batch = store.commit_batch

    async def forgetful(record: BatchRecord) -> None:
        await commit_batch(record)
        await asyncio.to_thread(halves.exchange.execute, "DELETE FROM outbox")

    store.commit_batch = forgetful  # type: ignore[method-assign]
    lose_batches(leader, monkeypatch)
    reply = await running.services.bus.submit(limit(1, BUY, 5, 40))
    assert isinstance(reply, OrderDone)
    assert interrupted
    assert agree(running, halves)


async def test_a_deposed_core_is_not_listened_to(halves: Halves) -> None:
    """An announcement of an older epoch is ignored."""
    await halves.leader()
    running = await halves.gateway()
    core = running.services.core
    old = Announcement(
        core.status().epoch, 1, 1, 1, "deposed", healthy=True, durable=True, durability={},
        waiting=0, number=10**6,
    )  # fmt: skip
    halves.exchange.execute("UPDATE lease SET holder = 'somebody', expires_at = 0")
    halves.exchange.execute("UPDATE core_state SET epoch = epoch + 5")
    await halves.leader()
    await until(lambda: core.status().epoch > old.epoch)
    assert not core.hear(old)  # type: ignore[attr-defined]
    assert core.status().epoch > old.epoch


async def test_while_redis_is_away_the_view_follows_the_outbox(
    halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Redis the view follows the outbox, also for the core's own changes, like a close."""
    await halves.leader()
    running = await halves.gateway()
    await open_market(running.services.bus)
    connection = running.follower.connection

    asked: list[bool] = []

    async def away(*_: object) -> None:
        asked.append(True)
        raise ConnectionError("away")

    monkeypatch.setattr(connection, "read", away)
    await until(lambda: asked)  # earlier reads have ended
    before = running.follower.batch
    other = await halves.gateway()
    await other.services.bus.submit(limit(1, BUY, 5, 40))
    await until(lambda: running.follower.batch > before)
    assert agree(running, halves)


async def test_a_batch_that_the_database_lacks(
    halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that hears of a batch that its database lacks closes no client, and goes on."""
    await halves.leader()
    running = await halves.gateway()
    await open_market(running.services.bus)
    interrupted: list[bool] = []
    monkeypatch.setattr(running.services.hub, "interrupted", lambda: interrupted.append(True))
    number = running.follower.batch + 7
    key = messages.place_of_batch(await halves.keys(), number)
    data = (await halves.mac()).sign(key, b"never committed")
    fields = {messages.BATCH_FIELD: str(number).encode(), messages.CHANGES_FIELD: data}
    await asyncio.wait_for(running.follower.take((b"1-0", fields)), 60)
    assert isinstance(await running.services.bus.submit(limit(1, BUY, 5, 40)), OrderDone)
    assert not interrupted
    assert agree(running, halves)
