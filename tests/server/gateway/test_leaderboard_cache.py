"""Boards are computed one at a time, for all who wait, and at most a fifth of the time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from predmarket.server.core.bus import Overloaded
from predmarket.server.gateway import leaderboard_cache as module
from predmarket.server.gateway.leaderboard_cache import LeaderboardCache
from predmarket.server.read_model.queries.gains import Start
from predmarket.server.read_model.queries.standings import Board, Standing
from predmarket.server.storage.database import Database

STARTS = [Start(season, 0) for season in range(module.MAX_FLIGHTS + 1)]


class Slow:
    """A database whose boards take ``cost_s`` each, with a count of the computations."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.cost_s = 0.01
        self.computed = 0
        self.running = 0
        self.fails = False
        self.hangs: asyncio.Event | None = None
        monkeypatch.setattr(module, "board_now", self._board)
        monkeypatch.setattr(module, "board_at_end", self._board)
        self.cache = LeaderboardCache(cast("Database", self), lambda: self.now, self.sleep)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[None]:
        """Yield nothing instead of a connection."""
        yield None

    async def sleep(self, seconds: float) -> None:
        """Advance the time."""
        await asyncio.sleep(0)
        self.now += seconds

    async def _board(self, *_: object) -> Board:
        self.running += 1
        assert self.running == 1, "two at once"
        await asyncio.sleep(0)
        if self.hangs is not None:
            await self.hangs.wait()
        self.now += self.cost_s
        self.running -= 1
        if self.fails:
            raise ConnectionError("gone")
        self.computed += 1
        return Board([Standing(1, "ann", self.computed, 0, 0)], 1)


def profit(board: Board) -> int:
    """Return the number of the computation that made a board."""
    return board.standings[0].profit


async def test_concurrent_requests_share_a_board(monkeypatch: pytest.MonkeyPatch) -> None:
    """Concurrent requests share a board; a later request gets a later one."""
    slow = Slow(monkeypatch)
    boards = await asyncio.gather(*[slow.cache.of(None, False, 0) for _ in range(30)])
    assert {profit(one) for one in boards} == {1}
    boards = await asyncio.gather(
        *[slow.cache.of(start, False, 0) for start in (None, *STARTS[:2])]
    )
    assert sorted(map(profit, boards)) == [2, 3, 4]


async def test_a_long_rest_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """During a long pause the previous board is returned; afterwards a new one is computed."""
    slow = Slow(monkeypatch)
    slow.cost_s = 1.0
    assert profit(await slow.cache.of(None, False, 0)) == 1
    assert profit(await slow.cache.of(None, False, 0)) == 1
    slow.now += 4.0
    assert profit(await slow.cache.of(None, False, 0)) == 2


async def test_it_rests_four_times_as_long_as_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause is four times the computation's duration, for any number of requests and boards."""
    slow = Slow(monkeypatch)
    begun = slow.now
    for _ in range(5):
        await asyncio.gather(*[slow.cache.of(start, False, 0) for start in STARTS[:4]])
    assert slow.computed == 20
    assert slow.now - begun >= 19 * 5 * slow.cost_s


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that waits too long gets the previous board or is refused."""
    slow = Slow(monkeypatch)
    assert profit(await slow.cache.of(None, False, 0)) == 1
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    slow.hangs = asyncio.Event()
    assert profit(await slow.cache.of(None, False, 0)) == 1
    with pytest.raises(Overloaded):
        await slow.cache.of(STARTS[0], False, 0)
    slow.hangs.set()


async def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many different boards at once are refused.

    A failure is reported, and the next computation works.
    """
    slow = Slow(monkeypatch)
    many = [slow.cache.of(start, False, 0) for start in STARTS]
    found = await asyncio.gather(*many, return_exceptions=True)
    assert [type(one) for one in found if not isinstance(one, Board)] == [Overloaded]
    slow.fails = True
    with pytest.raises(ConnectionError):
        await slow.cache.of(None, False, 0)
    slow.fails = False
    assert profit(await slow.cache.of(None, False, 0)) == module.MAX_FLIGHTS + 1
