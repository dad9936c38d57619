"""The queue of connections that have more to read."""

import asyncio
import gc
import time
import weakref
from itertools import pairwise

import pytest

from predmarket.server import turns
from predmarket.server.turns import SharedTurns, shared_turns


def busy(seconds: float) -> None:
    """Use the processor for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


async def test_many_connections_leave_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pass of the loop does a bounded part of what all have to read, in their order."""
    monkeypatch.setattr(turns, "PASS_SECONDS", 0.005)
    shared = SharedTurns()
    done: list[int] = []
    seen = [0]

    def turn(number: int) -> None:
        busy(0.002)
        done.append(number)

    def other() -> None:
        seen.append(len(done))
        if len(done) < 60:
            asyncio.get_running_loop().call_soon(other)

    for number in range(60):
        shared.soon(lambda number=number: turn(number))  # type: ignore[misc]
    other()
    async with asyncio.timeout(60):
        while len(done) < 60:
            await asyncio.sleep(0)
    assert done == [*range(60)]
    assert max(after - before for before, after in pairwise(seen)) <= 3


async def test_what_came_new_waits_once_a_pass_is_used_up() -> None:
    """And no longer than that."""
    shared = shared_turns(asyncio.get_running_loop())
    assert shared is shared_turns(asyncio.get_running_loop())
    crowded = [shared.crowded]
    shared.spent(turns.PASS_SECONDS)
    crowded.append(shared.crowded)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    crowded.append(shared.crowded)
    assert crowded == [False, True, False]


async def test_a_turn_given_up_or_failed_stops_no_other() -> None:
    """A failure is told to the loop."""
    loop = asyncio.get_running_loop()
    shared, done, told = SharedTurns(), [], []
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))

    def fail() -> None:
        raise KeyError

    shared.soon(fail)
    shared.soon(lambda: done.append("given up")).cancel()
    shared.soon(lambda: done.append("done"))
    async with asyncio.timeout(60):
        while not done:
            await asyncio.sleep(0)
    assert done == ["done"]
    assert isinstance(told[0], KeyError)


def test_a_loop_that_is_over_is_not_kept() -> None:
    """Nor is what waits in it."""
    loop = asyncio.new_event_loop()
    gone = weakref.ref(loop)

    async def wait() -> None:
        shared_turns(asyncio.get_running_loop()).soon(lambda: None)

    loop.run_until_complete(wait())
    loop.close()
    del loop, wait
    gc.collect()
    assert gone() is None
