"""The ladder's state: profits, queues, the axis, shortened numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predmarket.enums import Side
from predmarket.tui.state.axis import Axis
from predmarket.tui.state.formatting import (
    MONEY_CELLS,
    SIZE_CELLS,
    decimals_of,
    gain_text,
    price_text,
    size_text,
)
from predmarket.tui.state.ladder import (
    Cancel,
    CancelAll,
    Depth,
    LadderData,
    LadderView,
    OwnOrder,
    Place,
    gain_at,
)
from predmarket.tui.state.ladder_text import describe
from predmarket.units import PRICE_ONE, QTY_ONE
from tests.tui.books import sketch


@pytest.mark.parametrize(
    ("yes", "no", "cost_yes", "cost_no", "price", "gain"),
    [
        (7_000, 0, 42_000_000, 0, 6_000, 0),
        (7_000, 0, 42_000_000, 0, 6_100, 700_000),
        (7_000, 0, 42_000_000, 0, 5_900, -700_000),
        (0, 7_000, 0, 28_000_000, 6_000, 0),
        (0, 7_000, 0, 28_000_000, 6_100, -700_000),
        (0, 7_000, 0, 28_000_000, 1, 7_000 * 9_999 - 28_000_000),
        (100, 100, 600_000, 400_000, 1, 0),
        (100, 100, 600_000, 400_000, 9_999, 0),
        (1, 0, 3_333, 0, 3_334, 1),
    ],
)
def test_closing_sells_yes_at_the_price_and_no_at_the_rest(
    yes: int, no: int, cost_yes: int, cost_no: int, price: int, gain: int
) -> None:
    """Closing profits are exact integers; a pair is worth 1 at every price."""
    data = LadderData(position_yes=yes, position_no=no, cost_yes=cost_yes, cost_no=cost_no)
    assert gain_at(data, price) == gain


def test_nothing_held_gains_nothing() -> None:
    """Without shares there is no number."""
    assert gain_at(LadderData(), 5_000) is None


@pytest.mark.parametrize(
    ("qty", "text"),
    [
        *[(1, "0.01"), (1_000, "10"), (1_225, "12.25"), (99_999, "999.9"), (100_001, "1000")],
        *[(999_999, "9999"), (1_000_000, "10.0k"), (1_259_999, "12.5k"), (9_999_999, "99.9k")],
        *[(10_000_000, "100k"), (100_000_000, "1.00M"), (12_345_678_900, "123M")],
    ],
)
def test_sizes_are_cut_toward_zero(qty: int, text: str) -> None:
    """A shown size never exceeds the actual one."""
    assert size_text(qty) == text


@pytest.mark.parametrize(
    ("money", "text"),
    [
        *[(0, "0.00"), (9_999, "0.00"), (700_000, "+0.70"), (-1_234_500_000, "-1234.50")],
        *[(12_345_000_000, "+12.34k"), (-999_999_000_000, "-999.99k")],
        *[(1_500_000_000_000, "+1.50M")],
    ],
)
def test_gains_carry_their_sign(money: int, text: str) -> None:
    """A profit has a plus, a minus, or no sign at zero."""
    assert gain_text(money) == text


@given(st.integers(min_value=0, max_value=10**16))
def test_no_number_is_wider_than_its_column(number: int) -> None:
    """Numbers fit their columns, beyond the largest possible account."""
    assert len(size_text(number)) <= SIZE_CELLS
    assert len(gain_text(number)) <= MONEY_CELLS
    assert len(gain_text(-number)) <= MONEY_CELLS


@pytest.mark.parametrize(
    ("tick", "text"), [(1000, "0.5"), (100, "0.50"), (10, "0.500"), (1, "0.5000")]
)
def test_a_price_is_as_fine_as_its_tick(tick: int, text: str) -> None:
    """A price has the decimals of its tick, from one to four."""
    assert price_text(5_000, tick) == text
    assert decimals_of(tick) == len(text) - 2


def test_orders_of_one_cell_are_one_number() -> None:
    """A cell's sizes add up; its queue is the one before its first order."""
    orders = [
        OwnOrder(4, Side.BUY, 5_000, 300, 900),
        OwnOrder(5, Side.BUY, 5_000, 200, 400),
        OwnOrder(6, Side.BUY, 5_000, 100, None),
        OwnOrder(7, Side.SELL, 5_000, 50, None),
    ]
    view = LadderView(LadderData(own=orders))
    row = view.row(5_000)
    assert (row.mine_bid, row.ahead_bid) == (600, 400)
    assert (row.mine_ask, row.ahead_ask) == (50, None)
    assert view.cancel(Side.BUY, 5_000) == Cancel(Side.BUY, 5_000, (4, 5, 6))
    assert view.cancel(Side.BUY, 4_900) is None


def test_depth_adds_up_from_the_best_price_to_the_last() -> None:
    """Depth includes prices between levels, and is empty beyond the last level."""
    bids = Depth({5_000: 10, 4_800: 20, 4_700: 30}, Side.BUY)
    assert [bids.at(-price) for price in (5_100, 5_000, 4_900, 4_800, 4_700, 4_600)] == [
        *(0, 10, 10, 30, 60, 0)
    ]
    asks = Depth({5_100: 1, 5_300: 2}, Side.SELL)
    assert [asks.at(price) for price in (5_000, 5_100, 5_200, 5_300, 5_400)] == [0, 1, 1, 3, 0]
    assert Depth({}, Side.BUY).at(-5_000) == 0


@pytest.mark.parametrize("tick", [1000, 100, 10, 1])
def test_the_axis_shows_every_price_once(tick: int) -> None:
    """Scrolling from end to end shows each price once and stops at the ends."""
    axis = Axis(tick, rows=7)
    seen = set()
    axis.scroll(-10_000)
    for _ in range(axis.count):
        seen |= {axis.price(row) for row in range(axis.shown)}
        axis.scroll(1)
    assert seen == set(range(tick, PRICE_ONE, tick))
    assert axis.lowest == tick
    assert all(axis.row(axis.price(row)) == row for row in range(axis.shown))


def test_the_axis_keeps_its_middle_when_it_is_resized() -> None:
    """A resize keeps the middle price."""
    axis = Axis(100, rows=9)
    axis.centre(3_000)
    axis.resize(31)
    assert axis.price(15) == 3_000
    axis.resize(99)
    assert (axis.highest, axis.lowest) == (9_900, 100)
    assert not axis.folded


def test_an_order_at_the_other_best_price_takes() -> None:
    """A buy takes from the best ask upward, a sell from the best bid downward."""
    view = LadderView(sketch())
    assert [view.row(price).takes(Side.BUY) for price in (6_000, 6_100, 6_200)] == [
        *(False, True, True)
    ]
    assert [view.row(price).takes(Side.SELL) for price in (6_100, 6_000, 5_900)] == [
        *(False, True, True)
    ]


def test_an_intent_says_what_it_does() -> None:
    """An intent has the text of hint, note and log."""
    view = LadderView(sketch())
    assert describe(Place(Side.BUY, 6_000, 0), view) == "BUY 10 at 0.60"
    assert describe(Place(Side.BUY, 6_200, 1), view) == "BUY 25 at 0.62 takes"
    assert describe(Cancel(Side.BUY, 5_800, (2,)), view) == "cancel BUY 25 at 0.58"
    assert describe(CancelAll(Side.BUY), view) == "cancel all BUY (2 orders, 35)"
    assert sum(order.remaining for order in sketch().own) == 85 * QTY_ONE
