"""Fair shares of the event loop."""

import asyncio
import gc
import weakref
from itertools import pairwise

import pytest

from predmarket.server.gateway import fair_turns as module
from predmarket.server.gateway.fair_turns import FairTurns, Share, fair_turns


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Return the time in seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replace the module's clock."""
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


async def next_round(clock: Clock) -> None:
    """Let the event loop run one round, with time for others."""
    clock.now += 0.0002
    await asyncio.sleep(0)


async def test_many_connections_leave_room_for_others(clock: Clock) -> None:
    """Each pass of the loop does a bounded part of the reads of all connections, in order."""
    shared = FairTurns()
    share = shared.share("a")
    done: list[int] = []
    seen = [0]

    def turn(number: int) -> None:
        clock.now += 0.002
        done.append(number)

    def other() -> None:
        seen.append(len(done))
        if len(done) < 60:
            asyncio.get_running_loop().call_soon(other)

    for number in range(60):
        shared.soon(share, lambda number=number: turn(number))  # type: ignore[misc]
    other()
    async with asyncio.timeout(60):
        while len(done) < 60:
            await next_round(clock)
    assert done == [*range(60)]
    assert max(after - before for before, after in pairwise(seen)) <= 3


async def test_new_connections_wait_for_the_next_pass(clock: Clock) -> None:
    """A new connection waits while the pass is used up, and no longer."""
    shared = fair_turns(asyncio.get_running_loop())
    assert shared is fair_turns(asyncio.get_running_loop())
    crowded = [shared.crowded]
    shared.spent(shared.share("a"), module.PASS_SECONDS)
    crowded.append(shared.crowded)
    async with asyncio.timeout(60):
        while shared.crowded:
            await next_round(clock)
    assert crowded == [False, True]


async def test_modest_connections_come_next(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A modest connection comes next beside many of one address or one that reads much."""
    monkeypatch.setattr(module, "PASS_SECONDS", 0.0)  # one turn per pass
    shared = FairTurns()
    order: list[str] = []

    def turn(name: str) -> None:
        clock.now += 0.0005
        order.append(name)

    def soon(name: str, share: Share) -> None:
        shared.soon(share, lambda: turn(name))

    def talk() -> None:
        turn("talker")
        shared.soon(talker, talk)

    greedy = [shared.share("greedy") for _ in range(50)]
    talker, quiet = shared.share("site"), shared.share("site")
    for _ in range(2):
        for share in greedy:
            soon("greedy", share)
    shared.soon(talker, talk)
    async with asyncio.timeout(60):
        while len(order) < 20:
            await next_round(clock)
        soon("quiet", quiet)
        soon("late", shared.share("late"))
        while len(order) < 30:
            await next_round(clock)
    assert order[:20].count("talker") >= 5, order
    assert {"quiet", "late"} <= {*order[20:26]}, order


async def test_idling_saves_nothing_up(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle address gains no priority over one that worked meanwhile."""
    monkeypatch.setattr(module, "PASS_SECONDS", 0.0)
    shared = FairTurns()
    idle, worker = shared.share("idle"), shared.share("worker")
    for _ in range(100):
        shared.spent(worker, 0.001)
    order: list[str] = []

    def turn(name: str) -> None:
        clock.now += 0.0005
        order.append(name)

    for _ in range(10):
        shared.soon(idle, lambda: turn("idle"))
        shared.soon(worker, lambda: turn("worker"))
    async with asyncio.timeout(60):
        while len(order) < 20:
            await next_round(clock)
    assert order[:8].count("worker") >= 2


async def test_the_steps_of_a_task_count(clock: Clock) -> None:
    """The steps of a metered task count, and it receives timeouts as without metering."""
    shared = FairTurns()
    share = shared.share("a")

    async def work() -> None:
        clock.now += module.PASS_SECONDS
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.sleep(60)
        clock.now += module.PASS_SECONDS

    before = share.tag
    await shared.metered(share, work())
    assert shared.crowded
    assert share.tag - before >= 2 * module.PASS_SECONDS

    async def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await shared.metered(share, fail())


async def test_a_cancelled_or_failed_turn_stops_no_other() -> None:
    """A cancelled or failed turn stops no other; the loop's handler gets the failure."""
    loop = asyncio.get_running_loop()
    shared, done, told = FairTurns(), [], []
    share = shared.share("a")
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))

    def fail() -> None:
        raise KeyError

    shared.soon(share, fail)
    shared.soon(share, lambda: done.append("given up")).cancel()
    shared.soon(share, lambda: done.append("done"))
    async with asyncio.timeout(60):
        while not done:
            await asyncio.sleep(0)
    assert done == ["done"]
    assert isinstance(told[0], KeyError)


def test_a_closed_loop_is_freed() -> None:
    """A closed loop and its waiting turns are freed."""
    loop = asyncio.new_event_loop()
    gone = weakref.ref(loop)

    async def wait() -> None:
        shared = fair_turns(asyncio.get_running_loop())
        shared.soon(shared.share("a"), lambda: None)

    loop.run_until_complete(wait())
    loop.close()
    del loop, wait
    gc.collect()
    assert gone() is None
