"""The order and size of batches, and the number of batches at the database."""

import asyncio

import pytest

from predmarket.engine.replies import OrderDone
from predmarket.enums import Side
from predmarket.server.core.stores.base import BatchRecord, StoreError
from tests.support.core_exchange import USERS, Exchange, Gate, Running, limit

BUY = Side.BUY


async def test_the_next_batch_is_decided_while_one_commits(exchange: Exchange) -> None:
    """Commands that arrive during a commit are decided at once and committed together after it."""
    async with exchange.trading() as running:
        before = running.core.status().batch
        gate = Gate(running)
        first = asyncio.create_task(running.do(limit(1, BUY, 1, 60)))
        await asyncio.wait_for(gate.settled.wait(), 60)
        rest = [asyncio.create_task(running.do(limit(u, BUY, 1, 50))) for u in range(2, USERS + 1)]
        work = running.core.pipeline
        while sum(len(batch.entries) for batch in work.batches) < 1 + len(rest):
            await asyncio.sleep(0)
        assert not any(task.done() for task in (first, *rest))
        gate.open.set()
        await asyncio.gather(first, *rest)
        assert running.core.status().batch == before + 2


async def test_a_batch_takes_its_share_of_the_queue(exchange: Exchange) -> None:
    """A batch takes its share of many waiting commands; a few commands form one batch."""
    async with exchange.trading() as running:
        assert await _sizes(running, 10) == [10]
        first, *rest = await _sizes(running, 60)
        stages = running.store.at_once + 1
        assert 60 // stages <= first <= 61 // stages + 1
        assert sum(rest) == 60 - first


async def _sizes(running: Running, orders: int) -> list[int]:
    """Submit this many orders behind one that commits; return the sizes of their batches."""
    work, sizes, commit_batch = running.core.pipeline, list[int](), running.store.commit_batch

    async def noting(record: BatchRecord) -> None:
        sizes.append(record.core.last_seq - record.first_seq + 1)
        await commit_batch(record)

    running.store.commit_batch = noting  # type: ignore[method-assign]
    gate = Gate(running)
    first = asyncio.create_task(running.do(limit(1, BUY, 1, 60)))
    await asyncio.wait_for(gate.settled.wait(), 60)
    many = [running.do(limit(1 + n % USERS, BUY, 1, 50)) for n in range(orders)]
    rest = [asyncio.create_task(one) for one in many]
    while len(work.queue) + sum(len(batch.entries) for batch in work.batches) <= orders:
        await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(first, *rest)
    running.store.commit_batch = commit_batch  # type: ignore[method-assign]
    return sizes[1:]


async def test_the_database_has_the_next_batch_before_the_last_one_is_answered(
    exchange: Exchange,
) -> None:
    """The batch decided during a commit is sent before the committed commands are answered."""
    async with exchange.trading(max_batch=1) as running:
        answered, commit_batch = list[bool](), running.store.commit_batch

        async def noting(record: BatchRecord) -> None:
            answered.append(first.done())
            await commit_batch(record)

        running.store.commit_batch = noting  # type: ignore[method-assign]
        gate = Gate(running)
        first = asyncio.create_task(running.do(limit(1, BUY, 1, 60)))
        await asyncio.wait_for(gate.settled.wait(), 60)
        second = asyncio.create_task(running.do(limit(2, BUY, 1, 50)))
        while not any(batch.entries for batch in running.core.pipeline.batches[1:]):
            await asyncio.sleep(0)
        gate.open.set()
        await asyncio.gather(first, second)
        assert answered == [False, False]


async def test_postgresql_has_two_batches_at_once(migrated_postgres_url: str) -> None:
    """PostgreSQL has two batches at once, in order.

    No command is answered before its own commit and the earlier ones have returned.
    """
    async with Exchange(migrated_postgres_url).trading(max_batch=1) as running:
        assert running.store.at_once == 2
        commit_batch, returned = running.store.commit_batch, asyncio.Event()
        sent: list[int] = []
        may_return = [asyncio.Event() for _ in range(3)]

        async def slowly(record: BatchRecord) -> None:
            number = len(sent)
            sent.append(record.core.last_batch)
            await commit_batch(record)
            returned.set()
            await may_return[number].wait()

        running.store.commit_batch = slowly  # type: ignore[method-assign]
        tasks = [asyncio.create_task(running.do(limit(user, BUY, 1, 50))) for user in (1, 2, 3)]
        async with asyncio.timeout(60):
            while len(sent) < 2:
                await asyncio.sleep(0)
            may_return[1].set()
            await returned.wait()
            await asyncio.sleep(0.05)
            assert [task.done() for task in tasks] == [False, False, False]
            may_return[0].set()
            await asyncio.gather(*tasks[:2])
            assert not tasks[2].done()
            may_return[2].set()
            await tasks[2]
        assert sent == [sent[0], sent[0] + 1, sent[0] + 2]


@pytest.mark.parametrize("committed", [False, True])
async def test_orders_behind_a_failed_batch_run_once(
    migrated_postgres_url: str, committed: bool
) -> None:
    """Each order runs once when the first of two batches fails or has no known outcome."""
    exchange = Exchange(migrated_postgres_url)
    async with exchange.trading(max_batch=1) as running:
        commit_batch, calls, both = running.store.commit_batch, 0, asyncio.Event()

        async def failing(record: BatchRecord) -> None:
            nonlocal calls
            calls += 1
            number = calls
            if number == 2:
                both.set()
            if number == 1:
                await both.wait()
                if committed:
                    await commit_batch(record)
                raise StoreError("no answer")
            await commit_batch(record)

        running.store.commit_batch = failing  # type: ignore[method-assign]
        orders = [limit(user, BUY, 1, 50, key="k") for user in (1, 2, 3)]
        replies = await asyncio.gather(*(running.do(order) for order in orders))
        assert all(isinstance(reply, OrderDone) for reply in replies)
        assert exchange.count("orders") == 3
        assert running.core.status().healthy
    assert exchange.audited() == []
