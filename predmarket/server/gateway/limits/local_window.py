"""Counting in this process: how many permits each key took in the last seconds.

Invariants:
- never more than the limit in any window of its length, wherever the window begins;
- a permit comes back at most a twentieth of the window (its grain) after its time: those taken
  within one grain are kept as one number, which goes when the youngest of them does;
- a refusal takes nothing;
- at most MAX_KEYS keys are remembered. Beyond, the key that was quiet for longest is forgotten: a
  flood of addresses frees old ones, it cannot fill the memory.
"""

import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from predmarket.server.setting_types import RateLimit

GRAINS = 20
MAX_KEYS = 20_000
_SWEPT = 2

K = TypeVar("K", bound=Hashable)


class _Window:
    """What one key took: in all, and by grain with the time of each grain's youngest."""

    __slots__ = ("closes", "grains", "open", "total", "youngest")

    def __init__(self) -> None:
        self.total = 0
        self.open = 0
        self.youngest = 0.0
        self.closes = 0.0
        self.grains: deque[tuple[float, int]] = deque()


class LocalWindow(Generic[K]):
    """The windows of all keys under one limit."""

    def __init__(self, limit: RateLimit, clock: Callable[[], float] = time.monotonic) -> None:
        self._times = limit.times
        self._span = float(limit.seconds)
        self._grain = self._span / GRAINS
        self._clock = clock
        self._windows: dict[K, _Window] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, key: K, cost: int = 1) -> float:
        """Take permits, all or none; return 0, or the seconds until there will be enough.

        What costs more than the limit costs the whole limit.
        """
        now = self._clock()
        window = self._windows.get(key)
        if window is not None and now < window.closes and window.total + cost <= self._times:
            window.total += cost
            window.open += cost
            window.youngest = now
            return 0.0
        return self._take_anew(key, min(cost, self._times), now)

    def _take_anew(self, key: K, cost: int, now: float) -> float:
        """Take permits after dropping what is over and beginning another grain."""
        # Taken out and put back at the end: the dict is in the order of last use.
        window = self._windows.pop(key, None) or _Window()
        self._make_room(now)
        self._windows[key] = window
        if window.open and now >= window.closes:
            window.grains.append((window.youngest, window.open))
            window.open = 0
        while window.grains and window.grains[0][0] + self._span <= now:
            window.total -= window.grains.popleft()[1]
        if window.total + cost > self._times:
            return self._wait(window, cost, now)
        if not window.open:
            window.closes = now + self._grain
        window.total += cost
        window.open += cost
        window.youngest = now
        return 0.0

    def _wait(self, window: _Window, cost: int, now: float) -> float:
        missing = window.total + cost - self._times
        for youngest, count in window.grains:
            missing -= count
            if missing <= 0:
                return youngest + self._span - now
        return window.youngest + self._span - now

    def _make_room(self, now: float) -> None:
        """Forget some of the keys whose window is over, and one more when there is no room."""
        for _ in range(_SWEPT):
            oldest = next(iter(self._windows), None)
            if oldest is None:
                return
            over = self._windows[oldest].youngest + self._span <= now
            if not over and len(self._windows) < MAX_KEYS:
                return
            del self._windows[oldest]
