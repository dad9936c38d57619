"""The price ladder's content, row by row, and the effect of a click. Needs no terminal.

A price's row has the resting size, the trader's own size and the quantity ahead of it, the traded
volume, and the gain from closing the whole position at that price. All are integers of
predmarket.units.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple, TypeAlias

from predmarket.enums import Side
from predmarket.units import PRICE_ONE, QTY_ONE, Money, Price, Qty

FALLEN, RISEN, SAME = "▼", "▲", "●"


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """One of the trader's working orders; ``ahead`` is the quantity ahead of it at its price."""

    id: int
    side: Side
    price: Price
    remaining: Qty
    ahead: Qty | None = None


@dataclass(slots=True)
class LadderData:
    """The ladder's data; it is read once a frame and may change in between.

    ``size`` and ``second`` are indices into ``sizes``: the sizes that a left and a right click
    place. ``live`` False means that the book may be wrong. ``halted`` is the reason of a halt.
    Another ``market`` resets the ladder: it is centred again, without a cursor.
    """

    market: int | None = None
    tick: Price = 100
    bids: Mapping[Price, Qty] = field(default_factory=dict)
    asks: Mapping[Price, Qty] = field(default_factory=dict)
    last: Price | None = None
    last_up: bool | None = None
    traded: Mapping[Price, Qty] = field(default_factory=dict)
    own: Sequence[OwnOrder] = ()
    own_of: object = None
    """What ``own`` was made of, for whoever makes it to compare."""
    position_yes: Qty = 0
    position_no: Qty = 0
    cost_yes: Money = 0
    cost_no: Money = 0
    sizes: tuple[Qty, ...] = tuple(n * QTY_ONE for n in (10, 25, 50, 100, 250))
    size: int = 0
    second: int = 1
    armed: bool = False
    live: bool = True
    halted: str | None = None


class Row(NamedTuple):
    """One price. ``gain`` is None without a position, ``ahead_*`` None if it is unknown.

    ``depth_*`` is the resting size from the best price to here, None if it is not shown.
    """

    price: Price
    bid: Qty
    ask: Qty
    mine_bid: Qty
    mine_ask: Qty
    ahead_bid: Qty | None
    ahead_ask: Qty | None
    traded: Qty
    gain: Money | None
    buy_takes: bool
    """Whether a buy at this price would trade at once, as would one at the best ask."""
    sell_takes: bool
    inside: bool
    """Whether it lies between two best prices."""
    best_bid: bool
    best_ask: bool
    depth_bid: Qty | None
    depth_ask: Qty | None
    mark: str
    """▲ ▼ ● where the last trade was, else empty."""

    def resting(self, side: Side) -> Qty:
        """Return the resting size on ``side``."""
        return self.bid if side is Side.BUY else self.ask

    def depth(self, side: Side) -> Qty | None:
        """Return the resting size from the best price of ``side`` to here."""
        return self.depth_bid if side is Side.BUY else self.depth_ask

    def ahead(self, side: Side) -> Qty | None:
        """Return the quantity ahead of the trader's orders here."""
        return self.ahead_bid if side is Side.BUY else self.ahead_ask

    def mine(self, side: Side) -> Qty:
        """Return the trader's own size."""
        return self.mine_bid if side is Side.BUY else self.mine_ask

    def takes(self, side: Side) -> bool:
        """Return whether an order of ``side`` at this price would trade at once."""
        return self.buy_takes if side is Side.BUY else self.sell_takes


class Own(NamedTuple):
    """One's own orders of one side at one price."""

    ids: tuple[int, ...]
    remaining: Qty
    ahead: Qty | None
    """What stands before the first of them."""


class Place(NamedTuple):
    """Wanted: an order of the first (0) or second (1) size."""

    side: Side
    price: Price
    qty_index: int


class Cancel(NamedTuple):
    """Wanted: these orders gone."""

    side: Side
    price: Price
    ids: tuple[int, ...]


class Move(NamedTuple):
    """Wanted: move these orders to another price."""

    side: Side
    price: Price
    ids: tuple[int, ...]
    to: Price


class CancelAll(NamedTuple):
    """Wanted: every order of a side gone."""

    side: Side


Intent: TypeAlias = Place | Cancel | Move | CancelAll


Facts: TypeAlias = tuple[Qty, Qty, Qty, Own, Own, Qty | None, Qty | None]
"""Of one price: bids, asks, traded, own buys, own sells, and the depths of bids and asks."""


def gain_at(data: LadderData, price: Price) -> Money | None:
    """Return what selling the YES shares at ``price``, and the NO at the rest of 1, would gain.

    None without a share. Fees are not in it.
    """
    if not data.position_yes and not data.position_no:
        return None
    worth = data.position_yes * price + data.position_no * (PRICE_ONE - price)
    return worth - data.cost_yes - data.cost_no


class Depth:
    """What rests on one side from its best price to any other."""

    __slots__ = ("_keys", "_sums")

    def __init__(self, levels: Mapping[Price, Qty], side: Side) -> None:
        sign = -1 if side is Side.BUY else 1
        self._keys = sorted(sign * price for price in levels)
        self._sums = list(accumulate(levels[sign * key] for key in self._keys))

    def at(self, key: int) -> Qty:
        """Return the sum up to a price, which is given negative for bids; 0 beyond the last."""
        index = bisect_right(self._keys, key)
        if index == 0 or key > self._keys[-1]:
            return 0
        return self._sums[index - 1]


