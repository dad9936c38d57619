"""A fair queue for slow work: round robin over the waiting sources.

Invariants:
- at most ``at_once`` have a turn; at most ``waiting`` wait, of one source at most ``each``;
- a source's next turn comes before any other source's second one;
- when all places are taken, a source displaces the youngest entry of the longest line, if its own
  line is at least two shorter. So many tries from few sources cannot keep others out.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class TooManyWaiting(Exception):
    """The queue is full, or another source had more right to the place."""


class FairQueue:
    """Gives turns to sources, in round robin."""

    def __init__(self, at_once: int, waiting: int, each: int) -> None:
        self._free = self._at_once = at_once
        self._most = waiting
        self._each = each
        self._waiting = 0
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}
        """The waiting lines by source, in the order of their turns."""

    @property
    def waiting(self) -> int:
        """Return the number of waiting entries."""
        return self._waiting

    @property
    def idle(self) -> bool:
        """Tell whether nobody has a turn or waits for one."""
        return self._free == self._at_once

    @asynccontextmanager
    async def turn(self, source: str) -> AsyncIterator[None]:
        """Wait for a turn, and hold it for the block. Raises TooManyWaiting."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(source)
        try:
            yield
        finally:
            self._free += 1
            self._pass_on()

    async def _wait(self, source: str) -> None:
        line = self._lines.get(source)
        length = 0 if line is None else len(line)
        if length >= self._each or (self._waiting >= self._most and not self._make_room(length)):
            raise TooManyWaiting
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(source, deque()).append(mine)
        self._waiting += 1
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled() and mine.exception() is None:
                self._free += 1  # it had just received the turn
                self._pass_on()
            else:
                self._leave(source, mine)
            raise

    def _pass_on(self) -> None:
        """Give a free turn to the next source's first entry; move that source to the end."""
        while self._free and self._lines:
            source = next(iter(self._lines))
            line = self._lines.pop(source)
            first = line.popleft()
            self._waiting -= 1
            if line:
                self._lines[source] = line
            if not first.done():  # else it was cancelled
                self._free -= 1
                first.set_result(None)

    def _make_room(self, length: int) -> bool:
        """Refuse the youngest entry of the longest line; False if that is not longer by two.

        ``length`` is the length of the line of the source that needs room.
        """
        source = max(self._lines, key=lambda one: len(self._lines[one]))
        if len(self._lines[source]) < length + 2:
            return False
        youngest = self._lines[source][-1]
        self._leave(source, youngest)
        if not youngest.done():
            youngest.set_exception(TooManyWaiting())
        return True

    def _leave(self, source: str, one: asyncio.Future[None]) -> None:
        line = self._lines.get(source)
        if line is not None and one in line:
            line.remove(one)
            self._waiting -= 1
            if not line:
                del self._lines[source]
