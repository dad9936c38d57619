"""The core answers after its commit and keeps its bounds, on real databases."""

import asyncio

import pytest

from predmarket.engine.commands import (
    CancelAfter,
    CancelAll,
    CancelOrder,
    CreateMarket,
    ResolveMarket,
    Transfer,
    UpdateMarket,
)
from predmarket.engine.replies import (
    MarketDone,
    OrderDone,
    Refused,
    Resolved,
    TransferDone,
)
from predmarket.enums import ErrorCode, MarketStatus, Outcome, Side
from predmarket.server.core.bus import OutcomeUnknown, Overloaded, RepeatedOrder, RepeatedTransfer
from predmarket.server.core.pending_command import PendingCommand
from predmarket.server.core.sequencer import Sequencer
from predmarket.server.core.stores.base import BatchRecord, StoreError
from predmarket.units import MONEY_ONE
from tests.support.clock import Shown
from tests.support.core_exchange import DEPOSIT, MARKET, USERS, Exchange, Gate, Running, limit

BUY, SELL = Side.BUY, Side.SELL


async def test_a_trade_is_stored_whole(exchange: Exchange) -> None:
    """After an acknowledgement the database holds orders, trade, money, shares and journal."""
    async with exchange.trading() as running:
        await running.place(1, BUY, 10, 60)
        taken = await running.place(2, SELL, 10, 55)
        assert taken.order.filled == 1_000
        assert exchange.count("trades") == 1
        assert exchange.scalar("SELECT available FROM accounts WHERE user_id = 1") == 94 * MONEY_ONE
        assert exchange.scalar("SELECT yes FROM positions WHERE user_id = 1") == 1_000
        assert exchange.stored() == running.in_memory()
    assert exchange.audited() == []


async def test_no_reply_and_no_view_before_commit_returns(exchange: Exchange) -> None:
    """No reply and no view shows an order before its commit has returned."""
    async with exchange.trading() as running:
        gate = Gate(running)
        placing = asyncio.create_task(running.do(limit(1, BUY, 10, 60)))
        await asyncio.wait_for(gate.settled.wait(), 60)
        await asyncio.sleep(0)
        assert not placing.done()
        assert running.view.book(MARKET).bids == {}
        gate.open.set()
        assert isinstance(await placing, OrderDone)
        assert running.view.book(MARKET).bids == {6_000: 1_000}


async def test_a_full_queue_refuses_and_takes_nothing(exchange: Exchange) -> None:
    """A full queue answers OVERLOADED, and the refused order never happens."""
    async with exchange.trading(max_queue=3, max_batch=1) as running:
        gate = Gate(running)
        tasks = [asyncio.create_task(running.do(limit(1, BUY, 1, 50)))]
        await asyncio.wait_for(gate.settled.wait(), 60)
        tasks += [asyncio.create_task(running.do(limit(2, BUY, 1, 50))) for _ in range(8)]
        await asyncio.sleep(0.05)
        gate.open.set()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        refused = [reply for reply in done if isinstance(reply, Overloaded)]
        assert refused
        assert exchange.count("orders") == len(done) - len(refused)


async def test_no_reply_in_time_is_an_unknown_outcome(exchange: Exchange) -> None:
    """A waiter without a reply in time gets an unknown outcome; a decided command still commits."""
    async with exchange.trading(reply_limit_s=0.3) as running:
        gate = Gate(running)
        with pytest.raises(OutcomeUnknown):
            await running.do(limit(1, BUY, 1, 50))
        gate.open.set()
    assert exchange.count("orders") == 1


async def test_an_expired_command_is_not_begun(exchange: Exchange) -> None:
    """A command is not begun once its gateway has stopped waiting for it."""
    async with exchange.trading(reply_limit_s=0.3, max_batch=1) as running:
        gate = Gate(running)
        one = asyncio.create_task(running.do(limit(1, BUY, 1, 50)))
        await asyncio.wait_for(gate.settled.wait(), 60)
        others = [asyncio.create_task(running.do(limit(2, BUY, 1, 50))) for _ in range(3)]
        done = await asyncio.gather(one, *others, return_exceptions=True)
        assert all(isinstance(reply, OutcomeUnknown) for reply in done)
        gate.open.set()
        at_once = running.store.at_once
    assert exchange.count("orders") == 1 + at_once  # committing, behind it, being formed


