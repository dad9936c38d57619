"""Timers: closings, expiries, dead-man switches and proposed resolutions, in one fixed order.

Invariants:
- timers fire in the order (due, kind, id);
- a timer is stale when its market, order or account has moved on; a stale timer does nothing. While
  more than half of the timers are stale, each retirement examines a few timers and drops the stale
  ones, so memory follows the number of live timers;
- no call examines more than EXAMINED timers, however many there are, and Exchange.pass_over no
  more than PASSED of those that are due;
- a timer that has to wait for a key (waits.py) is set aside until the key is released. A release
  moves all that waited as one heap, however many they are.

Source: docs/adr/0016-time-is-the-databases.md.
"""

import heapq
from collections.abc import Callable, Iterator
from enum import IntEnum
from itertools import chain
from typing import TypeAlias

from predmarket.units import Micros


class TimerKind(IntEnum):
    """The kinds of timers; the number is the rank among timers of the same moment."""

    CLOSE = 0
    EXPIRY = 1
    DEADMAN = 2
    RESOLUTION = 3
    EVENT_RESOLUTION = 4


EXAMINED = 4
"""Timers that one call examines. Two would suffice: half of all timers are stale by then."""

PASSED = 1_000
"""Due timers that are passed over or set aside at once; the event loop has its turn in between."""

FEW = 1_000
"""Fewer stale timers than this are not searched for."""

Timer: TypeAlias = tuple[Micros, int, int]


class Timers:
    """Heaps of (due, kind, id): the timers to examine, the released ones, and the others."""

    __slots__ = ("_aside", "_heap", "_released", "_stale", "_unexamined")

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._unexamined: list[Timer] = []
        self._aside: dict[str, list[Timer]] = {}
        self._released: list[list[Timer]] = []
        self._stale = 0

    def __len__(self) -> int:
        return sum(map(len, self._heaps()))

    def __iter__(self) -> Iterator[Timer]:
        """Yield the timers that are not set aside, in no order."""
        return chain.from_iterable(self._heaps())

    def set(self, due: Micros, kind: TimerKind, id: int) -> None:
        """Set a timer of ``kind`` for the object ``id``."""
        heapq.heappush(self._heap, (due, int(kind), id))

    def first(self) -> tuple[Micros, TimerKind, int] | None:
        """Return the next timer without taking it."""
        heap = self._heap_of_first()
        if not heap:
            return None
        due, kind, id = heap[0]
        return due, TimerKind(kind), id

    def drop_first(self) -> None:
        """Drop the next timer, which is stale."""
        heapq.heappop(self._heap_of_first())
        self._drop_stale()

    def set_aside_first(self, key: str) -> None:
        """Set the next timer aside until ``key`` is released."""
        timer = heapq.heappop(self._heap_of_first())
        heapq.heappush(self._aside.setdefault(key, []), timer)

    def release(self, key: str) -> None:
        """Put the timers that waited for a key back, each with its own time."""
        waited = self._aside.pop(key, None)
        if waited:
            self._released = [heap for heap in self._released if heap]
            self._released.append(waited)

    def retire(self, is_live: Callable[[Micros, TimerKind, int], bool]) -> None:
        """Note that a timer became stale; examine a few if more than half of them are."""
        self._stale += 1
        if not self._unexamined and self._stale > FEW and 2 * self._stale > len(self._heap):
            self._heap, self._unexamined = [], self._heap
        unexamined = self._unexamined
        for _ in range(min(EXAMINED, len(unexamined))):
            timer = unexamined.pop()  # a heap without its last entry is a heap
            if is_live(timer[0], TimerKind(timer[1]), timer[2]):
                heapq.heappush(self._heap, timer)
            else:
                self._drop_stale()

    def _heaps(self) -> Iterator[list[Timer]]:
        yield self._heap
        yield self._unexamined
        yield from self._released

    def _heap_of_first(self) -> list[Timer]:
        heap, unexamined = self._heap, self._unexamined
        first = unexamined if unexamined and (not heap or unexamined[0] < heap[0]) else heap
        for released in self._released:
            if released and (not first or released[0] < first[0]):
                first = released
        return first

    def _drop_stale(self) -> None:
        self._stale = max(0, self._stale - 1)