class LadderView:
    """The ladder at one moment: best prices, own orders by cell, rows on demand."""

    __slots__ = (
        "_asks", "_bids", "_buys", "_sells", "best_ask", "best_bid", "common", "cumulative", "data",
    )  # fmt: skip

    def __init__(self, data: LadderData, *, cumulative: bool = False) -> None:
        self.data = data
        self.cumulative = cumulative
        self.best_bid = max(data.bids, default=None)
        self.best_ask = min(data.asks, default=None)
        self._buys = _by_price(data.own, Side.BUY)
        self._sells = _by_price(data.own, Side.SELL)
        self._bids = Depth(data.bids, Side.BUY) if cumulative else None
        self._asks = Depth(data.asks, Side.SELL) if cumulative else None
        self.common = (
            self.best_bid, self.best_ask, data.last, data.last_up, data.position_yes,
            data.position_no, data.cost_yes, data.cost_no,
        )  # fmt: skip
        """What every row is made of beside its own facts."""

    @property
    def spread(self) -> Price | None:
        """Return the distance of the best prices, None where one is missing."""
        if self.best_bid is None or self.best_ask is None:
            return None
        return self.best_ask - self.best_bid

    @property
    def middle(self) -> Price | None:
        """Return the price to look at first, None where nothing has a price yet."""
        bid, ask, tick = self.best_bid, self.best_ask, self.data.tick
        if bid is not None and ask is not None:
            return (bid + ask) // 2 // tick * tick
        return self.data.last or bid or ask

    def facts(self, prices: Iterable[Price]) -> list[Facts]:
        """Return what the rows of prices are made of, beside what is common to all."""
        bids, asks, traded = self.data.bids.get, self.data.asks.get, self.data.traded.get
        buys, sells, below, above = self._buys.get, self._sells.get, self._bids, self._asks
        return [
            (
                bids(price, 0),
                asks(price, 0),
                traded(price, 0),
                buys(price, _NOTHING),
                sells(price, _NOTHING),
                below.at(-price) if below else None,
                above.at(price) if above else None,
            )
            for price in prices
        ]

    def row(self, price: Price) -> Row:
        """Return what stands at ``price``."""
        return self.row_of(price, self.facts([price])[0])

    def row_of(self, price: Price, facts: Facts) -> Row:
        """Return what stands at ``price``: of ``facts`` and what is common, and of nothing else."""
        data, bid, ask = self.data, self.best_bid, self.best_ask
        resting_bid, resting_ask, traded, buys, sells, depth_bid, depth_ask = facts
        mark = ""
        if price == data.last:
            mark = SAME if data.last_up is None else RISEN if data.last_up else FALLEN
        return Row(
            price=price,
            bid=resting_bid,
            ask=resting_ask,
            mine_bid=buys.remaining,
            mine_ask=sells.remaining,
            ahead_bid=buys.ahead,
            ahead_ask=sells.ahead,
            traded=traded,
            gain=gain_at(data, price),
            buy_takes=ask is not None and price >= ask,
            sell_takes=bid is not None and price <= bid,
            inside=bid is not None and ask is not None and bid < price < ask,
            best_bid=price == bid,
            best_ask=price == ask,
            depth_bid=depth_bid,
            depth_ask=depth_ask,
            mark=mark,
        )

    def working(self, side: Side) -> Qty:
        """Return the sum of one's own orders of a side."""
        return sum(order.remaining for order in self.data.own if order.side is side)

    def ids(self, side: Side) -> tuple[int, ...]:
        """Return one's own orders of a side."""
        return tuple(order.id for order in self.data.own if order.side is side)

    def cancel(self, side: Side, price: Price) -> Cancel | None:
        """Return the wish to cancel what is one's own in a cell, None where nothing is."""
        own = (self._buys if side is Side.BUY else self._sells).get(price)
        return Cancel(side, price, own.ids) if own else None

    def move(self, side: Side, price: Price, to: Price) -> Move | None:
        """Return the wish to move one's own orders of a cell; None without orders or a valid
        price."""
        own = (self._buys if side is Side.BUY else self._sells).get(price)
        inside = self.data.tick <= to <= PRICE_ONE - self.data.tick
        return Move(side, price, own.ids, to) if own and inside and to != price else None

    def touch(self, side: Side, better: int) -> Price | None:
        """Return the best price of a side, improved by ``better`` ticks.

        None without a best price, or when an order there would take.
        """
        best = self.best_bid if side is Side.BUY else self.best_ask
        if best is None:
            return None
        price = best + better * self.data.tick * (1 if side is Side.BUY else -1)
        inside = self.data.tick <= price <= PRICE_ONE - self.data.tick
        return price if inside and not self.row(price).takes(side) else None

    def levels(self, side: Side) -> Iterator[tuple[Price, Qty]]:
        """Yield the levels of a side, the best first."""
        book = self.data.bids if side is Side.BUY else self.data.asks
        for price in sorted(book, reverse=side is Side.BUY):
            yield price, book[price]


_NOTHING = Own((), 0, None)


def _by_price(orders: Sequence[OwnOrder], side: Side) -> dict[Price, Own]:
    found: dict[Price, Own] = {}
    for order in orders:
        if order.side is side:
            ids, remaining, ahead = found.get(order.price, _NOTHING)
            known = [qty for qty in (ahead, order.ahead) if qty is not None]
            own = Own((*ids, order.id), remaining + order.remaining, min(known, default=None))
            found[order.price] = own
    return found
