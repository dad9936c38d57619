"""The order book: levels, queues, priorities, and the cost of a change."""

from typing import ClassVar

import pytest

from predmarket.engine.book import Book, BookSide, Order
from predmarket.enums import Side
from tests.engine.desk import A, B, C, Desk, placed


def test_add_to_both_sides() -> None:
    """Bids and asks that do not cross rest, sorted best first."""
    desk = Desk()
    for side, price in (("BUY", "0.40"), ("BUY", "0.45"), ("SELL", "0.60"), ("SELL", "0.55")):
        desk.place(A, side, "1", price)
    desk.place(B, "BUY", "2", "0.45")
    assert desk.book() == (
        [("0.4500", "3"), ("0.4000", "1")],
        [("0.5500", "1"), ("0.6000", "1")],
    )


def test_crossed_orders_match() -> None:
    """A crossing order trades at the resting order's price."""
    desk = Desk()
    desk.place(A, "SELL", "5", "0.40")
    done = placed(desk.place(B, "BUY", "5", "0.45"))
    assert desk.trades == [(2, 1, "0.4000", "5")]
    assert done.status == "FILLED"
    assert desk.book() == ([], [])


def test_partial_fills() -> None:
    """The unfilled remainder rests, on either side."""
    desk = Desk()
    desk.place(A, "SELL", "5", "0.40")
    desk.place(B, "BUY", "2", "0.40")
    assert desk.book() == ([], [("0.4000", "3")])
    done = placed(desk.place(C, "BUY", "4", "0.40"))
    assert (done.status, done.filled) == ("PARTIALLY_FILLED", 300)
    assert desk.book() == ([("0.4000", "1")], [])


def test_market_sweep_within_the_collar() -> None:
    """A market order fills level after level up to its collar."""
    desk = Desk()
    for price in ("0.50", "0.55", "0.60", "0.61"):
        desk.place(B, "SELL", "1", price)
    done = placed(desk.place(A, "BUY", "10", slippage="0.10"))
    assert desk.trades == [
        (5, 1, "0.5000", "1"),
        (5, 2, "0.5500", "1"),
        (5, 3, "0.6000", "1"),
    ]
    assert (done.status, done.reason, done.price) == ("CANCELED", "MARKET_REMAINDER", None)
    assert desk.book() == ([], [("0.6100", "1")])


def test_cancel_removes() -> None:
    """A cancelled order leaves its level and trades no more."""
    desk = Desk()
    desk.place(A, "BUY", "1", "0.50")
    desk.place(B, "BUY", "2", "0.50")
    desk.cancel(A, 1)
    assert desk.book() == ([("0.5000", "2")], [])
    desk.place(C, "SELL", "3", "0.50")
    assert desk.trades == [(2, 3, "0.5000", "2")]


def test_self_trade_prevention_blocks_the_match() -> None:
    """Nobody trades with themselves, and the book does not become crossed."""
    desk = Desk()
    desk.place(A, "SELL", "1", "0.50")
    done = placed(desk.place(A, "BUY", "1", "0.50"))
    assert desk.trades == []
    assert (done.status, done.reason) == ("CANCELED", "SELF_TRADE")
    assert desk.book() == ([], [("0.5000", "1")])


@pytest.mark.parametrize("maker", ["BUY", "SELL"])
def test_fifo_within_a_level(maker: str) -> None:
    """Orders at one price fill in the order of their arrival."""
    desk = Desk()
    for user in (A, B, A):
        desk.place(user, maker, "1", "0.50")
    assert desk.queue() == [1, 2, 3]
    desk.place(C, "SELL" if maker == "BUY" else "BUY", "2.5", "0.50")
    first, second, third = desk.trades
    made = 0 if maker == "BUY" else 1
    assert [first[made], second[made], third[made]] == [1, 2, 3]
    assert third[3] == "0.50"


