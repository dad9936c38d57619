"""Hanson's logarithmic market scoring rule, for a market with two outcomes.

The maker's price is a function of the contracts sold, p = 1 / (1 + exp(-(x + sold / b))). Begun at
0.50 (x = 0), it loses at most b ln 2, for any trades and any outcome. b is in contracts; a larger b
means a deeper market and a larger bound. x is the maker's opinion, as log-odds.

Source: R. Hanson, Logarithmic Market Scoring Rules for Modular Combinatorial Information
Aggregation, Journal of Prediction Markets 1 (2007).
"""

import math

FARTHEST = 4.6
"""Log-odds beyond which no opinion goes: a price of 0.99."""


def log_odds(price: float) -> float:
    """Return the log-odds of a price between 0 and 1, no farther than FARTHEST."""
    price = min(max(price, 1e-9), 1 - 1e-9)
    return max(-FARTHEST, min(FARTHEST, math.log(price / (1 - price))))


def price(opinion: float, sold: float, b: float) -> float:
    """Return the price of YES for a maker that has sold ``sold`` contracts (bought: negative)."""
    exponent = max(-40.0, min(40.0, opinion + sold / b))
    return 1 / (1 + math.exp(-exponent))


def cost(opinion: float, sold: float, qty: float, b: float) -> float:
    """Return a buyer's total cost of ``qty`` more contracts, in dollars."""

    def at(quantity: float) -> float:
        exponent = opinion + quantity / b
        return b * (max(exponent, 0.0) + math.log1p(math.exp(-abs(exponent))))

    return at(sold + qty) - at(sold)


def bound(b: float) -> float:
    """Return the maximum loss from 0.50 on, in dollars."""
    return b * math.log(2)
