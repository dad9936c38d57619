"""The trader's open orders, and the quantity ahead of each in its queue.

The exchange is asked for the quantity once the order rests (``unplaced`` lists the orders to ask
for). From then on it is counted down: a trade at its price takes from the front of the queue, and
no more can be ahead than the level holds besides the order. Both only reduce the number, and never
too far; a cancel ahead shows when the level shrinks to it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from predmarket.client.response_types import OrderState
from predmarket.enums import OrderStatus, OrderType, Side, TimeInForce
from predmarket.tui.state import parse
from predmarket.units import Micros, Price, Qty

OPEN = frozenset({OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED})


@dataclass(slots=True)
class OpenOrder:
    """A resting order. ``ahead`` is None while it is unknown."""

    id: int
    market: int
    slug: str
    side: Side
    price: Price
    qty: Qty
    filled: Qty
    tif: TimeInForce
    expires_at: Micros | None
    created_at: Micros
    ahead: Qty | None = None

    @property
    def remaining(self) -> Qty:
        """Return the unfilled quantity."""
        return self.qty - self.filled


class Orders:
    """Open orders by id."""

    def __init__(self) -> None:
        self._open: dict[int, OpenOrder] = {}
        self.unplaced: set[int] = set()
        self._ended: set[int] | None = None
        """Orders that ended while the older ones are loaded; None while they are not."""
        self.version = 0
        self.newest = 0
        """The largest id that was heard of."""
        self._working: tuple[int, dict[tuple[int, Side], Qty]] = (-1, {})

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[OpenOrder]:
        return iter(self._open.values())

    def get(self, order: int) -> OpenOrder | None:
        """Return an open order by its id."""
        return self._open.get(order)

    def of(self, market: int | None) -> list[OpenOrder]:
        """Return a market's open orders, the oldest first."""
        return sorted((each for each in self if each.market == market), key=lambda each: each.id)

    def working(self, market: int, side: Side) -> Qty:
        """Return the quantity that rests on a side of a market."""
        version, sums = self._working
        if version != self.version:
            sums = {}
            for each in self:
                key = each.market, each.side
                sums[key] = sums.get(key, 0) + each.remaining
            self._working = self.version, sums
        return sums.get((market, side), 0)

    def next_unplaced(self, markets: Collection[int]) -> int | None:
        """Return the newest order of these markets with an unknown place in the queue."""
        mine = (id for id in self.unplaced if self._open[id].market in markets)
        return max(mine, default=None)

    def load(self, orders: Iterable[OrderState]) -> None:
        """Load all open orders at once."""
        before = self._open
        self._open = {}
        self.unplaced.clear()
        for order in orders:
            self._put(order, before.get(order["id"]))
        self.version += 1

    def take(self, order: OrderState) -> OpenOrder | None:
        """Apply an order's new state; return its former state."""
        before = self._open.pop(order["id"], None)
        self.unplaced.discard(order["id"])
        self._put(order, before)
        if self._ended is not None and order["id"] not in self._open:
            self._ended.add(order["id"])
        self.version += 1
        return before

    def expect_older(self, *, coming: bool) -> None:
        """Note that orders which the snapshot left out are loaded, or that this has ended."""
        self._ended = set() if coming else None

    def add_older(self, orders: Iterable[OrderState]) -> None:
        """Add orders that the snapshot left out, in their state of a moment ago."""
        for order in orders:
            if order["id"] not in self._open and order["id"] not in (self._ended or ()):
                self._put(order, None)
        self.version += 1

    def placed(self, order: int, ahead: Qty | None) -> None:
        """Record the exchange's quantity ahead of an order; None: the order does not rest."""
        found = self._open.get(order)
        self.unplaced.discard(order)
        if found is not None:
            found.ahead = ahead
            self.version += 1

    def traded(self, market: int, price: Price, qty: Qty, taker: Side, *, own: set[int]) -> None:
        """Count a trade down from the queues it took from; ``own`` took part in it themselves."""
        for order in self:
            if order.market != market or order.price != price or order.side is taker:
                continue
            if order.ahead:
                order.ahead = 0 if order.id in own else max(0, order.ahead - qty)
                self.version += 1

    def bound(self, market: int, bids: Mapping[Price, Qty], asks: Mapping[Price, Qty]) -> None:
        """Limit the queues to the sizes of the book's levels."""
        for order in self:
            if order.market != market or not order.ahead:
                continue
            level = (bids if order.side is Side.BUY else asks).get(order.price)
            if level is not None and level - order.remaining < order.ahead:
                order.ahead = max(0, level - order.remaining)
                self.version += 1

    def _put(self, order: OrderState, before: OpenOrder | None) -> None:
        self.newest = max(self.newest, order["id"])
        rests = order["status"] in OPEN and order["type"] == OrderType.LIMIT
        market, price = order["marketId"], order["price"]
        if not rests or market is None or price is None:
            return
        now = OpenOrder(
            id=order["id"],
            market=market,
            slug=order["marketSlug"] or str(market),
            side=Side(order["side"]),
            price=parse.price(price),
            qty=parse.qty(order["qty"]),
            filled=parse.qty(order["qtyFilled"]),
            tif=TimeInForce(order["timeInForce"]),
            expires_at=parse.time(order["expiresAt"]),
            created_at=parse.time(order["createdAt"]),
        )
        kept_place = (
            before is not None and before.price == now.price and before.remaining >= now.remaining
        )
        if before is not None and kept_place and before.ahead is not None:
            # a partially filled order is at the front
            now.ahead = 0 if now.filled > before.filled else before.ahead
        else:
            self.unplaced.add(now.id)
        self._open[now.id] = now
