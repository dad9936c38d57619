"""Formats the screen's numbers and times, and shortens numbers to fit a column.

Sizes take at most 5 cells and money 8, so no number moves another. Prices have the decimals of
their tick. Numbers are rounded toward zero, so a book never looks deeper, nor a gain greater, than
it is.
"""

from functools import lru_cache

from predmarket import units
from predmarket.units import MONEY_ONE, PRICE_ONE, QTY_ONE, Micros, Money, Price, Qty

SIZE_CELLS = 5
MONEY_CELLS = 8

_CENT: Money = MONEY_ONE // 100
_SUFFIXES = ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "B"), (1_000_000_000_000, "T"))


def decimals_of(tick: Price) -> int:
    """Return the number of decimals of a price with this tick: 1 to 4."""
    return len(str(PRICE_ONE // tick)) - 1


@lru_cache(maxsize=16_384)
def price_text(price: Price, tick: Price) -> str:
    """Return a price, or a distance between prices, with the decimals of its tick: "0.60"."""
    whole, part = divmod(price // tick, PRICE_ONE // tick)
    return f"{whole}.{part:0{decimals_of(tick)}d}"


@lru_cache(maxsize=16_384)
def size_text(qty: Qty) -> str:
    """Return a size in at most 5 cells: "10", "12.25", "999.5", "9999", "12.5k", "1.00M"."""
    whole, part = divmod(qty, QTY_ONE)
    if whole >= 10_000:
        return _scaled(whole, 3)
    if part == 0 or whole >= 1_000:
        return str(whole)
    if whole >= 100:
        return f"{whole}.{part // 10}"
    return f"{whole}.{part:02d}"


@lru_cache(maxsize=16_384)
def gain_text(money: Money) -> str:
    """Return a gain or a loss with its sign in at most 8 cells: "+0.70", "-1234.50", "+12.34k"."""
    cents = abs(money) // _CENT
    if cents == 0:
        return "0.00"
    sign = "-" if money < 0 else "+"
    whole, part = divmod(cents, 100)
    return sign + (f"{whole}.{part:02d}" if whole < 10_000 else _scaled(whole, 5))


def _scaled(number: int, digits: int) -> str:
    """Return ``number``, of at least 1000, with a suffix and ``digits`` digits of it."""
    unit, suffix = next((pair for pair in _SUFFIXES if number < pair[0] * 1_000), _SUFFIXES[-1])
    whole = str(number // unit)
    places = min(2, digits - len(whole))
    if places <= 0:
        return whole + suffix
    part = number % unit * 10**places // unit
    return f"{whole}.{part:0{places}d}{suffix}"


NOTHING = "-"
_CENT = MONEY_ONE // 100
SECOND: Micros = 1_000_000


def price(value: Price | None, tick: Price = 100) -> str:
    """Return a price with the decimals of its tick, at least two: "0.61"."""
    if value is None:
        return NOTHING
    finest = min(tick, 1 if value % 10 else 10 if value % 100 else 100)
    return units.format_price(value)[: 6 if finest < 10 else 5 if finest < 100 else 4]


def average(value: Money | None, tick: Price = 100) -> str:
    """Return an average price, given in money a contract, a decimal finer than its tick: "0.605".

    It has at least three decimals.
    """
    if value is None:
        return NOTHING
    decimals = max(3, decimals_of(tick) + 1)
    step: int = 10 ** (units.MONEY_DECIMALS - decimals)
    return units.format((value + step // 2) // step, decimals)


def qty(value: Qty) -> str:
    """Return a quantity without empty decimals: "10", "12.50"."""
    whole, part = divmod(value, QTY_ONE)
    return f"{whole}.{part:02d}" if part else str(whole)


def compact(value: Qty) -> str:
    """Return a large quantity in at most five characters, whole below: "950", "12.3k", "1.20M"."""
    return size_text(value - value % QTY_ONE)


def orders(count: int) -> str:
    """Return a number of orders: "1 order", "12 orders"."""
    return "1 order" if count == 1 else f"{count:,} orders"


def money(value: Money) -> str:
    """Return money with two decimals and thousands apart: "1,234.50", "-0.20"."""
    cents = (abs(value) + _CENT // 2) // _CENT
    sign = "-" if value < 0 and cents else ""
    return f"{sign}{cents // 100:,}.{cents % 100:02d}"


def change(value: Price | None, tick: Price) -> str:
    """Return a price's change with its sign: "+0.04"; "-" if it is unknown."""
    if value is None:
        return NOTHING
    sign = "+" if value > 0 else "-" if value < 0 else ""
    return sign + price_text(abs(value), tick)


def gain(value: Money | None) -> str:
    """Return money with its sign: "+0.35"; an unknown one as a dash."""
    if value is None:
        return NOTHING
    text = money(value)
    return text if text.startswith("-") or text == "0.00" else f"+{text}"


def clock(moment: Micros) -> str:
    """Return the time of day, UTC: "14:02:11"."""
    seconds = moment // SECOND % 86_400
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def minute(time: str) -> str:
    """Return a time of the wire, to the minute, UTC: "2030-01-31 12:00"."""
    return time[:16].replace("T", " ")


def span(micros: Micros) -> str:
    """Return a duration in its two largest units: "5 h 12 min"."""
    seconds = max(0, micros // SECOND)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 86_400:
        return f"{seconds // 3600} h {seconds // 60 % 60} min"
    return f"{seconds // 86_400} d {seconds // 3600 % 24} h"


def age(micros: Micros) -> str:
    """Return the age of data, in steps that do not flicker: "<1 s", "3 s", "5 min 2 s"."""
    return "<1 s" if micros < SECOND else span(micros)
