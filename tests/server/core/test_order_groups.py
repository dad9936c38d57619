"""Order groups through the core to the database and back."""

import asyncio
from collections.abc import Callable

import pytest

from predmarket.engine.commands import (
    CreateOrderGroup,
    DeleteOrderGroup,
    ResetOrderGroup,
    SetOrderGroupLimit,
    TriggerOrderGroup,
)
from predmarket.engine.replies import OrderGroupDone, Refused
from predmarket.enums import ErrorCode, OrderGroupChange, OrderGroupStatus, Side
from predmarket.server.core.state_loader import LoadError
from predmarket.server.core.stores.base import BatchRecord
from tests.server.core.listener import Listener
from tests.support.clock import Shown
from tests.support.core_exchange import Exchange, Running, limit

BUY, SELL = Side.BUY, Side.SELL
SECOND = 1_000_000
START = 1_000_000_000
ACTIVE, TRIPPED, DELETED = OrderGroupStatus


async def group(running: Running, contracts: int, user: int = 1) -> int:
    """Create a group and return its id."""
    reply = await running.do(CreateOrderGroup(user, contracts * 100))
    assert isinstance(reply, OrderGroupDone)
    return reply.group.id


def status(running: Running, id: int = 1) -> OrderGroupStatus:
    """Return a group's status in memory."""
    return running.state.order_groups.by_id[id].status


def reasons(exchange: Exchange) -> list[tuple[int, str | None]]:
    """Return the group's order ids with the reasons for their ends."""
    rows = exchange.rows("SELECT id, reason FROM orders WHERE order_group_id = 1 ORDER BY id")
    return [(int(id), reason) for id, reason in rows]


@pytest.mark.parametrize(("wait", "expected"), [(15 * SECOND - 1, TRIPPED), (15 * SECOND, ACTIVE)])
async def test_counted_fills_survive_a_restart(
    exchange: Exchange, wait: int, expected: OrderGroupStatus
) -> None:
    """A fill before a restart still counts, to the microsecond; one before a reset does not."""
    now = START
    async with exchange.trading(clock=Shown(lambda: now)) as running:
        made = await group(running, 10)
        await running.place(1, SELL, 9, 50, group=made)
        await running.place(2, BUY, 9, 50)
        await running.do(ResetOrderGroup(1, made))
        await running.place(1, SELL, 20, 50, group=made)
        await running.place(2, BUY, 6, 50)
        assert exchange.stored() == running.in_memory()
    now += wait
    async with exchange.running(clock=Shown(lambda: now)) as running:
        assert exchange.stored() == running.in_memory()
        await running.place(2, BUY, 5, 50)
        assert status(running, made) is expected
        assert exchange.stored() == running.in_memory()
    assert exchange.audited() == []


async def test_every_change_is_stored_and_announced(exchange: Exchange) -> None:
    """Each change is a message on its user's topic, and a restart loads each state."""
    listener = Listener()
    async with exchange.trading(outlet=listener) as running:
        made = await group(running, 10)
        for number in range(3):
            await running.place(1, SELL, 6, 50 + number, group=made)
        await running.do(SetOrderGroupLimit(1, made, 1_100))
        await running.place(2, BUY, 12, 51)
        tripped = await running.do(limit(1, SELL, 1, 60, group=made))
        assert isinstance(tripped, Refused)
        assert tripped.code is ErrorCode.GROUP_TRIPPED
        unknown = await running.do(limit(1, SELL, 1, 60, group=99))
        assert isinstance(unknown, Refused)
        assert unknown.code is ErrorCode.ORDER_GROUP_NOT_FOUND
        assert exchange.stored() == running.in_memory()
        await running.do(ResetOrderGroup(1, made))
        await running.place(1, SELL, 1, 60, group=made)
        await running.do(TriggerOrderGroup(1, made))
        assert exchange.stored() == running.in_memory()
        await running.do(DeleteOrderGroup(1, made))
    listener.check(exchange)
    async with exchange.running() as running:
        assert exchange.stored() == running.in_memory()
        assert await group(running, 1) == 2
    assert reasons(exchange) == [
        (1, None), (2, None), (3, "GROUP"), (5, "GROUP_TRIPPED"), (7, "GROUP"),
    ]  # fmt: skip
    told = [(g.seq, g.change) for changes in listener.changes for g in changes.order_groups]
    kinds = OrderGroupChange
    assert told == list(
        enumerate(
            (kinds.CREATED, kinds.LIMIT, kinds.TRIPPED, kinds.RESET, kinds.TRIPPED, kinds.DELETED),
            1,
        )
    )
    assert exchange.audited() == []


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


@pytest.mark.parametrize("committed", range(6))
async def test_interrupted_steps_continue(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, committed: int
) -> None:
    """The next core finishes the steps of a sweep whose second step tripped a group."""
    monkeypatch.setattr("predmarket.engine.steps.STEP", 2)
    async with exchange.trading() as running:
        made = await group(running, 3)
        for _ in range(12):
            await running.place(1, SELL, 1, 50, group=made)
        settle, left, held = running.store.commit_batch, committed, asyncio.Event()

        async def settle_some(record: BatchRecord) -> None:
            nonlocal left
            if not left:
                held.set()
                await asyncio.sleep(3600)
            left -= 1
            await settle(record)

        monkeypatch.setattr(running.store, "commit_batch", settle_some)
        asking = asyncio.create_task(running.place(2, BUY, 7, 50))
        await held.wait()
        await running.core.stop(limit_s=0.05)
        await asyncio.gather(asking, return_exceptions=True)
    exchange.stored()
    async with exchange.running() as running:
        state = running.state
        await until(lambda: not state.unfinished)
        assert status(running, made) is (TRIPPED if committed else ACTIVE)
        reply = await running.do(DeleteOrderGroup(1, made))
        assert isinstance(reply, OrderGroupDone)
        assert not state.orders
        assert exchange.stored() == running.in_memory()
    filled = 7 if committed else 0
    assert [reason for _, reason in reasons(exchange)] == [None] * filled + ["GROUP"] * (
        12 - filled
    )
    assert exchange.rows("SELECT status FROM order_groups") == [("DELETED",)]
    assert exchange.audited() == []


async def test_the_audit_holds_fills_against_trades(exchange: Exchange) -> None:
    """A counted fill matches a trade of an order in its group, in quantity and time."""
    async with exchange.trading() as running:
        made = await group(running, 10)
        await running.place(1, SELL, 6, 50, group=made)
        await running.place(2, BUY, 6, 50)
    exchange.execute("UPDATE order_group_fills SET qty = qty - 1")
    found = [check.name for check in exchange.audited()]
    assert "order groups: what counted is a trade of an order of the group" in found


@pytest.mark.parametrize(
    ("tampering", "problem"),
    [
        ("UPDATE order_groups SET limit_qty = 100", "above its limit"),
        ("UPDATE order_group_fills SET created_at = created_at + 60000000, qty = 99999", "above"),
    ],
)
async def test_tampering_is_found(exchange: Exchange, tampering: str, problem: str) -> None:
    """A load refuses a group above its limit, and the audit finds fills without a trade."""
    async with exchange.trading() as running:
        made = await group(running, 10)
        await running.place(1, SELL, 6, 50, group=made)
        await running.place(2, BUY, 6, 50)
    assert exchange.audited() == []
    exchange.execute(tampering)
    with pytest.raises(LoadError, match=problem):
        exchange.stored()
    assert exchange.audited()
