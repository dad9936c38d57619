"""Boards of standings, each computed once for all who ask at the same time.

A board reads all accounts and positions, so it costs the more the larger the exchange is.

Promises:
- one board is computed at a time, on one connection, and computing takes at most a fifth of the
  time: after each board comes a rest four times as long;
- a request gets a board that was read after it arrived, if that waits at most PATIENCE_SECONDS for
  the rest; behind a longer rest, it gets the board before;
- identical requests share one computation;
- beyond MAX_FLIGHTS different requests, or WAIT_SECONDS without a board, it raises Overloaded;
- memory is bounded by REMEMBERED boards.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from predmarket.server.core.bus import Overloaded
from predmarket.server.gateway.loop_turns import mark_as_seen
from predmarket.server.read_model.queries.gains import Start
from predmarket.server.read_model.queries.standings import Board, board_at_end, board_now
from predmarket.server.storage.database import Database

REMEMBERED = 256
MAX_FLIGHTS = 64
PATIENCE_SECONDS = 1.0
WAIT_SECONDS = 8.0
_RESTS = 4

Key: TypeAlias = tuple[Start | None, bool, int]
"""A season's start, whether it has ended, and a group's id."""


class LeaderboardCache:
    """Reads boards from the database."""

    def __init__(
        self,
        db: Database,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._db = db
        self._clock = clock
        self._sleep = sleep
        self._known: OrderedDict[Key, Board] = OrderedDict()
        self._queued: dict[Key, asyncio.Task[Board]] = {}
        self._turn = asyncio.Lock()
        self._rests_until = 0.0

    async def of(self, start: Start | None, ended: bool, group_id: int) -> Board:
        """Return the board of a season, None: since each account's beginning, for a group's members
        or for EVERYBODY. Raises Overloaded.
        """
        key = start, ended, group_id
        known = self._known.get(key)
        if known is not None and self._rests_until - self._clock() > PATIENCE_SECONDS:
            return known
        flight = self._queued.get(key)
        if flight is None:
            if len(self._queued) >= MAX_FLIGHTS:
                raise Overloaded("too many boards are asked for")
            flight = self._queued[key] = asyncio.create_task(self._fly(key))
            flight.add_done_callback(mark_as_seen)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await asyncio.shield(flight)
        except TimeoutError:
            if known is None:
                raise Overloaded("too many boards are being computed") from None
            return known

    async def _fly(self, key: Key) -> Board:
        """Compute a board in its turn. From its beginning on, later requests ask for the next."""
        start, ended, group_id = key
        async with self._turn:
            try:
                await self._sleep(max(0.0, self._rests_until - self._clock()))
            finally:
                del self._queued[key]
            begun = self._clock()
            try:
                async with self._db.read() as connection:
                    if ended and start is not None:
                        board = await board_at_end(connection, start.season_id, group_id)
                    else:
                        board = await board_now(connection, start, group_id)
            finally:
                now = self._clock()
                self._rests_until = now + _RESTS * (now - begun)
        self._known[key] = board
        self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return board
