"""Quotes that are committed but not written to their table yet, and when they are written.

A row for each batch would make every order dearer. So the quotes of WRITE_EVERY batches go into the
last one's transaction, one row for a market and span. After a stop or a crash the outbox, which
holds more batches than that, still has what is not written; writing a part again changes nothing.
"""

from collections.abc import Iterable

from predmarket.server.core.stores.base import OUTBOX_BATCHES
from predmarket.server.core.stores.history_rows import HistoryRows
from predmarket.server.core.stores.rows import Row
from predmarket.server.read_model.changes import Changes
from predmarket.server.read_model.quotes import WIDTHS, QuoteChange, Quotes
from predmarket.units import Micros

WRITE_EVERY = OUTBOX_BATCHES // 2
WRITE_AT = 1_000
"""Markets and minutes that wait at most before they are written, so that no batch gets too many
rows."""


class QuoteRows:
    """The quotes that wait to be written; ``recent`` are the outbox's batches."""

    def __init__(self, recent: Iterable[Changes] = ()) -> None:
        self._waiting: dict[tuple[int, Micros], Quotes] = {}
        for changes in recent:
            self._take(changes.quotes)

    def follow(self, changes: Changes, history: HistoryRows) -> None:
        """Take the quotes of the next batch; add rows to its history when it is time to."""
        self._take(changes.quotes)
        if changes.batch % WRITE_EVERY == 0 or len(self._waiting) >= WRITE_AT:
            history.quotes = self._rows()
            self._waiting.clear()

    def _take(self, found: Iterable[QuoteChange]) -> None:
        waiting = self._waiting
        for one in found:
            key = one.market_id, one.start
            before = waiting.get(key)
            waiting[key] = one.quotes if before is None else before.then(one.quotes)

    def _rows(self) -> list[Row]:
        """Return a row for each market and span."""
        spans: dict[tuple[int, Micros, Micros], Quotes] = {}
        for (market_id, start), quotes in self._waiting.items():
            for width in WIDTHS:
                key = market_id, width, start // width * width
                before = spans.get(key)
                spans[key] = quotes if before is None else before.then(quotes)
        return [
            (*key, q.bid_high, q.bid_low, q.bid, q.ask_high, q.ask_low, q.ask, q.open_interest,
             q.last_price, q.volume)
            for key, q in spans.items()
        ]  # fmt: skip
