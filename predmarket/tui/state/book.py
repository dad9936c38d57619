"""The order book of the open market, level by level, and the volume traded at each price."""

from collections.abc import Iterable

from predmarket.client.book import level_price, level_size
from predmarket.client.response_types import BookLevels
from predmarket.units import Price, Qty


class Book:
    """Sizes by price. A reader may keep the two mappings; they are changed, never replaced."""

    def __init__(self) -> None:
        self.bids: dict[Price, Qty] = {}
        self.asks: dict[Price, Qty] = {}
        self.version = 0

    @property
    def best_bid(self) -> Price | None:
        """Return the highest bid."""
        return max(self.bids, default=None)

    @property
    def best_ask(self) -> Price | None:
        """Return the lowest ask."""
        return min(self.asks, default=None)

    def load(self, levels: BookLevels) -> None:
        """Load a snapshot."""
        self.clear()
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
        self.version += 1


def _lay(side: dict[Price, Qty], levels: Iterable[list[str]]) -> None:
    for at, size in levels:
        price, qty = level_price(at), level_size(size)
        if qty:
            side[price] = qty
        else:
            side.pop(price, None)
