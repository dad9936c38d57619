"""Commands in steps, through the core to the database and back."""

import asyncio
import random
from collections.abc import Callable

import pytest

from predmarket.engine import steps
from predmarket.engine.commands import (
    AmendOrder,
    CancelAfter,
    CancelAll,
    CreateMarket,
    Disconnect,
    PlaceOrder,
    ResolveMarket,
    TakeStep,
    UpdateMarket,
)
from predmarket.engine.replies import Canceled, MarketDone, OrderDone, Refused, Resolved
from predmarket.enums import ErrorCode, MarketStatus, OrderStatus, Outcome, Side
from predmarket.server.core import journal
from predmarket.server.core.batch import ROWS_PER_STEP, Batch
from predmarket.server.core.bus import RepeatedOrder
from predmarket.server.core.pending_command import PendingCommand, Stage
from predmarket.server.core.stores.base import StoreError
from tests.engine.translate import to_command
from tests.reference.exchange import ReferenceExchange
from tests.reference.generate import random_commands
from tests.support.clock import Shown
from tests.support.core_exchange import MARKET, Exchange, Gate, Running, limit

BUY, SELL = Side.BUY, Side.SELL
OTHER = 2


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the size of a step to two orders or positions."""
    monkeypatch.setattr("predmarket.engine.steps.STEP", 2)


async def prepare(running: Running, count: int = 8) -> list[int]:
    """Place resting orders of one contract by users 1 to 8 in turn, and create another market."""
    ids = [(await running.place(n % 8 + 1, SELL, 1, 50)).order.id for n in range(count)]
    made = await running.do(CreateMarket("b", "?", "", 100, 0, 0, None, MarketStatus.OPEN, 1))
    assert made == MarketDone(OTHER)
    return ids


def in_other(order: PlaceOrder) -> PlaceOrder:
    """Return the same order in the other market."""
    return PlaceOrder(order.user_id, OTHER, *(getattr(order, n) for n in _REST))


_REST = ("side", "type", "price", "qty", "tif")


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


def steps_of(exchange: Exchange) -> list[TakeStep]:
    """Return the steps in the journal."""
    rows = exchange.rows("SELECT entries FROM journal ORDER BY batch")
    entries = [entry for row in rows for entry in journal.decode(bytes(row[0]))]
    return [entry.command for entry in entries if isinstance(entry.command, TakeStep)]


async def test_a_sweep_is_answered_whole_after_its_last_step(exchange: Exchange) -> None:
    """A sweep is answered after its last step, with every fill; each step is a journal entry."""
    async with exchange.trading() as running:
        await prepare(running)
        done = await running.place(9, BUY, 8, 50)
        assert done.order.status is OrderStatus.FILLED
        assert [fill.trade_id for fill in done.fills] == list(range(1, 9))
        assert done.unfinished is None
    assert steps_of(exchange) == [TakeStep("market/1")] * 3
    assert exchange.audited() == []


async def test_an_early_answer_follows_the_first_step(exchange: Exchange) -> None:
    """An early answer shows the order after its first step, and no second answer follows."""
    async with exchange.trading() as running:
        await prepare(running)
        reply = await running.core.enqueue(limit(9, BUY, 8, 50), early=True)
        assert isinstance(reply, OrderDone)
        assert reply.order.status is OrderStatus.PARTIALLY_FILLED
        assert reply.order.filled == 200
        await until(lambda: not running.core.pipeline.sequencer.exchange.state.unfinished)
    assert exchange.count("trades") == 8
    assert exchange.audited() == []


async def test_the_market_waits_and_others_trade(exchange: Exchange) -> None:
    """An order, an amend and a repeat wait for the last step; another market's order does not."""
    async with exchange.trading() as running:
        await prepare(running, 24)
        gate = Gate(running)
        sweep = limit(9, BUY, 24, 50, key="a")
        sweeping = asyncio.create_task(running.do(sweep))
        await asyncio.wait_for(gate.settled.wait(), 60)
        order = running.core.pipeline.sequencer.exchange.state.last_order_id
        behind = asyncio.create_task(running.do(limit(1, SELL, 1, 50)))
        amend = asyncio.create_task(running.do(AmendOrder(9, order, None, 3_000)))
        repeat = asyncio.create_task(running.do(sweep))
        elsewhere = asyncio.create_task(running.do(in_other(limit(2, BUY, 1, 40))))
        gate.open.set()
        await elsewhere
        assert not any(task.done() for task in (sweeping, behind, amend, repeat))
        done = await sweeping
        assert isinstance(done, OrderDone)
        assert len(done.fills) == 24
        waited = await behind
        assert isinstance(waited, OrderDone)
        assert waited.order.status is OrderStatus.OPEN
        refused = await amend
        assert isinstance(refused, Refused)
        assert refused.code is ErrorCode.ORDER_NOT_OPEN
        assert await repeat == RepeatedOrder(order)
    assert exchange.audited() == []


