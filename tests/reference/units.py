"""Decimal strings to integers and back, and the fee curve.

Prices count 1/10 000 dollar, quantities 1/100 contract, money 1/1 000 000 dollar, rates 1/10 000
(docs/market_rules.md, Units). One price unit times one quantity unit is exactly one money unit.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

ONE_DOLLAR_PRICE = 10_000
PRICE_DECIMALS = 4
QTY_DECIMALS = 2
MONEY_DECIMALS = 6
RATE_DECIMALS = 4


def _parse(text: str, decimals: int) -> int:
    """Return the text in units of 10**-decimals; a remainder is an error in the test itself."""
    scaled = Decimal(text).scaleb(decimals)
    number = int(scaled)
    if number != scaled:
        raise ValueError(f"{text!r} has more than {decimals} decimals")
    return number


def parse_price(text: str) -> int:
    """Return a price in 1/10 000 dollar."""
    return _parse(text, PRICE_DECIMALS)


def parse_qty(text: str) -> int:
    """Return a quantity in 1/100 contract."""
    return _parse(text, QTY_DECIMALS)


def parse_money(text: str) -> int:
    """Return an amount in 1/1 000 000 dollar."""
    return _parse(text, MONEY_DECIMALS)


def parse_rate(text: str) -> int:
    """Return a fee rate in 1/10 000."""
    return _parse(text, RATE_DECIMALS)


def show_price(price: int) -> str:
    """Return a price as a decimal string with 4 decimals."""
    return f"{Decimal(price).scaleb(-PRICE_DECIMALS):.4f}"


def show_qty(qty: int) -> str:
    """Return a quantity as a decimal string with 2 decimals."""
    return f"{Decimal(qty).scaleb(-QTY_DECIMALS):.2f}"


def show_money(money: int) -> str:
    """Return money as a decimal string with 6 decimals."""
    return f"{Decimal(money).scaleb(-MONEY_DECIMALS):.6f}"


def exact_fee(rate: int, qty: int, price: int) -> Fraction:
    """Return rate × qty × p × (1 − p) in money units, not rounded (docs/market_rules.md, Fees)."""
    # The rate and one of the two prices still carry their 1/10 000; qty × price is money already.
    scale = ONE_DOLLAR_PRICE * ONE_DOLLAR_PRICE
    return Fraction(rate * qty * price * (ONE_DOLLAR_PRICE - price), scale)
