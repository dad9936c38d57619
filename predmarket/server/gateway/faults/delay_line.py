"""Hands pieces of one socket's bytes on later, in their order.

Bounds: it holds MAX_BYTES; beyond them the oldest pieces go on at once. ``is_full`` from
FULL_BYTES on tells a writer to stop before that.
"""

import asyncio
from collections import deque
from collections.abc import Callable

FULL_BYTES = 64 * 1024
MAX_BYTES = 1024 * 1024


class DelayLine:
    """The pieces on their way. ``changed`` is called when it becomes full, or is full no more."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        hand_on: Callable[[bytes], None],
        changed: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._hand_on = hand_on
        self._changed = changed
        self._pieces: deque[tuple[float, bytes]] = deque()
        self._size = 0
        self._last_due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.is_full = False

    def put(self, piece: bytes, delay_s: float, rate: int | None = None) -> None:
        """Hand a piece on after ``delay_s``, and after it has passed at ``rate`` bytes a second."""
        now = self._loop.time()
        due = max(self._last_due, now + delay_s)
        if rate is not None:
            due += len(piece) / rate
        if not self._pieces and due <= now:
            self._hand_on(piece)
            return
        self._last_due = due
        self._pieces.append((due, piece))
        self._size += len(piece)
        while self._size > MAX_BYTES and len(self._pieces) > 1:
            self._next()
        self._look()

    def release(self) -> None:
        """Hand everything on now."""
        while self._pieces:
            self._next()
        self._last_due = 0.0
        self._look()

    def drop(self) -> None:
        """Forget everything: nobody gets it."""
        self._pieces.clear()
        self._size, self._last_due = 0, 0.0
        self._look()

    def _next(self) -> None:
        _, piece = self._pieces.popleft()
        self._size -= len(piece)
        self._hand_on(piece)

    def _due(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._pieces and self._pieces[0][0] <= now:
            self._next()
        self._look()

    def _look(self) -> None:
        """Set the timer for the next piece, and tell whether there is room."""
        if not self._pieces:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        elif self._timer is None:
            self._timer = self._loop.call_at(self._pieces[0][0], self._due)
        full = self._size >= FULL_BYTES
        if full != self.is_full:
            self.is_full = full
            self._changed()
