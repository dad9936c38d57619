"""The best prices and the open interest of markets, minute by minute, as this gateway saw them.

No database keeps quotes, since every order would cost a row more. So they begin with the gateway,
and the oldest minutes go first: of one market, and of all.
"""

from collections import deque
from typing import NamedTuple

from predmarket.server.read_model.changes import Changes
from predmarket.server.read_model.market_view import MarketView
from predmarket.units import PRICE_ONE, Micros, Price, Qty

MINUTE: Micros = 60_000_000
MOST, MOST_OF_ONE = 100_000, 10_000
"""Minutes that are kept, of all markets together and of one: some 60 MB, and a week."""


class Range(NamedTuple):
    """What a price did in a span of time."""

    open: Price
    high: Price
    low: Price
    close: Price

    def then(self, later: "Range") -> "Range":
        """Return this span's range and the next one's as one."""
        return Range(self.open, max(self.high, later.high), min(self.low, later.low), later.close)


class Quotes(NamedTuple):
    """The best prices in a span; without a bid it is 0, without an ask 1. ``interest`` is the open
    interest at its end."""

    bid: Range
    ask: Range
    interest: Qty

    def then(self, later: "Quotes") -> "Quotes":
        """Return this span's quotes and the next one's as one."""
        return Quotes(self.bid.then(later.bid), self.ask.then(later.ask), later.interest)


class QuoteHistory:
    """Records quotes as batches are committed (broadcast.hub.Observer)."""

    def __init__(self, view: MarketView) -> None:
        self._view = view
        self._minutes: dict[int, dict[Micros, Quotes]] = {}
        self._oldest: deque[int] = deque()
        """The market of each minute that is kept, about in the order in which they began."""

    def of(self, market_id: int, width: Micros, begin: Micros, end: Micros) -> dict[Micros, Quotes]:
        """Return a market's quotes by the begin of their span, where something changed."""
        found: dict[Micros, Quotes] = {}
        for minute, quotes in reversed(self._minutes.get(market_id, {}).items()):
            if minute < begin:
                break
            if minute < end:
                start = minute // width * width
                later = found.get(start)
                found[start] = quotes if later is None else quotes.then(later)
        return dict(reversed(found.items()))

    def committed(self, changes: Changes) -> None:
        """Record the quotes of the markets that a batch changed."""
        touched = {book.market_id for book in changes.books}
        touched.update(one.record.id for one in changes.markets)
        minute = changes.at // MINUTE * MINUTE
        for market_id in touched:
            self._record(market_id, minute)

    def interrupted(self) -> None:
        """Go on: what was missed is not known."""

    def _record(self, market_id: int, minute: Micros) -> None:
        record, book = self._view.find(market_id), self._view.book(market_id)
        if record is None:
            return
        bid, ask = book.best_bid or 0, book.best_ask
        now = Quotes(_flat(bid), _flat(PRICE_ONE if ask is None else ask), record.open_interest)
        minutes = self._minutes.setdefault(market_id, {})
        last = next(reversed(minutes), None)
        if last is None:
            minutes[minute] = now
        elif last < minute:
            before = minutes[last]
            opened = Quotes(_flat(before.bid.close), _flat(before.ask.close), before.interest)
            minutes[minute] = opened.then(now)
        else:
            minutes[last] = minutes[last].then(now)
            return
        if len(minutes) > MOST_OF_ONE:
            del minutes[next(iter(minutes))]
            return
        self._oldest.append(market_id)
        if len(self._oldest) > MOST:
            others = self._minutes[self._oldest.popleft()]
            del others[next(iter(others))]


def _flat(price: Price) -> Range:
    return Range(price, price, price, price)
