"""Price, quantity, money and fee rate as integers, and their decimal texts.

| quantity | unit                 | type  | wire form   |
|----------|----------------------|-------|-------------|
| price    | 1/10 000 of a dollar | Price | "0.5500"    |
| quantity | 1/100 of a contract  | Qty   | "10.00"     |
| money    | 1/1 000 000 dollar   | Money | "5.500000"  |
| fee rate | 1/10 000             | Rate  | "0.0700"    |

Price x quantity is exactly money. Inside the exchange all amounts are these integers; decimals
exist only in requests, answers and displays. Parsing refuses more decimals than the unit holds and
never rounds. Source: docs/market_rules.md, Units.
"""

from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias

Price: TypeAlias = int
Qty: TypeAlias = int
Money: TypeAlias = int
Rate: TypeAlias = int
Micros: TypeAlias = int
"""Microseconds since 1970-01-01 UTC."""

MAX_TIME: Micros = 253_402_300_799_999_999
"""The end of the year 9999, the last that RFC 3339 can name."""

PRICE_DECIMALS = 4
QTY_DECIMALS = 2
MONEY_DECIMALS = 6
RATE_DECIMALS = 4

PRICE_ONE: Price = 10_000
"""One dollar as a price: the payout of a winning share."""
QTY_ONE: Qty = 100
MONEY_ONE: Money = 1_000_000

MAX_QTY: Qty = 1_000_000 * QTY_ONE
MAX_RATE: Rate = 2_500
MAX_TRANSFER: Money = 1_000_000_000 * MONEY_ONE
MAX_ACCOUNT: Money = 10**12 * MONEY_ONE
MAX_DEPOSITS: Money = 9 * 10**18
"""The limit of all net deposits together: every sum of money fits 64 bits."""
MIN_EVENT_MARKETS = 2
MAX_EVENT_MARKETS = 200
"""The most markets of an event, struck ones counted."""
MAX_CREATED_MARKETS = 500
"""The most markets that one command creates, those of its events counted."""
MAX_ORDER_GROUPS = 100
"""The most order groups of an account, deleted ones not counted."""
TICK_SIZES: frozenset[Price] = frozenset({1_000, 100, 10, 1})

_WIDEST = 24
"""More digits before the point are refused: far above every limit, and still cheap to parse."""


class UnitError(ValueError):
    """The text is not a number in this unit; the message tells a person why."""


def parse(value: Decimal | str | int, decimals: int) -> int:
    """Return ``value`` in units of ``10**-decimals``.

    Raises UnitError when it is not a finite decimal or has more decimals than the unit holds.
    """
    try:
        number = value if isinstance(value, Decimal) else Decimal(value)
    except ArithmeticError:
        raise UnitError("is not a decimal number") from None
    if not number.is_finite():
        raise UnitError("is not a finite number")
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # only infinities and NaN carry a letter there
    if not any(digits):
        return 0
    if number.adjusted() > _WIDEST:
        raise UnitError("is too large")
    shift = exponent + decimals
    kept = digits if shift >= 0 else digits[:shift]
    if any(digits[len(kept) :]) or not kept:
        raise UnitError(f"has more than {decimals} decimals")
    scale: int = 10 ** max(shift, 0)
    whole = int("".join(map(str, kept))) * scale
    return -whole if sign else whole


@lru_cache(maxsize=16_384)  # the same few prices and sizes come again and again
def format(units: int, decimals: int) -> str:
    """Return ``units`` of ``10**-decimals`` as a decimal string with exactly that many decimals."""
    whole, part = divmod(abs(units), 10**decimals)
    return f"{'-' if units < 0 else ''}{whole}.{part:0{decimals}d}"


def parse_price(value: Decimal | str | int) -> Price:
    """Parse a price strictly between 0 and 1 dollar. Raises UnitError."""
    price = parse(value, PRICE_DECIMALS)
    if not 0 < price < PRICE_ONE:
        raise UnitError("must lie strictly between 0 and 1")
    return price


def parse_qty(value: Decimal | str | int) -> Qty:
    """Parse a quantity above 0 and at most 1 000 000 contracts. Raises UnitError."""
    qty = parse(value, QTY_DECIMALS)
    if not 0 < qty <= MAX_QTY:
        raise UnitError("must be above 0 and at most 1000000")
    return qty


def parse_money(value: Decimal | str | int) -> Money:
    """Parse an amount of money, of either sign. Raises UnitError."""
    return parse(value, MONEY_DECIMALS)


def parse_rate(value: Decimal | str | int) -> Rate:
    """Parse a fee rate from 0 to 0.25. Raises UnitError."""
    rate = parse(value, RATE_DECIMALS)
    if not 0 <= rate <= MAX_RATE:
        raise UnitError("must lie between 0 and 0.25")
    return rate


def parse_tick(value: Decimal | str | int) -> Price:
    """Parse a tick size: 0.1, 0.01, 0.001 or 0.0001. Raises UnitError."""
    tick = parse(value, PRICE_DECIMALS)
    if tick not in TICK_SIZES:
        raise UnitError("must be one of 0.1, 0.01, 0.001, 0.0001")
    return tick


def format_price(price: Price) -> str:
    """Return a price as text: "0.5500"."""
    return format(price, PRICE_DECIMALS)


def format_qty(qty: Qty) -> str:
    """Return a quantity as text: "10.00"."""
    return format(qty, QTY_DECIMALS)


def format_money(money: Money) -> str:
    """Return money as text: "5.500000"."""
    return format(money, MONEY_DECIMALS)


def format_rate(rate: Rate) -> str:
    """Return a fee rate as text: "0.0700"."""
    return format(rate, RATE_DECIMALS)
