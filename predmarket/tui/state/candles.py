"""Candles of one market and interval: loaded by REST, continued by trades."""

from collections.abc import Iterable
from dataclasses import dataclass

from predmarket.client import response_types
from predmarket.contracts.markets import Interval
from predmarket.tui.state import parse
from predmarket.units import Micros, Price, Qty

KEPT = 1_000
"""How many are kept; a chart shows at most as many as it has columns."""


@dataclass(slots=True)
class Candle:
    """The trades of one interval, which begins at ``start``."""

    start: Micros
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Qty

    @property
    def rising(self) -> bool:
        """Tell whether it closed where it opened or above."""
        return self.close >= self.open


class Candles:
    """Oldest first. An interval without a trade has no candle, as on the wire.

    Trades before the REST answer are skipped, because the answer contains them. Afterwards each
    trade newer than ``upto``, the last one known when the answer came, is added once.
    """

    def __init__(self, interval: Interval = Interval.QUARTER) -> None:
        self.interval = interval
        self.items: list[Candle] = []
        self.version = 0
        self.seen: int | None = None
        """The last trade that is included, None before the REST answer."""

    def load(self, items: Iterable[response_types.Candle], upto: int) -> None:
        """Load a REST answer that contains every trade up to id ``upto``."""
        self.items = [_of_wire(item) for item in items][-KEPT:]
        self.seen = upto
        self.version += 1

    def clear(self, interval: Interval) -> None:
        """Forget everything, for another interval or market."""
        self.interval = interval
        self.items = []
        self.seen = None
        self.version += 1

    def trade(self, number: int, at: Micros, price: Price, qty: Qty) -> None:
        """Add trade ``number``; a trade that is already included is skipped."""
        if self.seen is None or number <= self.seen:
            return
        self.seen = number
        start = at - at % self.interval.micros
        last = self.items[-1] if self.items else None
        if last is None or start > last.start:
            self.items.append(Candle(start, price, price, price, price, qty))
            del self.items[:-KEPT]
        else:  # also a late one of a past interval: no candle fits better
            last.high = max(last.high, price)
            last.low = min(last.low, price)
            last.close = price
            last.volume += qty
        self.version += 1


def _of_wire(item: response_types.Candle) -> Candle:
    return Candle(
        start=parse.time(item["start"]),
        open=parse.price(item["open"]),
        high=parse.price(item["high"]),
        low=parse.price(item["low"]),
        close=parse.price(item["close"]),
        volume=parse.qty(item["volume"]),
    )