def test_better_prices_come_before_earlier_orders() -> None:
    """Price takes precedence over time."""
    desk = Desk()
    desk.place(A, "SELL", "1", "0.52")
    desk.place(B, "SELL", "1", "0.51")
    desk.place(C, "BUY", "2", "0.55")
    assert desk.trades == [(3, 2, "0.5100", "1"), (3, 1, "0.5200", "1")]


@pytest.mark.parametrize("tick", [1000, 100, 10, 1])
@pytest.mark.parametrize("is_buy", [True, False])
def test_the_edges_of_the_grid(tick: int, is_buy: bool) -> None:
    """The lowest and the highest price of any tick have levels, and the best one fills first."""
    side = BookSide(is_buy, tick)
    low, high = _order(1, is_buy, tick), _order(2, is_buy, 10_000 - tick)
    for order in (low, high):
        side.add(order)
    best, worst = (high, low) if is_buy else (low, high)
    assert [level.price for level in side] == [best.price, worst.price]
    top = side.best()
    assert top is not None
    assert top.price == best.price
    below = side.after(top.index)
    assert below is not None
    assert below.price == worst.price
    assert side.after(below.index) is None


def test_an_empty_level_is_gone() -> None:
    """A level exists if and only if an order rests in it."""
    side = BookSide(True, 100)
    orders = [_order(id, True, 5000) for id in (1, 2)]
    for order in orders:
        side.add(order)
    side.remove(orders[0])
    assert [level.qty for level in side] == [100]
    side.remove(orders[1])
    assert (side.bits, side.levels, side.best()) == (0, {}, None)


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_removing_anywhere_keeps_the_queue(gone: int) -> None:
    """Removing the first, middle or last order keeps the order of the others."""
    side = BookSide(False, 100)
    orders = [_order(id, False, 5000) for id in range(3)]
    for order in orders:
        side.add(order)
    side.remove(orders[gone])
    (level,) = side
    assert [order.id for order in level] == [id for id in range(3) if id != gone]
    late = _order(9, False, 5000)
    side.add(late)
    assert list(level)[-1] is late
    assert level.qty == 300


class _Watched(Order):
    """An order that records every read and write of its neighbours."""

    __slots__ = ()
    touched: ClassVar[set[int]] = set()

    def __getattribute__(self, name: str) -> object:
        if name != "id":
            _Watched.touched.add(object.__getattribute__(self, "id"))
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name != "id":
            _Watched.touched.add(object.__getattribute__(self, "id"))
        object.__setattr__(self, name, value)


def test_a_cancel_amid_ten_thousand_touches_its_neighbours_alone() -> None:
    """Removing the middle of a long queue accesses three orders."""
    side = BookSide(True, 100)
    orders = [_Watched(id, A, 1, Side.BUY, 5000, 100) for id in range(10_000)]
    for order in orders:
        side.add(order)
    _Watched.touched = set()
    side.remove(orders[5_000])
    assert _Watched.touched == {4_999, 5_000, 5_001}


def test_adding_to_a_long_queue_touches_its_end_alone() -> None:
    """Adding an order behind ten thousand accesses only the last."""
    side = BookSide(True, 100)
    for id in range(10_000):
        side.add(_Watched(id, A, 1, Side.BUY, 5000, 100))
    late = _Watched(10_000, A, 1, Side.BUY, 5000, 100)
    _Watched.touched = set()
    side.add(late)
    assert _Watched.touched == {9_999, 10_000}


def test_crosses_at_the_touch() -> None:
    """An order crosses at the best opposite price and not a tick before it."""
    book = Book(100)
    book.asks.add(_order(1, False, 5000))
    book.bids.add(_order(2, True, 4000))
    assert [book.crosses(True, price) for price in (4900, 5000, 5100)] == [False, True, True]
    assert [book.crosses(False, price) for price in (4100, 4000, 3900)] == [False, True, True]
    assert not Book(100).crosses(True, 9900)


def _order(id: int, is_buy: bool, price: int) -> Order:
    return Order(id, A, 1, Side.BUY if is_buy else Side.SELL, price, 100)
