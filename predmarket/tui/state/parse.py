"""Parses the API's decimals and times into units; no other module of the screen does.

The input is the exchange's own, so an unreadable value is a defect of the exchange and raises
UnitError.
"""

from datetime import datetime
from functools import lru_cache
from typing import overload

from predmarket import units
from predmarket.contracts.amounts import EPOCH
from predmarket.units import Micros, Money, Price, Qty


@overload
def price(text: str) -> Price: ...
@overload
def price(text: str | None) -> Price | None: ...
def price(text: str | None) -> Price | None:
    """Return a price of at most 4 decimals; None stays None."""
    return None if text is None else _parse(text, units.PRICE_DECIMALS)


def qty(text: str) -> Qty:
    """Return a quantity."""
    return _parse(text, units.QTY_DECIMALS)


def money(text: str) -> Money:
    """Return an amount of money."""
    return _parse(text, units.MONEY_DECIMALS)


@overload
def time(text: str) -> Micros: ...
@overload
def time(text: str | None) -> Micros | None: ...
def time(text: str | None) -> Micros | None:
    """Return a time of the wire (RFC 3339) in microseconds; None stays None."""
    if text is None:
        return None
    span = datetime.fromisoformat(text) - EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


@lru_cache(maxsize=8192)  # the same few prices and sizes repeat
def _parse(text: str, decimals: int) -> int:
    return units.parse(text, decimals)
