"""What falls due: closings, expiries and dead-man switches, in one order for ever.

Invariant: timers fire in the order (due, kind, id). A timer is never removed; one whose market,
order or account has moved on since is passed over when it comes up.
Source: ARCHITECTURE, Recovery ("Time is data").
"""

import heapq
from enum import IntEnum

from predmarket.units import Micros


class TimerKind(IntEnum):
    """What falls due; the number is its rank among timers of the same moment."""

    CLOSE = 0
    EXPIRY = 1
    DEADMAN = 2


class Timers:
    """A heap of (due, kind, id)."""

    __slots__ = ("_heap",)

    def __init__(self) -> None:
        self._heap: list[tuple[Micros, int, int]] = []

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
        """Take the next timer off."""
        heapq.heappop(self._heap)
