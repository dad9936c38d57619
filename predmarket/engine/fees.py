"""Fee arithmetic. An order's exact fee is kept in 1e-14 dollars and rounded up once, as a sum.

Invariant: a fill's fee plus the lock that remains never exceeds the lock before the fill plus the
proceeds of its close part. So a fee can always be paid. Source: docs/market_rules.md, Collateral,
Fees.
"""

from predmarket.units import PRICE_ONE, Money, Price, Qty, Rate

_EXACT_PER_MONEY = 10**8
"""Exact fee units (rate x qty x price x price) in one money unit."""

_HALF = PRICE_ONE // 2


def exact_fee(rate: Rate, qty: Qty, price: Price) -> int:
    """Return rate x qty x p x (1 - p) in exact fee units."""
    return rate * qty * price * (PRICE_ONE - price)


def rounded_up(exact: int) -> Money:
    """Return the least money that covers ``exact``."""
    return -(-exact // _EXACT_PER_MONEY)


def fee_lock(exact_so_far: int, rate: Rate, open_qty: Qty, is_buy: bool, limit: Price) -> Money:
    """Return the lock that covers the fees of ``open_qty`` at any price within the limit.

    The fee curve is highest at 0.50, so the worst price is the one nearest to it.
    """
    worst = min(limit, _HALF) if is_buy else max(limit, _HALF)
    ahead = exact_so_far + exact_fee(rate, open_qty, worst)
    return rounded_up(ahead) - rounded_up(exact_so_far)