async def test_repeats_find_the_original(exchange: Exchange) -> None:
    """A repeat finds its original in every state: undecided, uncommitted, committed, restarted."""
    order = limit(1, BUY, 10, 60, key="a")
    async with exchange.trading() as running:
        gate, epoch = Gate(running), running.core.status().epoch
        same = [asyncio.create_task(running.do(order)) for _ in range(3)]
        await asyncio.wait_for(gate.settled.wait(), 60)
        same += [asyncio.create_task(running.do(order)) for _ in range(3)]
        other = asyncio.create_task(running.do(limit(1, BUY, 11, 60, key="a")))
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in (*same, other))
        gate.open.set()
        first, *repeats = await asyncio.gather(*same)
        assert isinstance(first, OrderDone)
        assert repeats == [RepeatedOrder(first.order.id)] * 5
        refused = await other
        assert isinstance(refused, Refused)
        assert refused.code is ErrorCode.DUPLICATE_CLIENT_ORDER_ID
        assert running.core.status().epoch == epoch  # the core knows it, not the database
    async with exchange.running() as running:
        assert await running.do(order) == RepeatedOrder(first.order.id)
        assert isinstance(await running.do(limit(2, BUY, 10, 60, key="a")), OrderDone)
    assert exchange.count("orders") == 2


async def test_a_refusal_is_recorded_and_repeated_word_for_word(exchange: Exchange) -> None:
    """A refusal is repeated unchanged, even after a restart and although the money has come."""
    order = limit(1, BUY, 1_000, 60, key="rich")
    async with exchange.trading() as running:
        refused = await running.do(order)
        assert isinstance(refused, Refused)
        assert refused.code is ErrorCode.INSUFFICIENT_FUNDS
        await running.do(Transfer(1, 10_000 * MONEY_ONE, "gift", 1))
        assert await running.do(order) == refused
    async with exchange.running() as running:
        assert await running.do(order) == refused
    assert exchange.audited() == []


async def test_a_transfer_happens_once_for_its_key(exchange: Exchange) -> None:
    """A repeated transfer returns the original, or is refused if the content differs.

    A restart changes nothing.
    """
    transfer = Transfer(2, 5 * MONEY_ONE, "prize", 1, key="k")
    async with exchange.trading() as running:
        first, second = await asyncio.gather(running.do(transfer), running.do(transfer))
        assert isinstance(first, TransferDone)
        assert first.available == DEPOSIT + 5 * MONEY_ONE
        assert second == RepeatedTransfer(first.transfer_id)
    async with exchange.running() as running:
        assert await running.do(transfer) == second
        other = await running.do(Transfer(2, 6 * MONEY_ONE, "prize", 1, key="k"))
        assert isinstance(other, Refused)
        assert other.code is ErrorCode.IDEMPOTENCY_KEY_REUSED
    assert exchange.scalar("SELECT available FROM accounts WHERE user_id = 2") == first.available


async def test_timers_fire_by_themselves_and_after_downtime(exchange: Exchange) -> None:
    """closesAt, expiresAt and the dead-man's switch act without a command, also after downtime."""
    now = 1_000_000_000
    async with exchange.trading(clock=Shown(lambda: now)) as running:
        await running.place(1, BUY, 1, 50, expires_at=now + 1_000_000)
        await running.place(2, BUY, 1, 40)
        await running.do(CancelAfter(2, 2))
        await running.place(3, BUY, 1, 30)
        await running.do(UpdateMarket(MARKET, sets_closes_at=True, closes_at=now + 2_400_000))
    now += 2_500_000
    async with exchange.running(clock=Shown(lambda: now)) as running:
        while running.view.find(MARKET).status is not MarketStatus.CLOSED:  # type: ignore[union-attr]
            await asyncio.sleep(0.01)
    assert exchange.scalar("SELECT COUNT(*) FROM orders WHERE status = 'EXPIRED'") == 1
    assert exchange.scalar("SELECT COUNT(*) FROM orders WHERE reason = 'DEADMAN'") == 1
    assert exchange.scalar("SELECT COUNT(*) FROM orders WHERE reason = 'MARKET_CLOSED'") == 1
    expired = "SELECT updated_at FROM orders WHERE status = 'EXPIRED'"
    assert exchange.scalar(expired) == 1_000_000_000 + 1_000_000
    assert exchange.audited() == []


