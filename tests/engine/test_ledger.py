"""Locks, fills, fees, merges and positions, to the millionth of a dollar."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predmarket.engine.events import Match
from predmarket.engine.fees import exact_fee, fee_lock, rounded_up
from predmarket.units import MAX_RATE, PRICE_ONE, parse_money
from tests.engine.desk import A, B, C, Desk, after_example_1, placed

# --- locks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "price", "maker", "taker", "locked"),
    [
        ("BUY", "0.60", "0", "0", "6.000000"),
        ("SELL", "0.60", "0", "0", "4.000000"),
        # the larger of the two rates, at the price within the limit that is nearest 0.50
        ("BUY", "0.60", "0", "0.07", "6.175000"),
        ("BUY", "0.60", "0.07", "0", "6.175000"),
        ("BUY", "0.40", "0", "0.07", "4.168000"),
        ("SELL", "0.40", "0", "0.07", "6.175000"),
        ("SELL", "0.60", "0.07", "0.01", "4.168000"),
        # rounded up
        ("BUY", "0.33", "0", "0.0003", "3.300664"),
    ],
)
def test_what_an_order_locks(side: str, price: str, maker: str, taker: str, locked: str) -> None:
    """An order locks its open part at its limit, and its fee at the worst possible price."""
    desk = Desk(maker_fee=maker, taker_fee=taker)
    desk.place(A, side, "10", price)
    assert desk.money(A)[1] == locked


def test_the_close_part_locks_nothing() -> None:
    """Only the quantity beyond the free shares locks cash."""
    desk = after_example_1()
    desk.place(A, "SELL", "12", "0.60")
    assert desk.money(A) == ("93.200000", "0.800000")
    desk.place(B, "BUY", "12", "0.50")
    assert desk.money(B) == ("95.000000", "1.000000")


def test_a_better_price_returns_the_lock_at_once() -> None:
    """A partial fill at a better price leaves only the lock of the remainder."""
    desk = Desk(taker_fee="0.07")
    desk.place(B, "SELL", "4", "0.50")
    desk.place(A, "BUY", "10", "0.60")
    # 4 cost 2.00 and a fee of 0.07; 6 are left at 0.60 and the curve's top.
    assert desk.money(A) == ("94.225000", "3.705000")


# --- fees ----------------------------------------------------------------------------------


def _fees(desk: Desk) -> list[tuple[int, int]]:
    return [(event.buy_fee, event.sell_fee) for event in desk.events if isinstance(event, Match)]


def test_maker_and_taker_pay_their_own_rate() -> None:
    """The resting order pays the maker's rate, the incoming one the taker's."""
    desk = Desk(maker_fee="0.02", taker_fee="0.07")
    desk.place(A, "BUY", "10", "0.50")
    desk.place(B, "SELL", "10", "0.50")
    assert _fees(desk) == [(parse_money("0.05"), parse_money("0.175"))]
    assert desk.market.fees == parse_money("0.225")


def test_many_tiny_fills_cost_what_one_does() -> None:
    """The exact sum of an order's fees is rounded up once."""
    desk = Desk(taker_fee="0.0003")
    for _ in range(70):
        desk.place(B, "SELL", "0.01", "0.33")
    done = placed(desk.place(A, "BUY", "0.70", "0.33"))
    # 0.0003 × 0.70 × 0.33 × 0.67 dollars are 46.431 millionths.
    assert done.fees_paid == 47
    assert sum(fee for fee, _ in _fees(desk)) == 47
    assert {fee for fee, _ in _fees(desk)} == {0, 1}
    assert desk.exchange.state.ledger.fees == 47


def test_a_resting_order_sums_its_fees_over_its_takers() -> None:
    """A maker's fee sum spans its takers, and its lock follows."""
    desk = Desk(maker_fee="0.0003")
    desk.place(A, "BUY", "0.70", "0.33")
    assert desk.money(A)[1] == "0.231047"
    for _ in range(70):
        desk.place(B, "SELL", "0.01", "0.33")
    assert desk.money(A) == ("99.768953", "0.000000")


def test_fees_lower_the_realized_profit_at_the_fill() -> None:
    """Fees reduce the realized profit at the fill, and are not part of the cost."""
    desk = Desk(maker_fee="0.02", taker_fee="0.07")
    desk.place(A, "BUY", "10", "0.50")
    desk.place(B, "SELL", "10", "0.50")
    assert (desk.realized(A), desk.realized(B)) == ("-0.050000", "-0.175000")
    assert desk.position(A).cost_yes == parse_money("5")


@given(
    rate=st.integers(0, MAX_RATE),
    is_buy=st.booleans(),
    limit=st.integers(1, PRICE_ONE - 1),
    fills=st.lists(st.tuples(st.integers(1, 5_000), st.integers(0, 1 << 20)), max_size=8),
    rest=st.integers(0, 1_000),
)
def test_the_lock_always_covers_the_fees(
    *, rate: int, is_buy: bool, limit: int, fills: list[tuple[int, int]], rest: int
) -> None:
    """No fill within the limit needs more money than the order locks."""
    left = sum(qty for qty, _ in fills) + rest
    exact = 0
    lock = fee_lock(exact, rate, left, is_buy, limit)
    for qty, draw in fills:
        room = limit if is_buy else PRICE_ONE - limit
        away = draw % room
        price = limit - away if is_buy else limit + away
        before = rounded_up(exact)
        exact += exact_fee(rate, qty, price)
        left -= qty
        fee = rounded_up(exact) - before
        new_lock = fee_lock(exact, rate, left, is_buy, limit)
        assert fee + new_lock <= lock
        lock = new_lock


