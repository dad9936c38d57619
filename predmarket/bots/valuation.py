"""A market maker's opinion on one question, and the prices that follow from it and from what it has
sold, all outcomes together (lmsr.py). No I/O.

The outcomes are those of exposure.py. The opinion on NONE is 0 and the others are measured by it;
without NONE by their mean at the start. All but NONE's drift.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass

from predmarket.bots import lmsr
from predmarket.bots.exposure import NONE, Exposure
from predmarket.units import QTY_ONE


@dataclass(frozen=True, slots=True)
class Style:
    """How a maker quotes. b and size are in contracts, half_spread is in dollars; stays is the part
    of it, below 1, by which a quote may be off before it is moved, at a fair value of 0.50
    (elsewhere less, as prices move less there); restless is how far an opinion's log-odds drift in
    an hour, pull what it makes up of its way home in an hour.
    """

    b: float = 2_000.0
    size: int = 25
    levels: int = 3
    half_spread: float = 0.004
    stays: float = 0.5
    restless: float = 0.12
    pull: float = 0.3


class Valuation:
    """The prices of a question's outcomes."""

    def __init__(
        self, style: Style, exposure: Exposure, starts: Mapping[int, float], rng: random.Random
    ) -> None:
        """starts: the price of each market to begin with, in dollars."""
        self._style = style
        self._exposure = exposure
        self._rng = rng
        self._home = _opinions(starts, exhaustive=not exposure.possible(NONE))
        self.opinions = dict(self._home)

    def add(self, market_id: int) -> None:
        """Take in a market that nobody has an opinion on: it is as likely as NONE."""
        self._home[market_id] = self.opinions[market_id] = 0.0

    def drift(self, seconds: float) -> None:
        """Change the opinions over time."""
        hours = seconds / 3600
        back, far = min(1.0, self._style.pull * hours), self._style.restless * math.sqrt(hours)
        for market_id, home in self._home.items():
            opinion = self.opinions[market_id]
            opinion += (home - opinion) * back + self._rng.gauss(0, far)
            self.opinions[market_id] = lmsr.clamped(opinion)

    def price(self, market_id: int, further: float = 0.0) -> float:
        """Return a market's price in dollars after selling ``further`` more contracts there."""
        others = [0.0] if self._exposure.possible(NONE) else []
        others += [
            self._exponent(id)
            for id in self.opinions
            if id != market_id and self._exposure.possible(id)
        ]
        if not others:
            return 1.0  # nothing else can happen any more
        odds = lmsr.odds(self._exponent(market_id), others)
        return lmsr.price(odds, further, self._style.b)

    def _exponent(self, market_id: int) -> float:
        sold = -self._exposure.held[market_id] / QTY_ONE
        return self.opinions[market_id] + sold / self._style.b


def _opinions(starts: Mapping[int, float], *, exhaustive: bool) -> dict[int, float]:
    """Return opinions of which the prices ``starts`` follow, made to add up to 1.

    A price of 0 is that of an outcome that is out.
    """
    logs = {id: math.log(max(price, 1e-9)) for id, price in starts.items()}
    if exhaustive:
        counted = [math.log(price) for price in starts.values() if price > 0] or [0.0]
        base = sum(counted) / len(counted)
    else:
        rest = 1 - sum(starts.values())
        base = math.log(max(rest, 1e-9 if len(starts) == 1 else 0.5 / (len(starts) + 1)))
    return {id: lmsr.clamped(one - base) for id, one in logs.items()}


def starts(known: Mapping[int, float | None]) -> dict[int, float]:
    """Return a price for each market to begin with: what is ``known``, and an even share for the
    others of what that leaves.
    """
    prices = [price for price in known.values() if price is not None]
    unknown = len(known) - len(prices)
    share = max(1 - sum(prices), 0.0) / (unknown + 1) if unknown else 0.0
    floor = 0.1 / (len(known) + 1)
    return {id: max(floor, share) if price is None else price for id, price in known.items()}
