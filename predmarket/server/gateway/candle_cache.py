"""Candles over any number of trades; the candles of committed trades are cached.

A market's trades are numbered in the order of their time, and committed trades never change. So
reading the trades below an id piece by piece, at different moments, still shows one state. Their
candles are cached; of a growing block only the new trades are read.

Promises:
- one statement reads at most a block of trades, for any range, and one statement runs at a time. So
  all requests for candles together use one connection. They take turns block by block;
- identical requests share one read that begins after they arrived;
- beyond MAX_FLIGHTS different requests, or WAIT_SECONDS for a turn, it raises Overloaded;
- memory is bounded by REMEMBERED.
"""

import asyncio
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from predmarket.server.core.bus import Overloaded
from predmarket.server.gateway.loop_turns import mark_as_seen, one_at_a_time
from predmarket.server.read_model.queries.candles import CandleRecord, candles_of
from predmarket.server.read_model.queries.spans import Numbered, first_since
from predmarket.server.storage.database import Database
from predmarket.units import Micros

BLOCK = 10_000
"""Trades of all markets that a block spans: about a hundredth of a second's work."""
REMEMBERED = 100_000
"""Candles kept in memory, in blocks; the ones not asked for longest go first. Some 30 MB."""
MAX_FLIGHTS = 64
WAIT_SECONDS = 3.0

_Key = tuple[int, Micros, int]
"""Market id, width, number of the block."""
_Range = tuple[int, Micros, Micros, Micros]
"""Market id, width, begin, end."""


class _Block(NamedTuple):
    """Candles of a block's trades below the id ``upto``."""

    upto: int
    candles: list[CandleRecord]


class CandleCache:
    """Reads candles from the database, each trade of a cached block only once."""

    def __init__(self, db: Database, block: int = BLOCK, remembered: int = REMEMBERED) -> None:
        self._db = db
        self._block = block
        self._room = remembered
        self.blocks: OrderedDict[_Key, _Block] = OrderedDict()
        """The cached blocks; the ones not asked for longest come first."""
        self._turn = asyncio.Lock()
        self.reading: dict[_Range, asyncio.Task[list[CandleRecord]]] = {}
        """The requests that are being answered."""
        self.queued: dict[_Range, asyncio.Task[list[CandleRecord]]] = {}
        """The requests that are to be answered next."""

    async def of(
        self, market_id: int, width: Micros, begin: Micros, end: Micros
    ) -> list[CandleRecord]:
        """Return a market's candles with begin <= start < end, both multiples of the width.

        Raises Overloaded.
        """
        asked = market_id, width, begin, end
        flight = self.queued.get(asked)
        if flight is None:
            if len(self.reading) + len(self.queued) >= MAX_FLIGHTS:
                raise Overloaded("too many candles are asked for")
            flight = asyncio.create_task(self._fly(asked))
            self.queued[asked] = flight
            flight.add_done_callback(mark_as_seen)
        return await asyncio.shield(flight)

    async def _fly(self, asked: _Range) -> list[CandleRecord]:
        """Answer a request, after a running identical one.

        The running one may have read before the last trades that this client has seen.
        """
        before = self.reading.get(asked)
        if before is not None:
            await asyncio.wait((before,))
        flight = self.reading[asked] = self.queued.pop(asked)
        try:
            return await self._read(*asked)
        finally:
            if self.reading.get(asked) is flight:
                del self.reading[asked]

    async def _read(
        self, market_id: int, width: Micros, begin: Micros, end: Micros
    ) -> list[CandleRecord]:
        async with self._db.read() as connection:
            first = await first_since(connection, begin, market_id, Numbered.TRADES)
            stop = await first_since(connection, end, market_id, Numbered.TRADES)
        pieces: list[CandleRecord] = []
        for number in range(first // self._block, -(-stop // self._block)):
            upto = min(stop, (number + 1) * self._block)
            candles = await self._below(upto, (market_id, width, number))
            pieces += candles[bisect_left(candles, begin, key=_start) :]
        found = joined(pieces)
        return found[: bisect_left(found, end, key=_start)]

    async def _below(self, upto: int, key: _Key) -> list[CandleRecord]:
        """Return a block's candles of all trades below ``upto``, perhaps also of later ones."""
        known = self._recall(key)
        if known.upto < upto:
            async with one_at_a_time(self._turn, WAIT_SECONDS, "too many candles are being read"):
                known = self._recall(key)  # another request may have read it meanwhile
                if known.upto < upto:
                    market_id, width, _ = key
                    async with self._db.read() as connection:
                        more = await candles_of(connection, market_id, width, known.upto, upto)
                    known = _Block(upto, joined([*known.candles, *more]))
                    self._remember(key, known)
        return known.candles

    def _recall(self, key: _Key) -> _Block:
        """Return a cached block, or a block without candles."""
        known = self.blocks.get(key)
        if known is None:
            return _Block(key[2] * self._block, [])
        self.blocks.move_to_end(key)
        return known

    def _remember(self, key: _Key, found: _Block) -> None:
        before = self.blocks.pop(key, None)
        if before is not None:
            self._room += _size(before)
        self.blocks[key] = found
        self._room -= _size(found)
        while self._room < 0:
            self._room += _size(self.blocks.popitem(last=False)[1])


def _start(candle: CandleRecord) -> Micros:
    return candle.start


def _size(found: _Block) -> int:
    return len(found.candles) + 1  # a block without a trade of the market takes room too


def joined(pieces: Iterable[CandleRecord]) -> list[CandleRecord]:
    """Merge pieces in the order of their trades into one candle for each interval."""
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
