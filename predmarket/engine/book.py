"""One market's order book: two bounded price grids of FIFO levels.

Invariants:
- best price, insertion, cancellation and size of a level take constant time;
- a level exists if and only if at least one order rests in it;
- a level's ``qty`` is the sum of its orders' ``remaining``, a block's that of its levels' ``qty``;
- within a level orders stand in the order of their ``rank``;
- a level's queue is cut into runs, in order, and each order counts in its own; the first run has
  no sums of its own, since few levels have another: it is what the others leave of the level.

Prices lie on a grid of at most 9 999 ticks, so the non-empty levels are the bits of one integer;
the best level is its highest bit. The ask side is mirrored so that the same holds there.
Source: docs/market_rules.md, Matching.
"""

from collections.abc import Iterator

from predmarket.engine.depth import BLOCK_BITS
from predmarket.engine.order_group import OrderGroup
from predmarket.enums import (
    CancelReason,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from predmarket.units import PRICE_ONE, Micros, Money, Price, Qty

_BUY = Side.BUY
_OPEN = OrderStatus.OPEN
_GTC = TimeInForce.GTC
_SKIP = SelfTradePrevention.SKIP
_LIMIT = OrderType.LIMIT

RUN = 256
"""The number of orders that join a run; the next order begins another run."""


class Run:
    """Neighbours in a level's queue: how many are left, and their ``remaining``.

    Runs make queue positions cheap: ``ahead_of`` adds up whole runs and walks within one only.
    """

    __slots__ = ("left", "qty")

    def __init__(self) -> None:
        self.left = 0
        self.qty: Qty = 0


class Order:
    """An order, resting or on its way through the book.

    ``price`` is its limit, or a MARKET order's collar. ``close`` is the remaining close part,
    ``lock`` the cash that it holds, ``fee_exact`` its exact fee so far in 1e-14 dollars, ``rank``
    its place in time priority, ``run`` its run (None for a level's first), ``events`` the number of
    its order events. The end of ``connection`` cancels it; ``group`` is the order group that it
    belongs to. ``skip`` is a later order of the level, with its rank: while that order rests at
    that rank, all orders up to it belong to the same user.
    """

    __slots__ = (
        "client_order_id", "close", "connection", "created_at", "events", "expires_at",
        "fee_exact", "fees_paid", "filled", "group", "id", "is_buy", "level", "lock", "market_id",
        "next", "notional", "post_only", "prev", "price", "qty", "rank", "reason", "reduce_only",
        "remaining", "request", "run", "side", "skip", "status", "stp", "tif",
        "type", "updated_at", "user_id",
    )  # fmt: skip

    def __init__(
        self,
        id: int,
        user_id: int,
        market_id: int,
        side: Side,
        price: Price,
        qty: Qty,
        *,
        type: OrderType = _LIMIT,
        tif: TimeInForce = _GTC,
        stp: SelfTradePrevention = _SKIP,
        now: Micros = 0,
    ) -> None:
        self.id = id
        self.user_id = user_id
        self.market_id = market_id
        self.side = side
        self.is_buy = side is _BUY
        self.type = type
        self.price = price
        self.qty = qty
        self.remaining = qty
        self.filled: Qty = 0
        self.notional: Money = 0
        self.close: Qty = 0
        self.lock: Money = 0
        self.fee_exact = 0
        self.fees_paid: Money = 0
        self.tif = tif
        self.expires_at: Micros | None = None
        self.post_only = False
        self.reduce_only = False
        self.stp = stp
        self.client_order_id: str | None = None
        self.request: str | None = None
        self.connection: str | None = None
        self.group: OrderGroup | None = None
        self.status = _OPEN
        self.reason: str | None = None
        self.created_at = now
        self.updated_at = now
        self.rank = 0
        self.events = 0
        self.level: Level | None = None
        self.prev: Order | None = None
        self.next: Order | None = None
        self.skip: tuple[Order, int] | None = None
        self.run: Run | None = None


class Level:
    """The orders resting at one price, first come first.

    ``runs`` are those behind the first; few levels have any. Orders join ``run``, which ``joined``
    orders have joined so far.
    """

    __slots__ = ("head", "index", "joined", "price", "qty", "run", "runs", "tail")

    def __init__(self, index: int, price: Price) -> None:
        self.index = index
        self.price = price
        self.qty: Qty = 0
        self.head: Order | None = None
        self.tail: Order | None = None
        self.joined = 0
        self.run: Run | None = None
        self.runs: dict[Run, None] | None = None

    def begin_run(self) -> None:
        """Begin a run; orders that join from now on count in it."""
        if self.runs is None:
            self.runs = {}
        before, self.run = self.run, Run()
        if before is not None and not before.left:
            del self.runs[before]
        self.runs[self.run] = None
        self.joined = 0

    def leave_run(self, order: Order, run: Run) -> None:
        """Take ``order`` out of a run that has sums; an empty one is kept only to be joined."""
        order.run = None
        run.left -= 1
        run.qty -= order.remaining
        if not run.left and run is not self.run:
            assert self.runs is not None  # one of them
            del self.runs[run]

    def ahead_of(self, order: Order) -> Qty:
        """Return the quantity ahead of an order that rests here."""
        qty = 0
        if order.run is not None:
            runs = self.runs or {}
            qty = self.qty - sum(run.qty for run in runs)  # the first run
            for run in runs:
                if run is order.run:
                    break
                qty += run.qty
        before = order.prev
        while before is not None and before.run is order.run:
            qty += before.remaining
            before = before.prev
        return qty

    def __iter__(self) -> Iterator[Order]:
        order = self.head
        while order is not None:
            yield order
            order = order.next


class BookSide:
    """All levels of one side; a higher index is a better price.

    ``blocks`` are the sums over blocks of levels (depth.py).
    """

    __slots__ = ("bits", "blocks", "is_buy", "levels", "tick")

    def __init__(self, is_buy: bool, tick: Price) -> None:
        self.is_buy = is_buy
        self.tick = tick
        self.bits = 0
        self.levels: dict[int, Level] = {}
        self.blocks: list[Qty] = [0] * ((PRICE_ONE // tick >> BLOCK_BITS) + 1)

    def index(self, price: Price) -> int:
        """Return the grid index of an on-tick price."""
        return (price if self.is_buy else PRICE_ONE - price) // self.tick

    def best(self) -> Level | None:
        """Return the best level, or None when the side is empty."""
        return self.levels[self.bits.bit_length() - 1] if self.bits else None

    def after(self, index: int) -> Level | None:
        """Return the best level worse than ``index``."""
        below = self.bits & ((1 << index) - 1)
        return self.levels[below.bit_length() - 1] if below else None

    def add(self, order: Order) -> None:
        """Queue ``order`` behind all others at its price."""
        price, qty = order.price, order.remaining
        index = (price if self.is_buy else PRICE_ONE - price) // self.tick  # without a call
        level = self.levels.get(index)
        if level is None:
            level = self.levels[index] = Level(index, price)
            self.bits |= 1 << index
            level.head = order
        else:
            tail = level.tail
            assert tail is not None  # a level holds at least one order
            tail.next = order
            order.prev = tail
        level.tail = order
        level.qty += qty
        self.blocks[index >> BLOCK_BITS] += qty
        order.level = level
        if level.joined == RUN:
            level.begin_run()
        level.joined += 1
        run = level.run
        if run is not None:
            order.run = run
            run.left += 1
            run.qty += qty

    def remove(self, order: Order) -> None:
        """Take ``order`` and its remaining quantity out of its level."""
        level = order.level
        assert level is not None  # only a resting order is removed
        before, behind = order.prev, order.next
        if before is None:
            level.head = behind
        else:
            before.next = behind
        if behind is None:
            level.tail = before
        else:
            behind.prev = before
        order.prev = order.next = order.level = order.skip = None
        level.qty -= order.remaining
        self.blocks[level.index >> BLOCK_BITS] -= order.remaining
        if order.run is not None:
            level.leave_run(order, order.run)
        if level.head is None:
            del self.levels[level.index]
            self.bits ^= 1 << level.index

    def shrink(self, order: Order, qty: Qty) -> None:
        """Reduce a resting order's remaining quantity by ``qty``; it keeps its place."""
        level = order.level
        assert level is not None  # it rests
        order.remaining -= qty
        if order.run is not None:
            order.run.qty -= qty
        level.qty -= qty
        self.blocks[level.index >> BLOCK_BITS] -= qty

    def from_index(self, index: int) -> Qty:
        """Return the quantity that rests at this level and better ones."""
        block = index >> BLOCK_BITS
        total = sum(self.blocks[block + 1 :])
        for one in range(index, (block + 1) << BLOCK_BITS):
            level = self.levels.get(one)
            if level is not None:
                total += level.qty
        return total

    def __iter__(self) -> Iterator[Level]:
        """Yield the levels, best first."""
        for index in sorted(self.levels, reverse=True):
            yield self.levels[index]


class Book:
    """Bids and asks of one market."""

    __slots__ = ("asks", "bids")

    def __init__(self, tick: Price) -> None:
        self.bids = BookSide(True, tick)
        self.asks = BookSide(False, tick)

    def side(self, is_buy: bool) -> BookSide:
        """Return the side where orders of that direction rest."""
        return self.bids if is_buy else self.asks

    def opposite(self, is_buy: bool) -> BookSide:
        """Return the side that an order of that direction trades against."""
        return self.asks if is_buy else self.bids

    def crosses(self, is_buy: bool, price: Price) -> bool:
        """Tell whether an order at ``price`` would meet the best opposite price."""
        level = self.opposite(is_buy).best()
        if level is None:
            return False
        return price >= level.price if is_buy else price <= level.price

    @property
    def empty(self) -> bool:
        """Tell whether nothing rests."""
        return not (self.bids.bits or self.asks.bits)

    def orders(self) -> Iterator[Order]:
        """Yield every resting order, bids first, best level first."""
        for side in (self.bids, self.asks):
            for level in side:
                yield from level


def cancel_status(reason: CancelReason) -> OrderStatus:
    """Return the final status that goes with a reason."""
    return OrderStatus.EXPIRED if reason is CancelReason.EXPIRED else OrderStatus.CANCELED
