"""The lane: sends the screen's orders one after the other, in the order of the keys.

Two simultaneous requests use two connections, and the later one may arrive first. So the next order
is sent when the exchange has answered the one before.

Promises: cancels wait for nothing; orders after a cancel wait for its answer; at most ``MOST``
orders wait; dropped orders are reported at once.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MOST = 100
"""Maximum waiting orders."""


class LaneFullError(Exception):
    """Too many orders wait."""


class Lane:
    """Gives turns in the order of the requests."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._going = 0

    @property
    def busy(self) -> bool:
        """Tell whether anything is under way or waits."""
        return bool(self._going or self._waiting)

    @asynccontextmanager
    async def turn(self, *, at_once: bool = False) -> AsyncIterator[bool]:
        """Wait for a turn, which lasts as long as the block; False: dropped, nothing may be sent.

        With ``at_once`` the turn is now, whatever is under way. Raises LaneFullError.
        """
        if at_once or not self.busy:
            self._going += 1
            mine = True
        else:
            mine = await self._wait()
        try:
            yield mine
        finally:
            if mine:
                self._leave()

    def drop(self) -> None:
        """Drop everything that waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(False)

    async def _wait(self) -> bool:
        if len(self._waiting) >= MOST:
            raise LaneFullError
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif not turn.cancelled() and turn.result():  # its turn came in the same moment
                self._leave()
            raise

    def _leave(self) -> None:
        self._going -= 1
        while self._waiting and not self._going:
            turn = self._waiting.popleft()
            if not turn.done():
                self._going += 1
                turn.set_result(True)