async def test_many_stale_timers_are_passed_in_turns(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The core passes many stale timers in several turns, then carries out the next command."""
    monkeypatch.setattr("predmarket.engine.exchange.PASSED", 3)
    now = 1_000_000_000
    async with exchange.trading(clock=Shown(lambda: now)) as running:
        for _ in range(10):
            await running.place(1, BUY, 1, 50, expires_at=now + 1_000_000)
        await running.do(CancelAll(1))
        turns, execute = 0, Sequencer.execute

        def counted(sequencer: Sequencer, group: list[PendingCommand]) -> object:
            nonlocal turns
            turns += bool(group)
            return execute(sequencer, group)

        monkeypatch.setattr(Sequencer, "execute", counted)
        now += 2_000_000
        await running.place(2, BUY, 1, 50)
        assert turns == 4
    assert exchange.audited() == []


async def test_a_real_timer_wakes_the_core(exchange: Exchange) -> None:
    """An order expires by the wall clock several times although no command arrives."""
    async with exchange.trading() as running:
        for _ in range(5):
            await running.place(1, BUY, 1, 50, expires_at=running.core.now() + 60_000)
            while running.view.book(MARKET).bids:
                await asyncio.sleep(0.005)


async def test_a_timer_behind_a_stale_one_fires(exchange: Exchange) -> None:
    """A live timer behind a stale one fires."""
    async with exchange.trading() as running:
        soon = running.core.now() + 100_000
        gone = await running.place(1, BUY, 1, 50, expires_at=soon)
        await running.place(2, BUY, 1, 40, expires_at=soon + 100_000)
        await running.do(CancelOrder(1, gone.order.id))
        while running.view.book(MARKET).bids:
            await asyncio.sleep(0.005)


async def test_a_timer_fires_after_a_restart(exchange: Exchange) -> None:
    """A timer armed before a stop fires after the restart without any command."""
    async with exchange.trading() as running:
        await running.place(2, BUY, 1, 40)
        await running.do(CancelAfter(2, 1))
    async with exchange.running() as running:
        while running.view.book(MARKET).bids:
            await asyncio.sleep(0.005)
    assert exchange.scalar("SELECT COUNT(*) FROM orders WHERE reason = 'DEADMAN'") == 1


async def test_a_long_resolution_goes_in_steps(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other markets trade between a resolution's steps; the caller gets one answer at the end."""
    monkeypatch.setattr("predmarket.engine.steps.STEP", 2)
    async with exchange.trading() as running:
        for user in range(1, USERS):
            await running.place(user, BUY, 1, 50)
            await running.place(user, BUY, 1, 49)
        await running.place(9, SELL, 8, 50)
        await running.do(CreateMarket("b", "?", "", 100, 0, 0, None, MarketStatus.OPEN, 1))
        resolving = asyncio.create_task(running.do(ResolveMarket(MARKET, Outcome.YES)))
        while running.view.find(MARKET).status is MarketStatus.OPEN:  # type: ignore[union-attr]
            await asyncio.sleep(0)
        waits = asyncio.create_task(running.do(limit(1, BUY, 1, 50)))
        done = await resolving
        refused = await waits
        assert isinstance(refused, Refused)
        assert refused.code is ErrorCode.MARKET_NOT_OPEN
        assert done == Resolved(MARKET, 8, 8 * MONEY_ONE)
        again = await running.do(ResolveMarket(MARKET, Outcome.NO))
        assert isinstance(again, Refused)
        assert again.code is ErrorCode.INVALID_TRANSITION
    assert exchange.audited() == []


async def test_a_resolution_goes_on_after_a_restart(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolution stopped between two steps is finished by the next core."""
    monkeypatch.setattr("predmarket.engine.steps.STEP", 1)
    async with exchange.trading() as running:
        for user in range(1, USERS):
            await running.place(user, BUY, 1, 50)
        await running.place(9, SELL, 6, 50)
        sequencer = running.core.pipeline.sequencer
        begun, _ = sequencer.exchange.apply(
            sequencer.exchange.state.now, ResolveMarket(MARKET, Outcome.VOID)
        )
        assert begun == MarketDone(MARKET, f"market/{MARKET}")
        sequencer.batch.add(
            sequencer.exchange,
            sequencer.exchange.state.now,
            "x",
            ResolveMarket(MARKET, Outcome.VOID),
            sequencer.exchange.state.events,
        )
    async with exchange.running() as running:
        while running.view.find(MARKET).status is not MarketStatus.VOIDED:  # type: ignore[union-attr]
            await asyncio.sleep(0.01)
    assert exchange.scalar("SELECT COUNT(*) FROM accounts WHERE available = 100000000") == USERS
    assert exchange.audited() == []


async def test_stop_settles_what_was_accepted(exchange: Exchange) -> None:
    """Orders taken before the stop are committed and answered; later ones are refused."""
    async with exchange.trading() as running:
        tasks = [asyncio.create_task(running.do(limit(1, BUY, 1, 50))) for _ in range(50)]
        await asyncio.sleep(0)
        stopping = asyncio.create_task(running.core.stop())
        replies = await asyncio.gather(*tasks)
        await stopping
        assert all(isinstance(reply, OrderDone) for reply in replies)
        with pytest.raises(Overloaded):
            await running.do(limit(1, BUY, 1, 50))
    assert exchange.count("orders") == 50


async def test_cancelling_an_ended_order_is_refused(exchange: Exchange) -> None:
    """The cancel of an ended order is refused; the gateway finds the owner, not the core."""
    async with exchange.trading() as running:
        placed = await running.place(1, BUY, 1, 50)
        await running.do(CancelOrder(1, placed.order.id))
        again = await running.do(CancelOrder(1, placed.order.id))
        assert isinstance(again, Refused)
        assert again.code is ErrorCode.ORDER_NOT_OPEN


async def test_a_refused_transfers_key_stays_free_for_the_next(exchange: Exchange) -> None:
    """A refused transfer leaves no record, so its key is free for a later success."""
    out = Transfer(2, -150 * MONEY_ONE, "payout", 1, key="k")
    async with exchange.trading() as running:
        gate = Gate(running)
        first = asyncio.create_task(running.do(out))
        held = asyncio.create_task(running.do(limit(1, BUY, 1, 50)))
        await asyncio.wait_for(gate.settled.wait(), 60)
        funded = asyncio.create_task(running.do(Transfer(2, 100 * MONEY_ONE, "pay", 1)))
        second = asyncio.create_task(running.do(out))
        work = running.core.pipeline
        while sum(len(batch.pending()) for batch in work.batches[1:]) < 2:
            await asyncio.sleep(0)
        gate.open.set()
        refused = await first
        assert isinstance(refused, Refused)
        third = await running.do(out)
        done = await second
        assert isinstance(done, TransferDone)
        assert third == RepeatedTransfer(done.transfer_id)
        await asyncio.gather(held, funded)


async def test_stop_is_bounded_when_the_database_is_away(exchange: Exchange) -> None:
    """Without the database a stop ends in time: waiters get an unknown outcome, no task remains."""
    async with exchange.trading() as running:
        fail_forever(running)
        placing = asyncio.create_task(running.do(limit(1, BUY, 1, 50)))
        await asyncio.sleep(0.1)
        await running.core.stop(limit_s=0.3)
        with pytest.raises(OutcomeUnknown):
            await placing
    assert exchange.count("orders") == 0


def fail_forever(running: Running) -> None:
    """Let every commit and every takeover fail from now on."""

    async def fail_to_settle(_: BatchRecord) -> None:
        fail()

    def fail() -> None:
        raise StoreError("the database is away")

    running.store.commit_batch = fail_to_settle  # type: ignore[method-assign,assignment]
    running.store.connect = fail  # type: ignore[method-assign]
