"""The traders' decisions: valid prices, bounded positions, determined by the seed."""

import random

from hypothesis import given
from hypothesis import strategies as st

from predmarket.bots.strategies import Believer, Noise, Rest, Take, Trend, View
from predmarket.enums import Side
from predmarket.units import PRICE_ONE, QTY_ONE, TICK_SIZES

LIMIT = 100 * QTY_ONE


@st.composite
def views(draw: st.DrawFn) -> View:
    """Return the strategy for market views, with empty sides and extreme prices among them."""
    tick = draw(st.sampled_from(sorted(TICK_SIZES)))
    bid, ask = sorted(draw(st.tuples(*[st.integers(1, PRICE_ONE // tick - 1)] * 2)))
    held = draw(st.integers(-2 * LIMIT, 2 * LIMIT))
    return View(
        tick,
        draw(st.sampled_from([None, bid * tick])),
        draw(st.sampled_from([None, ask * tick])),
        held,
    )


@given(view=views(), seed=st.integers(0, 2**32))
def test_orders_are_ones_the_exchange_takes(view: View, seed: int) -> None:
    """Orders have valid prices on the tick and whole contracts."""
    rng = random.Random(seed)
    for mind in (Noise(rng), Trend(rng), Believer(rng)):
        for _ in range(5):
            decision = mind.decide("rain", view)
            if decision is not None:
                assert 0 < decision.price < PRICE_ONE
                assert decision.price % view.tick == 0
                assert decision.qty >= QTY_ONE
                assert decision.qty % QTY_ONE == 0


@given(seed=st.integers(0, 2**32))
def test_noise_turns_around_at_its_limit(seed: int) -> None:
    """A noise trader at its position limit only trades towards zero."""
    noise = Noise(random.Random(seed), LIMIT)
    for held, side in ((LIMIT, Side.SELL), (-LIMIT, Side.BUY)):
        decision = noise.decide("rain", View(100, 4_000, 6_000, held))
        assert decision is not None
        assert decision.side is side


def test_noise_goes_both_ways_and_sometimes_waits() -> None:
    """A noise trader without a position buys, sells, and sometimes waits."""
    noise = Noise(random.Random(1))
    view = View(100, 4_900, 5_100)
    decisions = [noise.decide("rain", view) for _ in range(200)]
    takes = [one for one in decisions if isinstance(one, Take)]
    rests = [one for one in decisions if isinstance(one, Rest)]
    assert {one.side for one in takes} == {one.side for one in rests} == set(Side)
    assert len(takes) > len(rests) > 20
    assert all(one.price <= 4_900 for one in rests if one.side is Side.BUY)


@given(seed=st.integers(0, 2**32))
def test_a_believer_goes_beyond_what_is_asked_and_turns_around_at_its_limit(seed: int) -> None:
    """A believer pays more than the best ask, and reduces its position at its limit."""
    believer = Believer(random.Random(seed), LIMIT)
    for held, side in ((LIMIT, Side.SELL), (-LIMIT, Side.BUY)):
        decision = believer.decide("rain", View(100, 4_000, 6_000, held))
        assert decision is not None
        assert decision.side is side
        assert decision.price > 6_000 if side is Side.BUY else decision.price < 4_000
        assert decision.seconds <= 90


def test_trend_follows_the_price_up_and_down() -> None:
    """A trend trader follows the price, and waits while the price does not change."""
    trend = Trend(random.Random(1))
    still = [trend.decide("rain", View(100, 4_900, 5_100)) for _ in range(50)]
    assert still == [None] * 50
    up = [trend.decide("rain", View(100, 4_900 + i * 100, 5_100 + i * 100)) for i in range(20)]
    assert {one.side for one in up if one is not None} == {Side.BUY}
    down = [trend.decide("rain", View(100, 6_900 - i * 100, 7_100 - i * 100)) for i in range(60)]
    assert down[-1] is not None
    assert down[-1].side is Side.SELL


def test_trend_stops_at_its_limit() -> None:
    """A trend trader stops at its limit however long the price rises."""
    trend = Trend(random.Random(1), LIMIT)
    prices = range(1_000, 9_000, 100)
    assert all(trend.decide("rain", View(100, p, p + 200, LIMIT)) is None for p in prices)


def test_markets_have_trends_of_their_own() -> None:
    """A rising market does not affect the decision in another market."""
    trend = Trend(random.Random(1))
    for i in range(20):
        trend.decide("rain", View(100, 4_000 + i * 100, 4_200 + i * 100))
    assert trend.decide("snow", View(100, 2_000, 2_200)) is None
