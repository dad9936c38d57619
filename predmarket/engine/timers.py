"""What falls due: closings, expiries and dead-man switches, in one order for ever.

Invariants:
- timers fire in the order (due, kind, id);
- one whose market, order or account has moved on since is stale: it is passed over when it comes
  up, and all stale ones are dropped once they are the larger half, so memory follows what is live;
- one that has to wait for a key (waits.py) is set aside until the key is released.

Source: ARCHITECTURE, Recovery ("Time is data").
"""

import heapq
from collections.abc import Callable
from enum import IntEnum
from typing import TypeAlias

from predmarket.units import Micros


class TimerKind(IntEnum):
    """What falls due; the number is its rank among timers of the same moment."""

    CLOSE = 0
    EXPIRY = 1
    DEADMAN = 2


_FEW = 1_000
"""Stale timers that are not worth a search."""

Timer: TypeAlias = tuple[Micros, int, int]


class Timers:
    """A heap of (due, kind, id)."""

    __slots__ = ("_aside", "_heap", "_stale")

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._aside: dict[str, list[Timer]] = {}
        self._stale = 0

    def __len__(self) -> int:
        return len(self._heap)

    def set(self, due: Micros, kind: TimerKind, id: int) -> None:
        """Let ``kind`` of ``id`` fall due."""
        heapq.heappush(self._heap, (due, int(kind), id))

    def first(self) -> tuple[Micros, TimerKind, int] | None:
        """Return the next timer without taking it."""
        if not self._heap:
            return None
        due, kind, id = self._heap[0]
        return due, TimerKind(kind), id

    def drop_first(self) -> None:
        """Take the next timer off, a stale one."""
        heapq.heappop(self._heap)
        self._stale = max(0, self._stale - 1)

    def set_aside_first(self, key: str) -> None:
        """Let the next timer wait until ``key`` is released."""
        self._aside.setdefault(key, []).append(heapq.heappop(self._heap))

    def release(self, key: str) -> None:
        """Put the timers that waited for a key back, each under its own time."""
        for timer in self._aside.pop(key, ()):
            heapq.heappush(self._heap, timer)

    def retire(self, is_live: Callable[[Micros, TimerKind, int], bool]) -> None:
        """Note that a timer has become stale; drop all such when they are the larger half."""
        self._stale += 1
        if self._stale > _FEW and 2 * self._stale > len(self._heap):
            self._heap = [t for t in self._heap if is_live(t[0], TimerKind(t[1]), t[2])]
            heapq.heapify(self._heap)
            self._stale = 0