async def test_later_orders_of_a_request_wait(exchange: Exchange) -> None:
    """A request's orders run in order, so later ones wait even if they are for other markets."""
    async with exchange.trading() as running:
        await prepare(running)
        sweep, then = limit(9, BUY, 8, 50), in_other(limit(9, BUY, 1, 40))
        swept, rested = await running.core.submit_many([sweep, then])
        assert isinstance(swept, OrderDone)
        assert isinstance(rested, OrderDone)
        assert len(swept.fills) == 8
    first, last = exchange.rows(
        "SELECT MIN(seq), MAX(seq) FROM order_events "
        f"WHERE order_id IN ({swept.order.id}, {rested.order.id})"
    )[0]
    rest = exchange.scalar(f"SELECT MIN(seq) FROM order_events WHERE order_id = {rested.order.id}")
    assert first < rest == last


async def test_a_request_that_waited_for_a_sweep_is_carried_out_whole(exchange: Exchange) -> None:
    """Two orders of one request wait for another's last step, then both run, in order."""
    async with exchange.trading() as running:
        await prepare(running, 24)
        gate = Gate(running)
        sweeping = asyncio.create_task(running.do(limit(9, BUY, 24, 50)))
        await asyncio.wait_for(gate.settled.wait(), 60)
        request = [limit(1, SELL, 1, 50), limit(1, SELL, 1, 51)]
        waiting = asyncio.create_task(running.core.submit_many(request))
        await asyncio.sleep(0)
        gate.open.set()
        await sweeping
        first, second = await waiting
        assert isinstance(first, OrderDone)
        assert isinstance(second, OrderDone)
        assert first.order.id < second.order.id
        await asyncio.wait_for(running.core.stop(), 60)
    assert exchange.audited() == []


async def test_cancel_all_names_what_all_its_steps_cancelled(exchange: Exchange) -> None:
    """A cancel-all names the orders that all its steps canceled, and the account waits meanwhile.

    An order filled before its step is not in the answer.
    """
    async with exchange.trading() as running:
        ids = [(await running.place(1, SELL, 1, 50 + n)).order.id for n in range(9)]
        gate = Gate(running)
        canceling = asyncio.create_task(running.do(CancelAll(1)))
        await asyncio.wait_for(gate.settled.wait(), 60)
        own = asyncio.create_task(running.do(CancelAfter(1, 60)))
        taking = asyncio.create_task(running.do(limit(2, BUY, 1, 58)))
        gate.open.set()
        taken = await taking
        assert isinstance(taken, OrderDone)
        canceled = await canceling
        assert isinstance(canceled, Canceled)
        filled = [id for id in ids if id not in canceled.order_ids]
        assert len(filled) == len(taken.fills) == 1
        assert list(canceled.order_ids) == sorted(set(ids) - set(filled))
        await own
    assert exchange.audited() == []


