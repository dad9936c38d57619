"""Hanson's logarithmic market scoring rule, for any number of outcomes.

The maker's price of an outcome k is exp(z(k)) / sum of exp(z(j)) over all outcomes j, where
z = opinion + sold / b, for the contracts of that outcome that it has sold. Begun with equal
opinions, it loses at most b ln N over N outcomes, for any trades and any outcome. b is in
contracts; a larger b means a deeper market and a larger bound.

Trading one outcome alone moves nothing but its odds against all others together. So its price and
its cost are those of a market with two outcomes: p = 1 / (1 + exp(-(odds + sold / b))).

Source: R. Hanson, Logarithmic Market Scoring Rules for Modular Combinatorial Information
Aggregation, Journal of Prediction Markets 1 (2007).
"""

import math
from collections.abc import Iterable

FARTHEST = 4.6
"""Log-odds beyond which no opinion goes: a price of 0.99."""


def clamped(opinion: float) -> float:
    """Return an opinion, no farther than FARTHEST."""
    return max(-FARTHEST, min(FARTHEST, opinion))


def odds(exponent: float, others: Iterable[float]) -> float:
    """Return the log-odds of an outcome with ``exponent`` against ``others``, at least one."""
    exponents = list(others)
    highest = max(exponents)
    return exponent - highest - math.log(sum(math.exp(one - highest) for one in exponents))


def price(odds: float, sold: float, b: float) -> float:
    """Return the price of an outcome after selling ``sold`` contracts of it (bought: negative)."""
    exponent = max(-40.0, min(40.0, odds + sold / b))
    return 1 / (1 + math.exp(-exponent))


def cost(odds: float, sold: float, qty: float, b: float) -> float:
    """Return a buyer's total cost of ``qty`` more contracts, in dollars."""

    def at(quantity: float) -> float:
        exponent = odds + quantity / b
        return b * (max(exponent, 0.0) + math.log1p(math.exp(-abs(exponent))))

    return at(sold + qty) - at(sold)


def bound(b: float, outcomes: int = 2) -> float:
    """Return the maximum loss from equal prices on, in dollars."""
    return b * math.log(outcomes)