@given(
    rate=st.integers(0, MAX_RATE), qty=st.integers(1, 10**8), price=st.integers(1, PRICE_ONE - 1)
)
def test_the_fee_is_the_formula(rate: int, qty: int, price: int) -> None:
    """rate × qty × p × (1 − p) in dollars, rounded up to a millionth."""
    p = Fraction(price, 10**4)
    dollars = Fraction(rate, 10**4) * Fraction(qty, 100) * p * (1 - p)
    assert rounded_up(exact_fee(rate, qty, price)) == ceil(dollars * 10**6)


# --- merges and positions ------------------------------------------------------------------


def test_both_sides_are_booked_before_either_merges() -> None:
    """Both sides of a trade are booked before an open order's pairs merge."""
    desk = Desk()
    desk.place(A, "BUY", "5", "0.40")
    desk.place(A, "SELL", "5", "0.60")
    desk.place(B, "BUY", "5", "0.60")
    desk.place(B, "SELL", "5", "0.40", reduce_only=True)
    assert desk.rows == [
        ("ORDER_ACCEPTED", 4),
        ("MATCH", 2, 1, 4, "0.4000", "5.00", "SELL", "0.000000", "0.000000"),
        ("ORDER_FILLED", 1, "5.00"),
        ("ORDER_FILLED", 4, "5.00"),
        ("MERGED", A, 1, "5.00"),
    ]
    assert desk.money(A) == ("101.000000", "0.000000")
    assert desk.realized(A) == "1.000000"
    assert (desk.market.open_interest, desk.market.collateral) == (0, 0)


def test_merges_come_before_the_next_fill() -> None:
    """Within a sweep a pair merges before the next level is filled."""
    desk = Desk()
    desk.place(A, "BUY", "2", "0.40")
    desk.place(A, "SELL", "2", "0.60")
    desk.place(B, "BUY", "2", "0.60")
    desk.place(C, "BUY", "1", "0.39")
    desk.place(B, "SELL", "3", "0.39")
    kinds = [row[0] for row in desk.rows]
    assert kinds.index("MERGED") < len(kinds) - 1 - kinds[::-1].index("MATCH")


def test_reserved_shares_do_not_merge() -> None:
    """A user holds both shares at once while an order reserves one of them."""
    desk = after_example_1()
    desk.place(A, "SELL", "7", "0.90")
    desk.place(A, "SELL", "8", "0.40")
    desk.place(C, "BUY", "8", "0.40")
    # 3 of the 8 closed free YES; the other 5 opened NO beside 7 YES that are reserved.
    assert desk.shares(A) == ("7", "5")
    assert [row for row in desk.rows if row[0] == "MERGED"] == []


def test_a_maker_merges_at_the_fill_and_a_taker_at_a_release() -> None:
    """A trade merges pairs only for the maker: a taker's free shares are in its close part."""
    desk = Desk()
    desk.place(A, "SELL", "1", "0.50")
    desk.place(B, "BUY", "1", "0.50")  # A 1 NO, B 1 YES
    desk.place(A, "BUY", "1", "0.30")
    desk.place(A, "BUY", "1", "0.29")  # open part, since the first order reserves the NO share
    desk.place(B, "SELL", "1", "0.90")
    desk.cancel(A, 3)
    desk.place(B, "SELL", "1", "0.29")  # open part too, since the YES share is reserved
    assert [row[:2] for row in desk.rows if row[0] == "MERGED"] == [("MERGED", A)]
    desk.cancel(B, 5)
    assert [row[:2] for row in desk.rows if row[0] == "MERGED"] == [("MERGED", B)]
    assert desk.market.open_interest == 0


def test_cost_leaves_by_floor_and_the_last_share_takes_the_rest() -> None:
    """A sale removes cost × q // n; the last share removes the rounding rest."""
    desk = Desk(tick="0.0001")
    desk.place(B, "SELL", "0.01", "0.3333")
    desk.place(B, "SELL", "0.02", "0.3334")
    desk.place(A, "BUY", "0.03", "0.3334")
    assert desk.position(A).cost_yes == 3333 + 2 * 3334
    desk.place(C, "BUY", "0.03", "0.5")
    desk.place(A, "SELL", "0.01", "0.5")
    assert desk.position(A).cost_yes == 10001 - 3333
    desk.place(A, "SELL", "0.02", "0.5")
    assert desk.position(A).cost_yes == 0
    assert desk.position(A).realized == 15000 - 10001


def test_no_shares_have_their_own_cost() -> None:
    """NO bought at 1 − price is sold at 1 − price by a closing BUY."""
    desk = after_example_1()
    desk.place(C, "SELL", "5", "0.30")
    desk.place(B, "BUY", "5", "0.30")
    assert desk.shares(B) == ("0", "5")
    assert desk.position(B).cost_no == parse_money("2")
    assert desk.realized(B) == "1.500000"
    assert desk.money(B) == ("99.500000", "0.000000")


def test_the_close_part_fills_first() -> None:
    """A fill uses the reserved shares before it buys new ones."""
    desk = after_example_1()
    desk.place(A, "SELL", "15", "0.70")
    desk.place(C, "BUY", "10", "0.70")
    assert desk.shares(A) == ("0", "0")
    assert desk.money(A) == ("99.500000", "1.500000")
    desk.place(C, "BUY", "5", "0.70")
    assert desk.shares(A) == ("0", "5")
    assert desk.money(A) == ("99.500000", "0.000000")
