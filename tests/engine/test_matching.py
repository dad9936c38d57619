"""Walking the book: self-trade prevention, fill-or-kill, immediate-or-cancel, the collar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predmarket.engine.book import Book, Order
from predmarket.engine.matching import collar
from predmarket.enums import Side
from predmarket.units import PRICE_ONE, TICK_SIZES
from tests.engine.desk import A, B, C, Desk, code, placed
from tests.engine.translate import EventTuple

KINDS = ("GTC", "IOC", "FOK", "MARKET")
MODES = ("SKIP", "CANCEL_MAKER", "CANCEL_TAKER", "CANCEL_BOTH")


def _own_between(kind: str, mode: str, qty: str) -> Desk:
    """Return a desk where A takes from B 1 @ 0.50, A's own 1 @ 0.51, and B 1 @ 0.52."""
    desk = Desk()
    desk.place(B, "SELL", "1", "0.50")
    desk.place(A, "SELL", "1", "0.51")
    desk.place(B, "SELL", "1", "0.52")
    if kind == "MARKET":
        desk.place(A, "BUY", qty, stp=mode, slippage="0.05")
    else:
        desk.place(A, "BUY", qty, "0.55", tif=kind, stp=mode)
    return desk


TAKES_FIRST = [(4, 1, "0.5000", "1")]
TAKES_BOTH = [*TAKES_FIRST, (4, 3, "0.5200", "1")]


@pytest.mark.parametrize("kind", ["GTC", "IOC", "MARKET"])
@pytest.mark.parametrize("mode", MODES)
def test_who_is_traded_with(kind: str, mode: str) -> None:
    """SKIP and CANCEL_MAKER trade past the user's own order; the other modes end there."""
    desk = _own_between(kind, mode, "3")
    passes = mode in ("SKIP", "CANCEL_MAKER")
    assert desk.trades == (TAKES_BOTH if passes else TAKES_FIRST)


REMAINDER = {"GTC": "SELF_TRADE", "IOC": "IOC", "MARKET": "MARKET_REMAINDER"}


@pytest.mark.parametrize("kind", ["GTC", "IOC", "MARKET"])
@pytest.mark.parametrize("mode", MODES)
def test_who_is_cancelled_and_why(kind: str, mode: str) -> None:
    """The mode decides which order is cancelled; only remainders have other reasons."""
    desk = _own_between(kind, mode, "3")
    maker: EventTuple = ("ORDER_CANCELED", 2, "SELF_TRADE")
    taker: EventTuple = ("ORDER_CANCELED", 4, "SELF_TRADE")
    remainder: EventTuple = ("ORDER_CANCELED", 4, REMAINDER[kind])
    expected = {
        "SKIP": [remainder],
        "CANCEL_MAKER": [maker] if kind == "GTC" else [maker, remainder],
        "CANCEL_TAKER": [taker],
        "CANCEL_BOTH": [maker, taker],
    }
    assert [row for row in desk.rows if row[0] == "ORDER_CANCELED"] == expected[mode]
    rests = {"SKIP": [2], "CANCEL_MAKER": [4] if kind == "GTC" else []}
    assert desk.queue() == rests.get(mode, [2, 3] if mode == "CANCEL_TAKER" else [3])


@pytest.mark.parametrize("kind", ["FOK", "MARKET_FOK"])
@pytest.mark.parametrize("mode", MODES)
def test_fok_counts_what_its_mode_lets_it_take(kind: str, mode: str) -> None:
    """FOK never counts own orders, and in two modes nothing behind them.

    A rejected FOK cancels no order.
    """
    desk = Desk()
    desk.place(B, "SELL", "1", "0.50")
    desk.place(A, "SELL", "1", "0.51")
    desk.place(B, "SELL", "1", "0.52")
    price = "0.55" if kind == "FOK" else None
    too_much = desk.place(A, "BUY", "2.01", price, tif="FOK", stp=mode)
    assert code(too_much) == "FOK_NOT_FILLABLE"
    assert desk.queue() == [1, 2, 3]
    exact = desk.place(A, "BUY", "2", price, tif="FOK", stp=mode)
    if mode in ("SKIP", "CANCEL_MAKER"):
        assert placed(exact).status == "FILLED"
        assert desk.queue() == ([2] if mode == "SKIP" else [])
    else:
        assert code(exact) == "FOK_NOT_FILLABLE"
        assert desk.queue() == [1, 2, 3]
        assert placed(desk.place(A, "BUY", "1", price, tif="FOK", stp=mode)).status == "FILLED"


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_fok_counts_no_worse_price(side: str) -> None:
    """FOK does not count orders beyond its limit."""
    desk = Desk()
    maker, prices = ("SELL", ("0.50", "0.51")) if side == "BUY" else ("BUY", ("0.50", "0.49"))
    for price in prices:
        desk.place(B, maker, "1", price)
    assert code(desk.place(A, side, "2", prices[0], tif="FOK")) == "FOK_NOT_FILLABLE"
    assert placed(desk.place(A, side, "2", prices[1], tif="FOK")).status == "FILLED"


def test_ioc_takes_and_leaves_nothing() -> None:
    """An IOC order fills what it can; the remainder is cancelled and its lock released."""
    desk = Desk()
    desk.place(B, "SELL", "1", "0.50")
    done = placed(desk.place(A, "BUY", "3", "0.60", tif="IOC"))
    assert (done.status, done.reason, done.filled) == ("CANCELED", "IOC", 100)
    assert desk.book() == ([], [])
    assert desk.money(A) == ("99.500000", "0.000000")


