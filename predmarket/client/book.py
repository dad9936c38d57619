"""The feed's local order book of a market: integer units, best level first.

Invariants: no level has size 0; the levels of a side are sorted; ``seq`` is the number of the last
applied change, and no change is skipped. After every message up to ``seq`` the book equals the
exchange's book at ``seq``, level for level.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from predmarket import units
from predmarket.client.response_types import Book, BookLevels
from predmarket.units import QTY_DECIMALS, Price, Qty


class Levels:
    """One side of a book. Iterating yields (price, size), the best first."""

    __slots__ = ("_order", "_ranks", "_sizes")

    def __init__(self, order: int) -> None:
        """order: 1 where low prices are best (asks), -1 where high ones are (bids)."""
        self._order = order
        self._sizes: dict[Price, Qty] = {}
        self._ranks: list[int] = []

    def __getitem__(self, price: Price) -> Qty:
        """Return the size at ``price``, 0 for none."""
        return self._sizes.get(price, 0)

    def __iter__(self) -> Iterator[tuple[Price, Qty]]:
        for rank in self._ranks:
            price = rank * self._order
            yield price, self._sizes[price]

    def __len__(self) -> int:
        return len(self._ranks)

    @property
    def best(self) -> tuple[Price, Qty] | None:
        """The best price and its size, None for an empty side."""
        return next(iter(self), None)

    def put(self, price: Price, size: Qty) -> None:
        """Set the size at ``price``; 0 removes the level."""
        rank = price * self._order
        if size:
            if price not in self._sizes:
                insort(self._ranks, rank)
            self._sizes[price] = size
        elif self._sizes.pop(price, None) is not None:
            del self._ranks[bisect_left(self._ranks, rank)]

    def clear(self) -> None:
        """Remove every level."""
        self._sizes.clear()
        self._ranks.clear()


class LocalBook:
    """The book of one market.

    market_id and seq are None until the first snapshot. stale means that the book may differ from
    the exchange's, because the connection is lost or a message was missed; it still shows the last
    known state. Prices are in 1/10 000 dollar and sizes in 1/100 contract (units.py).
    """

    def __init__(self) -> None:
        self.market_id: int | None = None
        self.seq: int | None = None
        self.stale = True
        self.bids = Levels(-1)
        self.asks = Levels(1)

    def load(self, levels: BookLevels, seq: int) -> None:
        """Load a snapshot. Raises ValueError if it is unreadable."""
        self.stale = True
        self.bids.clear()
        self.asks.clear()
        self._put(levels)
        self.market_id, self.seq = levels["marketId"], seq
        self.stale = False

    def change(self, levels: BookLevels, last_seq: int, seq: int) -> None:
        """Apply a delta that continues from ``last_seq``. Raises ValueError if it is unreadable."""
        assert last_seq == self.seq, "a delta follows on what the book holds"
        self._put(levels)
        self.seq = seq

    def wire(self, depth: int | None = None) -> Book:
        """Return the book in the form of ``Client.book``, ``depth`` levels a side."""
        return {
            "marketId": self.market_id or 0,
            "bids": _spelled(self.bids, depth),
            "asks": _spelled(self.asks, depth),
            "seq": self.seq or 0,
        }

    def _put(self, levels: BookLevels) -> None:
        for price, size in levels["bids"]:
            self.bids.put(level_price(price), level_size(size))
        for price, size in levels["asks"]:
            self.asks.put(level_price(price), level_size(size))


def _spelled(levels: Levels, depth: int | None) -> list[list[str]]:
    return [
        [units.format_price(price), units.format_qty(size)] for price, size in islice(levels, depth)
    ]


@lru_cache(maxsize=16_384)  # every price of the finest tick, of one form
def level_price(text: str) -> Price:
    """Return the price of a level. Raises UnitError."""
    return units.parse_price(text)


@lru_cache(maxsize=16_384)
def level_size(text: str) -> Qty:
    """Return the size of a level. Raises UnitError."""
    size = units.parse(text, QTY_DECIMALS)
    if size < 0:
        raise units.UnitError("must not be negative")
    return size
