"""A market's order book, level by level, and the volume traded at each price."""

from collections.abc import Iterable
from typing import NamedTuple

from predmarket.client.book import level_price, level_size
from predmarket.client.response_types import BookLevels
from predmarket.units import Price, Qty


class Top(NamedTuple):
    """The best prices with their sizes, and all that rests on each side."""

    bid: Price | None = None
    bid_size: Qty = 0
    ask: Price | None = None
    ask_size: Qty = 0
    bids: Qty = 0
    asks: Qty = 0


NO_TOP = Top()


class Book:
    """Sizes by price. A reader may keep the mappings; they are changed, never replaced."""

    def __init__(self) -> None:
        self.bids: dict[Price, Qty] = {}
        self.asks: dict[Price, Qty] = {}
        self.traded: dict[Price, Qty] = {}
        """Volume at each price among the trades seen."""
        self.last_trade = 0
        """The newest trade in ``traded``."""
        self._top = (-1, NO_TOP)
        self.version = 0

    @property
    def best_bid(self) -> Price | None:
        """Return the highest bid."""
        return max(self.bids, default=None)

    @property
    def best_ask(self) -> Price | None:
        """Return the lowest ask."""
        return min(self.asks, default=None)

    @property
    def top(self) -> Top:
        """Return the best prices and the sums; they are computed once for each version."""
        if self._top[0] != self.version:
            bid, ask = self.best_bid, self.best_ask
            top = Top(
                bid,
                0 if bid is None else self.bids[bid],
                ask,
                0 if ask is None else self.asks[ask],
                sum(self.bids.values()),
                sum(self.asks.values()),
            )
            self._top = self.version, top
        return self._top[1]

    def trade(self, number: int, price: Price, qty: Qty) -> bool:
        """Count a trade; tell whether it is newer than those before."""
        if number <= self.last_trade:
            return False
        self.last_trade = number
        self.traded[price] = self.traded.get(price, 0) + qty
        return True

    def forget_trades(self) -> None:
        """Forget the trades."""
        self.traded.clear()
        self.last_trade = 0

    def load(self, levels: BookLevels) -> None:
        """Load a snapshot."""
        self.bids.clear()
        self.asks.clear()
        self.change(levels)

    def change(self, levels: BookLevels) -> None:
        """Apply absolute sizes; zero removes a level."""
        _lay(self.bids, levels["bids"])
        _lay(self.asks, levels["asks"])
        self.version += 1

    def clear(self) -> None:
        """Forget everything."""
        self.bids.clear()
        self.asks.clear()
        self.forget_trades()
        self.version += 1


def _lay(side: dict[Price, Qty], levels: Iterable[list[str]]) -> None:
    for at, size in levels:
        price, qty = level_price(at), level_size(size)
        if qty:
            side[price] = qty
        else:
            side.pop(price, None)