def test_skip_rests_where_it_does_not_cross() -> None:
    """SKIP rests an order below the user's own order that it would cross."""
    desk = Desk()
    desk.place(A, "SELL", "1", "0.55")
    desk.place(B, "SELL", "1", "0.50")
    done = placed(desk.place(A, "BUY", "2", "0.54"))
    assert done.status == "PARTIALLY_FILLED"
    assert desk.book() == ([("0.5400", "1")], [("0.5500", "1")])


def test_an_own_order_within_a_level_is_passed_over() -> None:
    """SKIP fills the order behind the user's own, which keeps its place."""
    desk = Desk()
    desk.place(A, "SELL", "1", "0.50")
    desk.place(B, "SELL", "1", "0.50")
    desk.place(C, "SELL", "1", "0.50")
    desk.place(A, "BUY", "1", "0.50", tif="IOC")
    assert desk.trades == [(4, 2, "0.5000", "1")]
    assert desk.queue() == [1, 3]


@pytest.mark.parametrize(
    ("side", "best", "slippage", "tick", "expected"),
    [
        ("BUY", 5000, 1000, 100, 6000),
        ("SELL", 5000, 1000, 100, 4000),
        # off the tick: rounded towards the best price
        ("BUY", 5000, 333, 100, 5300),
        ("SELL", 5000, 333, 100, 4700),
        ("BUY", 5000, 399, 100, 5300),
        ("SELL", 5000, 399, 100, 4700),
        ("BUY", 5000, 99, 100, 5000),
        ("SELL", 5000, 99, 100, 5000),
        ("BUY", 5000, 0, 100, 5000),
        ("SELL", 5000, 0, 100, 5000),
        # clamped to the valid prices
        ("BUY", 9900, 1000, 100, 9900),
        ("SELL", 100, 1000, 100, 100),
        ("BUY", 9800, 9999, 100, 9900),
        ("SELL", 200, 9999, 100, 100),
        ("BUY", 100, 1000, 100, 1100),
        ("SELL", 9900, 1000, 100, 8900),
        # the coarsest and the finest tick
        ("BUY", 5000, 1000, 1000, 6000),
        ("SELL", 5000, 1999, 1000, 4000),
        ("BUY", 9000, 5000, 1000, 9000),
        ("SELL", 1000, 5000, 1000, 1000),
        ("BUY", 5000, 333, 1, 5333),
        ("SELL", 5000, 333, 1, 4667),
        ("BUY", 9999, 1, 1, 9999),
        ("SELL", 1, 1, 1, 1),
    ],
)
def test_the_collar(side: str, best: int, slippage: int, tick: int, expected: int) -> None:
    """The collar is the best price ± slippage, rounded to a tick towards the best price."""
    is_buy = side == "BUY"
    book = Book(tick)
    book.side(not is_buy).add(Order(1, B, 1, Side.SELL if is_buy else Side.BUY, best, 100))
    assert collar(book, is_buy, slippage, tick) == expected


@given(
    is_buy=st.booleans(),
    tick=st.sampled_from(sorted(TICK_SIZES)),
    ticks=st.integers(1, 9_999),
    slippage=st.integers(0, 9_999),
)
def test_the_collar_everywhere(*, is_buy: bool, tick: int, ticks: int, slippage: int) -> None:
    """The collar is valid, on the tick and within the slippage; a tick further is not."""
    best = tick * (1 + (ticks - 1) % (PRICE_ONE // tick - 1))
    book = Book(tick)
    book.side(not is_buy).add(Order(1, B, 1, Side.SELL if is_buy else Side.BUY, best, 100))
    price = collar(book, is_buy, slippage, tick)
    assert price is not None
    assert 0 < price < PRICE_ONE
    assert price % tick == 0
    away = price - best if is_buy else best - price
    assert 0 <= away <= slippage
    further = price + tick if is_buy else price - tick
    assert away + tick > slippage or not 0 < further < PRICE_ONE


def test_the_collar_starts_at_an_own_order_too() -> None:
    """The collar starts at the best opposite price, whoever owns it."""
    desk = Desk()
    desk.place(A, "SELL", "1", "0.40")
    desk.place(B, "SELL", "1", "0.50")
    desk.place(B, "SELL", "1", "0.51")
    desk.place(A, "BUY", "2", slippage="0.10")
    assert desk.trades == [(4, 2, "0.5000", "1")]


def test_no_collar_without_the_other_side() -> None:
    """There is no collar when the other side is empty."""
    assert collar(Book(100), True, 1000, 100) is None


def test_a_market_order_locks_at_its_collar() -> None:
    """A market order locks the money of its collar price, even if it trades at a better one."""
    desk = Desk(credit="6")
    desk.place(B, "SELL", "10", "0.50")
    refused = desk.place(A, "BUY", "10", slippage="0.1001")
    assert code(refused) is None
    again = Desk(credit="5.99")
    again.place(B, "SELL", "10", "0.50")
    assert code(again.place(A, "BUY", "10", slippage="0.10")) == "INSUFFICIENT_FUNDS"
    assert code(again.place(A, "BUY", "10", slippage="0.09")) is None