@pytest.mark.parametrize(
    "command",
    [
        CancelAll(1),
        Disconnect("g", "g-1", 1),
        Disconnect("g"),
        UpdateMarket(MARKET, MarketStatus.CLOSED),
        ResolveMarket(MARKET, Outcome.YES),
        limit(9, BUY, 7, 50),
    ],
    ids=lambda command: type(command).__name__,
)
@pytest.mark.parametrize("committed", [0, 1, 2])
async def test_the_next_core_finishes_the_steps(
    exchange: Exchange, command: PlaceOrder, committed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a kill between two steps the next core does the rest by itself."""
    async with exchange.trading() as running:
        for _ in range(7):
            await running.place(1, SELL, 1, 50, connection="g-1")
        await running.place(2, BUY, 1, 40)
        commit_batch, left = running.store.commit_batch, committed

        async def settle_some(record: object) -> None:
            nonlocal left
            if not left:
                await asyncio.sleep(3600)
            left -= 1
            await commit_batch(record)  # type: ignore[arg-type]

        monkeypatch.setattr(running.store, "commit_batch", settle_some)
        asking = asyncio.create_task(running.do(command))
        await until(lambda: not left and bool(running.core.pipeline.under_way))
        await running.core.stop(limit_s=0.05)
        await asyncio.gather(asking, return_exceptions=True)
        monkeypatch.undo()
        monkeypatch.setattr("predmarket.engine.steps.STEP", 2)
    async with exchange.running() as running:
        state = running.core.pipeline.sequencer.exchange.state
        await until(lambda: not state.unfinished)
        again = await running.do(CancelAll(3))
        assert again == Canceled(())
        await until(lambda: not state.unfinished and running.core.pipeline.all_answered)
        assert exchange.stored() == running.in_memory()
    assert exchange.audited() == []
    if committed:
        assert exchange.scalar("SELECT COUNT(*) FROM orders WHERE status = 'OPEN'") <= 1


@pytest.mark.parametrize("fails", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_repair_amid_the_steps(exchange: Exchange, fails: int, after: bool) -> None:
    """All steps happen once although a commit between them fails or has no known outcome."""
    async with exchange.trading() as running:
        await prepare(running)
        commit_batch, count = running.store.commit_batch, 0

        async def settle_but_one(record: object) -> None:
            nonlocal count
            count += 1
            if count == fails and not after:
                raise StoreError("lost before")
            await commit_batch(record)  # type: ignore[arg-type]
            if count == fails:
                raise StoreError("lost after")

        running.store.commit_batch = settle_but_one  # type: ignore[method-assign]
        done = await running.do(limit(9, BUY, 8, 50))
        assert isinstance(done, OrderDone | RepeatedOrder)
        if isinstance(done, OrderDone):
            assert [fill.trade_id for fill in done.fills] == list(range(1, 9))
        assert all(pending.stage is not Stage.STEPPING for pending in live(running))
        assert exchange.stored() == running.in_memory()
    assert exchange.count("trades") == 8
    assert exchange.audited() == []


def live(running: Running) -> list[PendingCommand]:
    """Return the unfinished commands."""
    running.core.pipeline.forget_over()
    return [*running.core.pipeline.live.values()]


async def test_a_long_resolution_counts_every_step(exchange: Exchange) -> None:
    """A long resolution reports the accounts and the total of all its steps."""
    async with exchange.trading() as running:
        for user in range(1, 9):
            await running.place(user, BUY, 1, 50)
        await running.place(9, SELL, 8, 50)
        done = await running.do(ResolveMarket(MARKET, Outcome.YES))
        assert done == Resolved(MARKET, 8, 8_000_000)
        assert not [*running.state.positions()]
    assert exchange.audited() == []


async def test_a_steps_rows_are_bounded(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No journal entry of a random command in steps writes more rows than its bound."""
    chance = random.Random(7)
    seen: list[tuple[int, int]] = []
    add = Batch.add

    def counting(self: Batch, *args: object) -> None:
        before = self.rows
        add(self, *args)  # type: ignore[arg-type]
        seen.append((steps.STEP, self.rows - before))

    monkeypatch.setattr(Batch, "add", counting)
    step = chance.choice((1, 2, 5))
    monkeypatch.setattr(steps, "STEP", step)
    reference = ReferenceExchange()
    reference.now = now = 1_000_000_000
    stream = random_commands(7, reference, 400, connections=True)
    async with exchange.running(clock=Shown(lambda: now)) as running:
        for abstract in stream:
            known = len(reference.ledger.markets)
            reference.apply(abstract)
            now = abstract["ts"]
            await running.do(to_command(abstract, known))
    assert len(seen) >= 400
    for size, rows in seen:
        # a fill writes 13 rows with its maker's state; the taker and its market add some
        assert rows <= ROWS_PER_STEP * size // 1_000 + 12
    assert exchange.audited() == []
