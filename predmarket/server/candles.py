"""Candles over any number of trades, kept where they cannot change any more.

Trades are numbered in the order of their time, and what is committed never changes. So the trades
below an id, once there, can be read piece by piece and at different moments without ever showing
two states; and what one whole piece comes to is remembered.

Promises:
- one statement reads at most a block of trades, whatever the range;
- of the blocks that nobody has asked for yet, one at a time is read: however many ask for long
  ranges at once, they keep one connection, and everybody else the others;
- memory is bounded by REMEMBERED.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable

from predmarket.server.queries.candles import CandleRecord, candles_of, first_trade_since
from predmarket.server.storage.database import Database
from predmarket.units import Micros

BLOCK = 250_000
"""Trades of all markets that a block spans: a fraction of a second's work."""
REMEMBERED = 100_000
"""Candles kept in memory, in blocks; the ones not asked for longest go first. Some 30 MB."""

_Key = tuple[int, Micros, int]
"""Market id, width, number of the block."""


class Candles:
    """Reads candles from the database, whole blocks of trades only once."""

    def __init__(self, db: Database, block: int = BLOCK, remembered: int = REMEMBERED) -> None:
        self._db = db
        self._block = block
        self._room = remembered
        self._known: OrderedDict[_Key, list[CandleRecord]] = OrderedDict()
        self._filling = asyncio.Lock()

    async def of(
        self, market_id: int, width: Micros, begin: Micros, end: Micros
    ) -> list[CandleRecord]:
        """Return a market's candles with begin <= start < end, both multiples of the width."""
        async with self._db.read() as connection:
            first = await first_trade_since(connection, market_id, begin)
            stop = await first_trade_since(connection, market_id, end)
        pieces: list[CandleRecord] = []
        while first < stop:
            number = first // self._block
            following = (number + 1) * self._block
            if first % self._block == 0 and following <= stop:
                pieces += await self._whole(market_id, width, number)
            else:
                pieces += await self._read(market_id, width, first, min(following, stop))
            first = following
        return joined(pieces)

    async def _whole(self, market_id: int, width: Micros, number: int) -> list[CandleRecord]:
        key = market_id, width, number
        if key not in self._known:
            async with self._filling:
                if key not in self._known:  # another request may have read it meanwhile
                    first = number * self._block
                    found = await self._read(market_id, width, first, first + self._block)
                    self._remember(key, found)
                    return found
        self._known.move_to_end(key)
        return self._known[key]

    def _remember(self, key: _Key, found: list[CandleRecord]) -> None:
        self._known[key] = found
        self._room -= _size(found)
        while self._room < 0:
            self._room += _size(self._known.popitem(last=False)[1])

    async def _read(
        self, market_id: int, width: Micros, first: int, stop: int
    ) -> list[CandleRecord]:
        async with self._db.read() as connection:
            return await candles_of(connection, market_id, width, first, stop)


def _size(found: list[CandleRecord]) -> int:
    return len(found) + 1  # a block without a trade of the market takes room as well


def joined(pieces: Iterable[CandleRecord]) -> list[CandleRecord]:
    """Return candles of which each interval has one, of pieces in the order of their trades."""
    candles: list[CandleRecord] = []
    for piece in pieces:
        if candles and candles[-1].start == piece.start:
            candles[-1] = _together(candles[-1], piece)
        else:
            candles.append(piece)
    return candles


def _together(earlier: CandleRecord, later: CandleRecord) -> CandleRecord:
    return CandleRecord(
        start=earlier.start,
        open=earlier.open,
        high=max(earlier.high, later.high),
        low=min(earlier.low, later.low),
        close=later.close,
        volume=earlier.volume + later.volume,
        trades=earlier.trades + later.trades,
    )
