"""A market maker's decisions: both sides, on the tick, and never a loss beyond b ln 2."""

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predmarket.bots.exposure import NONE, Exposure
from predmarket.bots.quoting import Amend, Quotes
from predmarket.bots.valuation import Style
from predmarket.client.response_types import Position
from predmarket.enums import Side
from predmarket.units import MONEY_ONE, PRICE_ONE, QTY_ONE, TICK_SIZES
from tests.bots.venue import MARKET, Venue

WILD = Style(b=200.0, size=15, levels=3, half_spread=0.0, restless=3.0, pull=0.0)
"""Opinions that jump, no spread, and little to lose: whatever can go wrong does."""


def made(style: Style, seed: int = 1, tick: int = 100, rate: int = 0, start: float = 0.5) -> Venue:
    """Return a venue with a quoter that has not acted yet."""
    rng = random.Random(seed)
    return Venue(Quotes(tick, rate, style, {MARKET: start}, rng), rate, rng)


@given(
    seed=st.integers(0, 2**32),
    tick=st.sampled_from(sorted(TICK_SIZES)),
    rate=st.sampled_from([0, 20, 700, 2_500]),
    start=st.floats(0.02, 0.98),
)
def test_no_fills_and_no_opinion_lose_more_than_b_ln_2(
    seed: int, tick: int, rate: int, start: float
) -> None:
    """The actual loss stays within b ln 2 with random fills, late news and fees.

    The maker never believes that it stands better than it does.
    """
    venue = made(WILD, seed, tick, rate, start)
    venue.surprises = True
    bound = math.log(2) * WILD.b * MONEY_ONE
    for _ in range(150):
        venue.quotes.valuation.drift(venue.rng.choice((1, 60, 3600)))
        venue.step()
        if venue.rng.random() < 0.6:
            venue.fill()
        assert -min(venue.results) <= bound
        if venue.rng.random() < 0.5:
            venue.hear()
            assert venue.quotes.exposure.won(MARKET) <= venue.results[0]
            assert venue.quotes.exposure.won(NONE) <= venue.results[1]


def test_a_drifting_opinion_would_lose_more_without_the_bound() -> None:
    """Without the bound a drifting opinion loses more, so the property above can fail."""
    venue = made(WILD, seed=5)
    venue.quotes.budget = 10**15
    for _ in range(4_000):
        venue.quotes.valuation.drift(3600)
        venue.step()
        venue.fill()
        venue.hear()
    assert -min(venue.results) > math.log(2) * WILD.b * MONEY_ONE


@given(seed=st.integers(0, 2**32))
def test_prices_alone_keep_the_bound_while_the_opinion_stays(seed: int) -> None:
    """From 0.50, without drift and budget, the scoring rule alone keeps the bound."""
    venue = made(replace(WILD, restless=0.0), seed)
    venue.quotes.budget = 10**15
    for _ in range(40):
        venue.settle()
        venue.fill()
        venue.hear()
    assert -min(venue.results) <= math.log(2) * WILD.b * MONEY_ONE


@pytest.mark.parametrize("tick", sorted(TICK_SIZES))
def test_it_quotes_both_sides_on_the_tick(tick: int) -> None:
    """Quotes surround the fair value; each level has its own price and grows with its distance."""
    venue = made(Style(), tick=tick)
    venue.settle()
    bids, asks = venue.resting(Side.BUY), venue.resting(Side.SELL)
    assert len(bids) == len(asks) == Style().levels
    prices = [order.price for order in (*reversed(bids), *asks)]
    assert prices == sorted(set(prices))
    assert all(price % tick == 0 for price in prices)
    assert bids[0].price < venue.quoter.fair * PRICE_ONE < asks[0].price
    assert [order.qty for order in bids] == sorted(order.qty for order in bids)


def test_a_fill_moves_the_price_against_whoever_filled() -> None:
    """After a sale the maker's asks and bids rise."""
    venue = made(Style(b=500.0, size=50))
    venue.settle()
    before = venue.quoter.fair
    ask = venue.resting(Side.SELL)[0]
    ask.filled, ask.notional = ask.qty, ask.price * ask.qty
    venue.quoter.heard(ask.state())
    assert venue.quoter.fair > before
    assert ask.id not in venue.quoter.orders


