"""How the screen spells units: shorter than the wire does, and always as wide as its neighbours.

The wire's spellings are units.format_*; these are for reading alone. Money is rounded to cents
(half away from zero), which nothing else in this package may do.
"""

from predmarket import units
from predmarket.tui.desk.figures import decimals_of, price_text, size_text
from predmarket.units import MONEY_ONE, QTY_ONE, Micros, Money, Price, Qty

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
    """Return how many orders: "1 order", "12 orders"."""
    return "1 order" if count == 1 else f"{count:,} orders"


def money(value: Money) -> str:
    """Return money with two decimals and thousands apart: "1,234.50", "-0.20"."""
    cents = (abs(value) + _CENT // 2) // _CENT
    sign = "-" if value < 0 and cents else ""
    return f"{sign}{cents // 100:,}.{cents % 100:02d}"


def change(value: Price | None, tick: Price) -> str:
    """Return how far a price has moved, with its sign: "+0.04"; "-" where that is not known."""
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


def span(micros: Micros) -> str:
    """Return how long that is, in its two largest units: "5 h 12 min"."""
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
