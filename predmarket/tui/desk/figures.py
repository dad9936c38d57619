"""Numbers cut to fit a column: sizes in 5 cells, money in 8, prices as fine as their tick.

Every text is at most as wide as its column, so no number ever pushes another aside. What has to be
cut is cut toward zero: a book never looks deeper, nor a gain greater, than it is.
"""

from functools import lru_cache

from predmarket.units import MONEY_ONE, PRICE_ONE, QTY_ONE, Money, Price, Qty

SIZE_CELLS = 5
MONEY_CELLS = 8

_CENT: Money = MONEY_ONE // 100
_SUFFIXES = ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "B"), (1_000_000_000_000, "T"))


def decimals_of(tick: Price) -> int:
    """Return how many decimals a price of this tick has: 1 to 4."""
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
