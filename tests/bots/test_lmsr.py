"""The scoring rule: its price, its cost and its maximum loss."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predmarket.bots import lmsr

quantities = st.floats(-5_000, 5_000)


@given(sold=quantities, b=st.floats(10, 5_000), opinion=st.floats(-4, 4))
def test_the_price_is_what_the_next_bit_costs(sold: float, b: float, opinion: float) -> None:
    """The price equals the slope of the cost function, whatever was sold before."""
    slope = lmsr.cost(opinion, sold, 0.001, b) / 0.001
    assert lmsr.price(opinion, sold, b) == pytest.approx(slope, abs=1e-3)


@given(trades=st.lists(quantities, max_size=20), b=st.floats(10, 5_000))
def test_from_an_even_price_no_trades_win_more_than_b_ln_2(trades: list[float], b: float) -> None:
    """From a price of 0.50 no sequence of trades wins more than b ln 2 in either outcome."""
    sold = taken = 0.0
    for qty in trades:
        taken += lmsr.cost(0.0, sold, qty, b)
        sold += qty
    for paid_out in (sold, 0.0):  # if YES, if NO
        assert paid_out - taken <= lmsr.bound(b) + 1e-6


@given(
    trades=st.lists(st.tuples(st.integers(0, 8), quantities), max_size=20),
    b=st.floats(10, 5_000),
    outcomes=st.integers(2, 9),
)
def test_over_n_outcomes_no_trades_win_more_than_b_ln_n(
    trades: list[tuple[int, float]], b: float, outcomes: int
) -> None:
    """No sequence of trades wins more than b ln N in any outcome; the prices add up to 1."""
    sold, taken = [0.0] * outcomes, 0.0

    def odds(outcome: int) -> float:
        others = [qty / b for number, qty in enumerate(sold) if number != outcome]
        return lmsr.odds(sold[outcome] / b, others)

    for number, qty in trades:
        outcome = number % outcomes
        taken += lmsr.cost(odds(outcome), 0.0, qty, b)
        sold[outcome] += qty
    assert max(sold) - taken <= lmsr.bound(b, outcomes) + 1e-6
    assert sum(lmsr.price(odds(one), 0.0, b) for one in range(outcomes)) == pytest.approx(1)


def test_the_bound_is_reached_in_the_limit() -> None:
    """A trader who buys without end wins nearly the whole bound, so the bound is tight."""
    b = 100.0
    lost = 5_000 - lmsr.cost(0.0, 0.0, 5_000, b)
    assert lost == pytest.approx(b * math.log(2), rel=1e-9)