def test_quotes_are_amended_rather_than_placed_anew() -> None:
    """The maker amends a quote to move it, because the database keeps every placed order."""
    venue = made(Style(restless=0.0))
    venue.settle()
    venue.quotes.valuation.opinions[MARKET] += 0.3
    for _ in range(2 * Style().levels):
        assert isinstance(venue.quoter.next(None, None), Amend)
        venue.step()
    assert venue.quoter.next(None, None) is None
    assert len(venue.orders) == 2 * Style().levels


@pytest.mark.parametrize("tick", sorted(TICK_SIZES))
def test_a_quote_that_is_hardly_off_stays(tick: int) -> None:
    """A small deviation moves no quote that is not worse than the scoring rule's price.

    A quote that is off by the spread moves.
    """
    venue = made(Style(restless=0.0), tick=tick, start=0.503)
    venue.settle()
    quoter, opinions = venue.quoter, venue.quotes.valuation.opinions
    opinion = opinions[MARKET]
    placed = [(order.id, order.price) for order in venue.orders]
    for step in (0.004, -0.004):  # log-odds: a thousandth of a dollar
        opinions[MARKET] = opinion + step
        assert quoter.next(None, None) is None, placed
        assert venue.resting(Side.BUY)[0].price < quoter.fair * PRICE_ONE
        assert venue.resting(Side.SELL)[0].price > quoter.fair * PRICE_ONE
    opinions[MARKET] = opinion + 0.02 + 4 * tick / PRICE_ONE
    assert isinstance(quoter.next(None, None), Amend)


def test_the_side_that_gives_way_moves_first() -> None:
    """In a rise the asks move before the bids, which would otherwise cross them and be refused."""
    venue = made(Style(restless=0.0))
    venue.settle()
    venue.quotes.valuation.opinions[MARKET] += 0.5
    action = venue.quoter.next(None, None)
    assert isinstance(action, Amend)
    assert action.order.side is Side.SELL


def test_it_stays_a_tick_away_from_others() -> None:
    """Quotes keep a tick from others' orders, because post-only refuses an order that crosses."""
    venue = made(Style(), start=0.6)
    for _ in range(2 * Style().levels):
        venue.step(best_bid=None, best_ask=5_000)
    assert max(order.price for order in venue.resting(Side.BUY)) == 4_900


def test_without_room_for_a_loss_it_does_not_quote_that_side() -> None:
    """A side whose fills could exceed the maximum loss gets no new quote."""
    venue = made(Style())
    venue.settle()
    venue.quotes.exposure.cash = -venue.quotes.budget
    for order in venue.resting(Side.BUY):
        order.canceled = True
        venue.quoter.heard(order.state())
    assert venue.quoter.next(None, None) is None


def test_the_same_seed_decides_the_same() -> None:
    """Two long runs with the same seed have the same prices and sizes."""
    runs = []
    for _ in range(2):
        venue = made(WILD, seed=9)
        for _ in range(300):
            venue.quotes.valuation.drift(60)
            venue.step()
            venue.fill()
            venue.hear()
        runs.append([(order.side, order.price, order.qty) for order in venue.orders])
    assert runs[0] == runs[1]


@pytest.mark.parametrize(("long", "short", "average"), [(30, 0, "0.400000"), (0, 30, "0.400000")])
def test_a_position_says_what_is_at_stake(long: int, short: int, average: str) -> None:
    """A position reports the profit or loss of either outcome.

    30 YES at 0.40 after a loss of 1.00 win 11.00 or lose 13.00; NO is symmetric.
    """
    exposure = Exposure(0, [MARKET])
    position = Position(
        marketId=MARKET,
        marketSlug="rain",
        qtyLong=f"{long}.00",
        qtyShort=f"{short}.00",
        avgPrice=average,
        realizedPnl="-1.000000",
        unrealizedPnl="0.000000",
        markPrice=None,
    )
    exposure.begin([position])
    sign = 1 if long else -1
    assert exposure.held[MARKET] == sign * 30 * QTY_ONE
    slack = 50  # millionths: the average is rounded
    assert -1_000_000 + sign * 18_000_000 - exposure.won(MARKET) in range(slack)
    assert -1_000_000 - sign * 12_000_000 - exposure.won(NONE) in range(slack)
