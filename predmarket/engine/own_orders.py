"""A user's resting orders by market and side. With them a sweep passes over own orders at once.

The index is built at its first use and kept up to date from then on. An account that never needs it
costs nothing.

Invariants:
- it lists exactly the account's resting orders, each side in the order of time priority;
- ``Depth`` holds their remaining quantities.
"""

from collections.abc import Container, Iterable, Iterator

from predmarket.engine.book import Order
from predmarket.engine.depth import Depth
from predmarket.enums import Side


class OwnSide:
    """A user's orders on one side of one market."""

    __slots__ = ("depth", "orders")

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.depth = Depth()


class OwnOrders:
    """The resting orders of one account."""

    __slots__ = ("sides",)

    def __init__(self, orders: Iterable[Order]) -> None:
        self.sides: dict[tuple[int, bool], OwnSide] = {}
        for order in orders:
            if order.level is not None:
                self.add(order)

    def add(self, order: Order) -> None:
        """List an order that rests now, behind all others."""
        assert order.level is not None  # it rests
        key = (order.market_id, order.is_buy)
        side = self.sides.get(key)
        if side is None:
            side = self.sides[key] = OwnSide()
        side.orders[order.id] = order
        side.depth.add(order.level.index, order.remaining)

    def remove(self, order: Order) -> None:
        """Drop an order that is about to leave the book, with its remaining quantity."""
        assert order.level is not None  # it still rests
        key = (order.market_id, order.is_buy)
        side = self.sides[key]
        del side.orders[order.id]
        if order.remaining:
            side.depth.add(order.level.index, -order.remaining)
        if not side.orders:
            del self.sides[key]

    def fill(self, order: Order, index: int, qty: int) -> None:
        """Note that ``qty`` of an order at a level was filled: a part of it, or the rest."""
        key = (order.market_id, order.is_buy)
        side = self.sides[key]
        side.depth.add(index, -qty)
        if not order.remaining:
            del side.orders[order.id]
            if not side.orders:
                del self.sides[key]

    def shrink(self, order: Order, qty: int) -> None:
        """Note that a resting order becomes smaller by ``qty``."""
        assert order.level is not None  # it rests
        self.sides[order.market_id, order.is_buy].depth.add(order.level.index, -qty)

    def matching(self, markets: Container[int] | None, side: Side | None) -> Iterator[Order]:
        """Yield the orders in some markets, on one side, or all: by market, SELL first, by rank."""
        for key in sorted(self.sides):
            if markets is not None and key[0] not in markets:
                continue
            if side is None or (side is Side.BUY) == key[1]:
                yield from self.sides[key].orders.values()

    def in_market(self, market_id: int) -> bool:
        """Tell whether the user has a resting order in a market."""
        return (market_id, True) in self.sides or (market_id, False) in self.sides
