"""A standby core follows the journal and takes over from there."""

import asyncio
import threading
import time

import pytest

from predmarket.engine.commands import CancelAll
from predmarket.engine.replies import OrderDone
from predmarket.engine.snapshot import snapshot
from predmarket.enums import Side
from predmarket.server.core import state_loader
from predmarket.server.core.standby import Standby
from predmarket.server.core.stores.base import CoreRow, Store, StoreError
from predmarket.server.core.stores.store_numbers import StoredState
from tests.support.core_exchange import forbidden, limit
from tests.support.redis_halves import Halves, open_market, until

BUY = Side.BUY


async def test_a_core_that_stands_by_takes_over_without_a_load(
    halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A standby that follows the journal takes over by reading only the tail."""
    first = await halves.leader()
    running = await halves.gateway()
    bus = running.services.bus
    await open_market(bus)
    second = await halves.seat()
    assert isinstance(await bus.submit(limit(1, BUY, 1, 40, key="a")), OrderDone)
    await until(lambda: second.seat.status().sequence == first.core.status().sequence)
    with monkeypatch.context() as patch:
        patch.setattr(state_loader, "load", forbidden)
        await halves.kill(first)
        await until(lambda: second.seat.standing == "ok")
    assert isinstance(await bus.submit(limit(1, BUY, 1, 41, key="b")), OrderDone)
    assert halves.exchange.rows("SELECT client_order_id FROM orders ORDER BY id") == [
        ("a",),
        ("b",),
    ]
    assert halves.exchange.stored() == snapshot(second.core.pipeline.sequencer.exchange.state)
    assert halves.exchange.audited() == []


async def test_a_core_that_stands_by_stops_while_it_loads(
    halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A standby that stops during a large load interrupts the load."""
    await halves.leader()
    loading = threading.Event()
    load = state_loader.load

    def slowly(store: Store, core: CoreRow) -> StoredState:
        loading.set()
        while not store.interrupted:
            time.sleep(0.01)
        return load(store, core)

    monkeypatch.setattr(state_loader, "load", slowly)
    second = await halves.seat()
    await until(loading.is_set)
    async with asyncio.timeout(60):
        await second.seat.stop()


async def test_a_core_that_stands_by_outlives_its_database(
    halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A standby whose database fails and returns continues as a standby."""
    first = await halves.leader()
    away: list[int] = []

    def follow(_standby: Standby) -> None:
        away.append(1)
        raise StoreError("the connection was lost")

    with monkeypatch.context() as patch:
        patch.setattr(Standby, "follow", follow)
        second = await halves.seat()
        await until(lambda: len(away) > 1)
    await until(lambda: second.seat.status().batch == first.core.status().batch)
    assert second.seat.standing == "standby"


async def test_a_core_takes_over_after_a_command_of_several_steps(
    halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal names each step; the last numbers of gateways are read from those names."""
    monkeypatch.setattr("predmarket.engine.steps.STEP", 2)
    first = await halves.leader()
    running = await halves.gateway()
    bus = running.services.bus
    await open_market(bus)
    for number in range(3):
        assert isinstance(await bus.submit(limit(1, BUY, 1, 40 + number)), OrderDone)
    await bus.submit(CancelAll(1))
    second = await halves.seat()
    await halves.kill(first)
    await until(lambda: second.seat.standing == "ok")
    assert isinstance(await bus.submit(limit(1, BUY, 1, 41, key="b")), OrderDone)
