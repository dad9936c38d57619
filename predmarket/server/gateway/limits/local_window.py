"""A sliding window in this process: how many permits each key took in the last seconds.

Invariants:
- no key takes more than the limit in any window of its length;
- a permit comes back at most a twentieth of the window (a grain) late: permits taken within one
  grain are one number, which expires with the youngest of them;
- a refusal takes nothing;
- at most MAX_KEYS keys are remembered. Beyond that the key with the oldest use is forgotten, so a
  flood of addresses cannot fill the memory.
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
    """One key's permits: the total, and by grain with the time of its youngest permit."""

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

        A cost above the limit counts as the whole limit.
        """
        now = self._clock()
        window = self._windows.get(key)
        if window is not None and now < window.closes and window.total + cost <= self._times:
            window.total += cost
            window.open += cost
            window.youngest = now
            return 0.0
        return self._take_anew(key, min(cost, self._times), now)

    def wait(self, key: K) -> float:
        """Return the seconds until one permit could be taken, 0 if it could be now."""
        now, window = self._clock(), self._windows.get(key)
        if window is None or window.total < self._times:
            return 0.0
        return max(self._wait(window, 1, now), 0.0)

    def _take_anew(self, key: K, cost: int, now: float) -> float:
        """Take permits after dropping expired grains and beginning a new one."""
        # Moved to the end: the dict is in the order of last use.
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
        """Forget some keys with expired windows, and the oldest one when there is no room."""
        for _ in range(_SWEPT):
            oldest = next(iter(self._windows), None)
            if oldest is None:
                return
            over = self._windows[oldest].youngest + self._span <= now
            if not over and len(self._windows) < MAX_KEYS:
                return
            del self._windows[oldest]
