"""A market maker of an event on the real engine never loses more than b ln N in any outcome."""

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predmarket.bots.exposure import NONE
from predmarket.bots.valuation import Style
from predmarket.units import MONEY_ONE
from tests.bots.event_venue import EventVenue

WILD = Style(b=100.0, size=15, levels=2, half_spread=0.0, restless=2.0, pull=0.0)
"""Opinions that jump, no spread, and little to lose: whatever can go wrong does."""


def made(
    style: Style, seed: int, markets: int, *, exhaustive: bool, rate: int = 0, tick: int = 10
) -> EventVenue:
    """Return an event that has seen no order yet."""
    rng = random.Random(seed)
    return EventVenue(style, rng, markets, exhaustive=exhaustive, rate=rate, tick=tick)


def bound(venue: EventVenue) -> float:
    """Return b ln N for the outcomes that the event has had, as money."""
    outcomes = len(venue.event.market_ids) + (not venue.event.exhaustive)
    return WILD.b * math.log(outcomes) * MONEY_ONE


def live_a_while(venue: EventVenue, steps: int) -> None:
    """Let the maker quote and everybody trade, and check the maker's actual profit."""
    rng, quotes = venue.rng, venue.quotes
    for _ in range(steps):
        quotes.valuation.drift(rng.choice((1, 60, 3600)))
        venue.step()
        happens = rng.random()
        if happens < 0.4:
            venue.trade()
        elif happens < 0.5:
            venue.attack(rng.choice([NONE, *venue.live]))
        elif happens < 0.52:
            venue.strike()
        elif happens < 0.54 and not venue.event.exhaustive:
            venue.add()
        elif happens < 0.55:
            venue.begin()
        results = venue.results()
        assert -min(results.values()) <= bound(venue)
        if rng.random() < 0.5:
            venue.hear()
            for outcome, won in results.items():
                assert quotes.exposure.possible(outcome)
                assert quotes.exposure.won(outcome) <= won


def beaten(venue: EventVenue, outcome: int, times: int) -> None:
    """Let an informed trader take all of the maker's offers, ``times`` times."""
    for _ in range(times):
        venue.quotes.valuation.drift(3600)
        for _ in range(4 * len(venue.live)):
            venue.step()
        venue.hear()
        venue.attack(outcome)
        venue.hear()


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**32),
    markets=st.integers(2, 9),
    exhaustive=st.booleans(),
    rate=st.sampled_from([0, 200, 2_500]),
    tick=st.sampled_from([10, 100]),
)
def test_no_fills_no_strikes_and_no_opinion_lose_more_than_b_ln_n(
    seed: int, markets: int, exhaustive: bool, rate: int, tick: int
) -> None:
    """The actual loss stays within b ln N in every outcome.

    News is late or early, outcomes are struck, markets are added, the maker restarts. The maker
    never believes that it stands better than it does.
    """
    venue = made(WILD, seed, markets, exhaustive=exhaustive, rate=rate, tick=tick)
    venue.surprises = True
    live_a_while(venue, 120)
    outcome = venue.rng.choice(list(venue.results()))
    expected = venue.results()[outcome]
    assert venue.resolve(outcome) == expected


@pytest.mark.parametrize("exhaustive", [True, False])
def test_whatever_rests_may_be_filled_and_any_outcome_may_come(exhaustive: bool) -> None:
    """An informed trader takes all the maker offers until it offers nothing.

    The loss stays within the bound, and once comes close to it, so the bound is tight.
    """
    shares = []
    for number in range(3):
        venue = made(WILD, 3, 3 if exhaustive else 2, exhaustive=exhaustive)
        outcome = [*venue.live, NONE][number]
        beaten(venue, outcome, 40)
        lost = -venue.results()[outcome]
        assert venue.resolve(outcome) == -lost
        shares.append(lost / bound(venue))
    assert 0.8 < max(shares) <= 1


def test_a_drifting_opinion_would_lose_more_without_the_bound() -> None:
    """Without the bound a drifting opinion loses more, so the properties above can fail."""
    venue = made(WILD, 3, 3, exhaustive=True)
    venue.quotes.budget = 10**15
    beaten(venue, venue.live[0], 60)
    assert -min(venue.results().values()) > bound(venue)


def test_prices_of_all_outcomes_add_up_to_1_and_move_together() -> None:
    """All prices, NONE's included, add up to 1; a fill raises its outcome and lowers all others."""
    calm = replace(WILD, restless=0.0, half_spread=0.004)
    venue = made(calm, 1, 5, exhaustive=True)
    valuation = venue.quotes.valuation

    def prices() -> list[float]:
        return [valuation.price(market_id) for market_id in venue.live]

    before = prices()
    assert sum(before) == pytest.approx(1)
    venue.quotes.exposure.held[venue.live[0]] -= 5_000
    after = prices()
    assert sum(after) == pytest.approx(1)
    assert [new > old for new, old in zip(after, before, strict=True)] == [True] + [False] * 4
    venue.strike()
    venue.hear()
    left = prices()
    assert sum(left) == pytest.approx(1)
    assert all(price > 0 for price in left)


def test_none_has_a_share_of_the_price_unless_the_event_is_exhaustive() -> None:
    """NONE has the rest of the markets' prices, and an added market is as likely as NONE.

    The other prices keep their ratios.
    """
    venue = made(replace(WILD, restless=0.0), 7, 4, exhaustive=False)
    valuation = venue.quotes.valuation
    before = {market_id: valuation.price(market_id) for market_id in venue.live}
    none = 1 - sum(before.values())
    assert none > 0.01
    venue.add()
    venue.hear()
    *old, new = venue.live
    assert valuation.price(new) == pytest.approx(none / (1 + none))
    for market_id in old:
        assert valuation.price(market_id) == pytest.approx(before[market_id] / (1 + none))
