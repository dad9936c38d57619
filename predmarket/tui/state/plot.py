"""The axes of a chart: a scale of prices, and slots of time.

Both scales move in steps. The price scale begins and ends on round numbers, and a slot is a column.
So a chart stands still until a price leaves it or an interval ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from predmarket.contracts.markets import Interval
from predmarket.tui.state.candles import Candle
from predmarket.units import PRICE_ONE, Micros, Price

_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1_000, 2_000, 2_500, 5_000)
_MINUTE: Micros = 60_000_000
_DAY: Micros = 1_440 * _MINUTE
_LABELS = (1, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1_440, 2_880, 10_080, 20_160, 40_320)
"""Minutes between two labels of the time axis."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Prices from ``low`` at the bottom to ``high`` at the top, with a label at each ``step``."""

    low: Price
    high: Price
    step: Price

    def place(self, price: Price, parts: int) -> int:
        """Return the index, from the top, of a price among ``parts`` equal parts."""
        place = (self.high - price) * (parts - 1) * 2 // (self.high - self.low)
        return max(0, min(parts - 1, (place + 1) // 2))

    def labels(self) -> list[Price]:
        """Return the labelled prices, the highest first."""
        return list(range(self.high, self.low - 1, -self.step))


def scale(low: Price, high: Price, tick: Price, rows: int) -> Scale:
    """Return the scale that shows ``low`` to ``high`` in so many rows."""
    most = max(2, (rows - 1) // 2 if rows < 16 else (rows - 1) // 3)
    for step in _STEPS:
        if step % tick and step != tick:
            continue
        bottom, top = low // step * step, -(-high // step) * step
        if top - bottom < 2 * step:  # a flat line stands in the middle
            bottom, top = max(0, bottom - step), min(PRICE_ONE, top + step)
        if (top - bottom) // step <= most:
            return Scale(bottom, top, step)
    return Scale(0, PRICE_ONE, PRICE_ONE)


@dataclass(frozen=True, slots=True)
class Slots:
    """Intervals side by side, the last one holding now. ``candles`` is None where nothing traded,
    ``closes`` then the price before; None where there is none yet."""

    starts: Sequence[Micros]
    candles: Sequence[Candle | None]
    closes: Sequence[Price | None]


def slots(candles: Sequence[Candle], interval: Interval, count: int, now: Micros) -> Slots:
    """Divide the time until ``now`` into ``count`` slots, and put the candles into them."""
    width = interval.micros
    newest = max(now, candles[-1].start if candles else 0)
    end = newest - newest % width
    starts = [end - (count - 1 - i) * width for i in range(count)]
    by_start = {candle.start: candle for candle in candles}
    close: Price | None = None
    for candle in candles:
        if candle.start < starts[0]:
            close = candle.close
    placed = [by_start.get(start) for start in starts]
    closes: list[Price | None] = []
    for each in placed:
        close = each.close if each is not None else close
        closes.append(close)
    return Slots(starts, placed, closes)


def time_labels(starts: Sequence[Micros], interval: Interval, apart: int) -> list[tuple[int, str]]:
    """Return (slot, label) on round times, at least ``apart`` slots from each other."""
    least = interval.micros * apart
    step = next((m * _MINUTE for m in _LABELS if m * _MINUTE >= least), _LABELS[-1] * _MINUTE)
    return [(slot, _label(start, step)) for slot, start in enumerate(starts) if start % step == 0]


def _label(start: Micros, step: Micros) -> str:
    if step >= _DAY or start % _DAY == 0:
        return _date(start)
    minutes = start // _MINUTE % 1_440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _date(moment: Micros) -> str:
    return f"{datetime.fromtimestamp(moment // 1_000_000, UTC):%d %b}"
