"""The best prices and the open interest of markets over time.

The core writes quotes down every few hundred batches (core/quote_rows.py). A gateway joins what is
written with the quotes of the last batches, of which it holds as many as the outbox does. So every
gateway shows the same, and a restart forgets nothing.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.core.stores.base import OUTBOX_BATCHES
from predmarket.server.gateway.loop_turns import one_at_a_time
from predmarket.server.read_model.changes import Changes
from predmarket.server.read_model.queries.quotes import (
    last_batches,
    quotes_at,
    quotes_between,
)
from predmarket.server.read_model.quotes import (
    DAY,
    EMPTY_BOOK,
    MINUTE,
    NOT_YET,
    QuoteChange,
    Quotes,
)
from predmarket.server.read_model.records import MarketRecord
from predmarket.server.storage.database import Database
from predmarket.units import Micros, Price, Qty

WAIT_SECONDS = 3.0
"""How long a request waits at most for those before it: one reads at a time."""


class Range(NamedTuple):
    """What a price did in a span of time."""

    open: Price
    high: Price
    low: Price
    close: Price


class QuoteCandle(NamedTuple):
    """The best prices in a span; without a bid it is 0, without an ask 1. ``interest`` is the open
    interest at its end."""

    bid: Range
    ask: Range
    interest: Qty

    @classmethod
    def of(cls, before: Quotes, quotes: Quotes) -> "QuoteCandle":
        """Return the candle of a span's quotes; it opens where the span before closed."""
        bid, ask, q = before.bid, before.ask, quotes
        return cls(
            Range(bid, max(bid, q.bid_high), min(bid, q.bid_low), q.bid),
            Range(ask, max(ask, q.ask_high), min(ask, q.ask_low), q.ask),
            q.open_interest,
        )


class QuoteHistory:
    """Reads quotes, and holds those of the last batches (broadcast.hub.Observer)."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._batches: deque[tuple[int, list[QuoteChange]]] = deque()
        self._by_market: dict[int, deque[QuoteChange]] = {}
        self._complete = False
        """Whether the batches reach back as far as the outbox did when it was read."""
        self._turn = asyncio.Lock()
        self._ago: dict[int, Quotes | None] = {}
        self._ago_at: Micros = 0

    async def of(
        self, market: MarketRecord, width: Micros, begin: Micros, end: Micros
    ) -> dict[Micros, QuoteCandle]:
        """Return a market's quotes by the begin of their span, where something changed.

        Raises Overloaded.
        """
        async with self._reading(), self._db.read() as connection:
            found = await quotes_between(connection, market.id, width, begin, end)
            await self._reach_back(connection)
        for one in self._by_market.get(market.id, ()):
            start = one.start // width * width
            if start < end:
                before = found.get(start)
                found[start] = one.quotes if before is None else before.then(one.quotes)
        return _candles(market, width, begin, found)

    def _reading(self) -> AbstractAsyncContextManager[None]:
        return one_at_a_time(self._turn, WAIT_SECONDS, "too many quotes are being read")

    async def day_ago(
        self, markets: Collection[MarketRecord], now: Micros
    ) -> Mapping[int, Quotes | None]:
        """Return the quotes of markets a day before ``now``, to the minute, by market.

        NOT_YET: it did not exist; None: its quotes were not recorded yet. Quotes of the past do not
        change, so they are kept for the minute. Raises Overloaded.
        """
        moment = (now - DAY) // MINUTE * MINUTE
        if self._ago_at != moment:
            self._ago, self._ago_at = {}, moment
        known = self._ago
        known.update((one.id, NOT_YET) for one in markets if one.created_at >= moment)
        if any(one.id not in known for one in markets):
            async with self._reading():
                # another request may have read them meanwhile
                missing = [one.id for one in markets if one.id not in known]
                async with self._db.read() as connection:
                    found = await quotes_at(connection, missing, moment)
                    await self._reach_back(connection)
                for id in missing:
                    later = [one for one in self._by_market.get(id, ()) if one.start < moment]
                    known[id] = later[-1].quotes if later else found.get(id)
        return known

    def committed(self, changes: Changes) -> None:
        """Hold the quotes of a batch, and drop the oldest."""
        self._hold(changes.batch, changes.quotes)

    def _hold(self, batch: int, quotes: list[QuoteChange]) -> None:
        self._batches.append((batch, quotes))
        for one in quotes:
            self._by_market.setdefault(one.market_id, deque()).append(one)
        while len(self._batches) > OUTBOX_BATCHES:
            for one in self._batches.popleft()[1]:
                of_market = self._by_market[one.market_id]
                of_market.popleft()
                if not of_market:
                    del self._by_market[one.market_id]

    def interrupted(self) -> None:
        """Read again what was missed."""
        self._complete = False

    async def _reach_back(self, connection: AsyncConnection) -> None:
        """Hold the batches of the outbox, and those that came after it was read."""
        if self._complete:
            return
        outbox = await last_batches(connection)
        last = outbox[-1].batch if outbox else 0
        known = [(one.batch, one.quotes) for one in outbox]
        known += [(batch, quotes) for batch, quotes in self._batches if batch > last]
        self._batches.clear()
        self._by_market.clear()
        for batch, quotes in known:
            self._hold(batch, quotes)
        self._complete = True


def _candles(
    market: MarketRecord, width: Micros, begin: Micros, found: dict[Micros, Quotes]
) -> dict[Micros, QuoteCandle]:
    """Return candles from ``begin`` on; ``found`` may have spans before, one of them written."""
    candles = {}
    before: Quotes | None = None
    for start, quotes in sorted(found.items()):
        if start >= begin:
            if before is None:
                made_here = market.created_at // width * width == start
                before = EMPTY_BOOK if made_here else quotes
            candles[start] = QuoteCandle.of(before, quotes)
        before = quotes
    return candles
