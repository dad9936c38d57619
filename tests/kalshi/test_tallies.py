"""Sums over fills: the fees that belong to the contracts still held."""

import random
from fractions import Fraction

from predmarket.enums import Liquidity, Side
from predmarket.server.gateway.kalshi.tallies import MarketTally
from predmarket.server.read_model.records import UserFill


def _fill(side: Side, qty: int, fee: int) -> UserFill:
    return UserFill(1, 1, 1, side, 50, qty, fee, Liquidity.TAKER, 0)


def test_a_close_takes_fees_in_proportion() -> None:
    """A close removes fees in proportion to the closed contracts, and its own fee is not kept."""
    rnd = random.Random(3)
    for _ in range(50):
        tally, held = MarketTally(), list[Fraction]()
        is_long = True
        for _ in range(12):
            side, qty, fee = (
                rnd.choice((Side.BUY, Side.SELL)),
                rnd.randint(1, 9),
                rnd.randint(0, 99),
            )
            tally = tally.plus(_fill(side, qty, fee))
            each = Fraction(fee, qty)
            if (side is Side.BUY) is is_long or not held:
                is_long, held = side is Side.BUY, [*held, *[each] * qty]
            else:
                average, left = sum(held, Fraction()) / len(held), len(held) - qty
                held = [average] * left if left > 0 else [each] * -left
                is_long = is_long is (left > 0)
            assert tally.net == (len(held) if is_long else -len(held))
            assert tally.held_fees is not None
            assert 0 <= abs(sum(held, Fraction()) - tally.held_fees) <= 12


def test_fees_before_the_first_fill_read_are_unknown() -> None:
    """Fees of fills before the first one read are unknown until the position ends or turns."""
    tally = MarketTally(net=5, held_fees=None)
    assert tally.plus(_fill(Side.BUY, 1, 7)).held_fees is None
    assert tally.plus(_fill(Side.SELL, 4, 7)).held_fees is None
    assert tally.plus(_fill(Side.SELL, 5, 7)).held_fees == 0
    assert tally.plus(_fill(Side.SELL, 10, 8)).held_fees == 4
