"""Long work in turns: the event loop serves other tasks after every piece of it.

What connections have to read is shared work: however many of them have some, all together take
little more than PASS_SECONDS between two looks of the event loop at everything else.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar
from weakref import WeakKeyDictionary

ITEMS_A_TURN = 100
"""Items that are handled at a time: one or two milliseconds' work."""
TURN_SECONDS = 0.002
"""How long one connection's turn lasts."""
PASS_SECONDS = 0.005
"""How long the turns of all connections last before the event loop looks at everything else."""

T = TypeVar("T")
U = TypeVar("U")


async def in_turns(items: Sequence[T], step: Callable[[T], U]) -> list[U]:
    """Return what a step makes of each item, in their order."""
    found: list[U] = []
    for start in range(0, len(items), ITEMS_A_TURN):
        if start:
            await asyncio.sleep(0)
        found += [step(item) for item in items[start : start + ITEMS_A_TURN]]
    return found


async def each_in_turns(items: Iterable[T], step: Callable[[T], object]) -> None:
    """Take a step for each item, in their order."""
    for count, item in enumerate(items, 1):
        step(item)
        if count % ITEMS_A_TURN == 0:
            await asyncio.sleep(0)


class Turn:
    """A connection's place in the queue."""

    __slots__ = ("act",)

    def __init__(self, act: Callable[[], None]) -> None:
        self.act: Callable[[], None] | None = act

    def cancel(self) -> None:
        """Give it up."""
        self.act = None


class SharedTurns:
    """The queue of all connections of one event loop that have more to read."""

    def __init__(self) -> None:
        # It does not hold the loop, which may go when it is closed.
        self._waiting: deque[Turn] = deque()
        self._spent = 0.0
        self._scheduled = False

    @property
    def crowded(self) -> bool:
        """Tell whether a connection that has something new to read should wait for its turn."""
        return bool(self._waiting) or self._spent >= PASS_SECONDS

    def spent(self, seconds: float) -> None:
        """Count what a connection took without waiting."""
        self._spent += seconds
        self._schedule()

    def soon(self, act: Callable[[], None]) -> Turn:
        """Take a turn behind those that wait already."""
        turn = Turn(act)
        self._waiting.append(turn)
        self._schedule()
        return turn

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._pass)

    def _pass(self) -> None:
        self._scheduled = False
        self._spent = 0.0
        began = time.monotonic()
        for _ in range(len(self._waiting)):
            self._act(self._waiting.popleft())
            self._spent = time.monotonic() - began
            if self._spent >= PASS_SECONDS:
                break
        if self._waiting or self._spent:
            self._schedule()

    def _act(self, turn: Turn) -> None:
        if turn.act is None:
            return
        try:
            turn.act()
        except Exception as error:  # noqa: BLE001 -- one connection's, as asyncio has it
            told = {"message": "a connection's turn failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(told)


_SHARED: WeakKeyDictionary[asyncio.AbstractEventLoop, SharedTurns] = WeakKeyDictionary()


def shared_turns(loop: asyncio.AbstractEventLoop) -> SharedTurns:
    """Return the queue of an event loop."""
    found = _SHARED.get(loop)
    if found is None:
        found = _SHARED[loop] = SharedTurns()
    return found
