"""The depth of the book: the resting size between the best price and any other, cell by cell.

The window has a reach on both sides of a middle. The middle moves in steps of a quarter of the
reach, so the drawing stands still during small moves of the market.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from predmarket.enums import Side
from predmarket.tui.state.formatting import price_text, size_text
from predmarket.tui.state.ladder import Depth
from predmarket.units import PRICE_ONE, Price, Qty

REACHES: tuple[Price, ...] = (5_000, 2_500, 1_000, 500, 250, 100)
"""How far the window can reach to each side."""


@dataclass(slots=True)
class DepthData:
    """The data of the depth view; it is read once a frame and may change in between."""

    tick: Price = 100
    bids: Mapping[Price, Qty] = field(default_factory=dict)
    asks: Mapping[Price, Qty] = field(default_factory=dict)
    live: bool = True


class Cell(NamedTuple):
    """One cell's price, and the resting size from the best price of its side to there."""

    price: Price
    side: Side
    depth: Qty


class DepthView:
    """The depth at one moment, seen through a window of ``reach`` to each side."""

    def __init__(self, data: DepthData, reach: Price) -> None:
        self.data = data
        self.best_bid = max(data.bids, default=None)
        self.best_ask = min(data.asks, default=None)
        self._bids = Depth(data.bids, Side.BUY)
        self._asks = Depth(data.asks, Side.SELL)
        bid = 0 if self.best_bid is None else self.best_bid
        ask = PRICE_ONE if self.best_ask is None else self.best_ask
        self.middle = (bid + ask) // 2
        step = max(1, reach // 4)
        centre = (self.middle + step // 2) // step * step
        centre = max(reach, min(centre, PRICE_ONE - reach))
        self.low, self.high = centre - reach, centre + reach

    def to(self, side: Side, price: Price) -> Qty:
        """Return what rests from the best price of ``side`` to ``price``, the last level at most.

        Beyond the last level nothing more rests, so the sum stays what it is.
        """
        if side is Side.BUY:
            last = min(self.data.bids, default=None)
            return 0 if last is None else self._bids.at(-max(price, last))
        last = max(self.data.asks, default=None)
        return 0 if last is None else self._asks.at(min(price, last))

    def cells(self, count: int) -> Iterator[Cell]:
        """Yield ``count`` cells from the lowest price to the highest.

        A bid cell stands for its lower end, an ask cell for its upper: all that it covers counts.
        """
        span = self.high - self.low
        for index in range(count):
            low = self.low + span * index // count
            high = self.low + span * (index + 1) // count
            side = Side.BUY if (low + high) // 2 < self.middle else Side.SELL
            price = low if side is Side.BUY else high
            yield Cell(price, side, self.to(side, price))

    def words(self, price: Price, side: Side) -> str:
        """Return what rests between the best price and ``price`` in words."""
        name = "bids" if side is Side.BUY else "asks"
        price = max(self.data.tick, min(price, PRICE_ONE - self.data.tick))
        price = -(-price // self.data.tick) if side is Side.BUY else price // self.data.tick
        price *= self.data.tick
        return f"{name} to {price_text(price, self.data.tick)}: {size_text(self.to(side, price))}"


def plain_lines(view: DepthView, room: int) -> list[str]:
    """Return the depth as at most ``room`` lines for a screen reader."""
    if not view.data.live:
        return ["no live data"][:room]
    if view.best_bid is None and view.best_ask is None:
        return ["the book is empty"][:room]
    lines = []
    for away in (1, 2, 5, 10, 20, 50):
        for side, best in ((Side.BUY, view.best_bid), (Side.SELL, view.best_ask)):
            if best is not None:
                sign = -1 if side is Side.BUY else 1
                lines.append(view.words(best + sign * (away - 1) * view.data.tick, side))
    return list(dict.fromkeys(lines))[:room]
