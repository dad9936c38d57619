"""Parses the fields of forms into units or the API's words; errors are in plain words.

A decimal comma counts as a point. A price is a number between 0 and 1, as everywhere else.
"""

import re
from datetime import UTC, datetime, timedelta

from predmarket import units
from predmarket.units import Price, Qty, UnitError

_SPAN = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?")


class Wrong(ValueError):
    """The typed text is invalid; the message says why."""


def price(text: str, tick: Price) -> Price:
    """Read a price on the tick. Raises Wrong."""
    try:
        value = units.parse_price(_number(text, "price"))
    except UnitError as error:
        raise Wrong(f"price {error}") from None
    if value % tick:
        raise Wrong(f"price must be a multiple of {units.format_price(tick)}")
    return value


def qty(text: str) -> Qty:
    """Read a quantity. Raises Wrong."""
    try:
        return units.parse_qty(_number(text, "quantity"))
    except UnitError as error:
        raise Wrong(f"quantity {error}") from None


def share(text: str, name: str) -> Price:
    """Read a price from 0 to 1 with both ends. Raises Wrong."""
    try:
        value = units.parse(_number(text, name), units.PRICE_DECIMALS)
    except UnitError as error:
        raise Wrong(f"{name} {error}") from None
    if not 0 <= value <= units.PRICE_ONE:
        raise Wrong(f"{name} must lie between 0 and 1")
    return value


def moment(text: str, name: str) -> str:
    """Read a time, RFC 3339 or a span from now such as 30m; return it as the wire has it. Raises
    Wrong.
    """
    words = text.strip()
    span = _SPAN.fullmatch(words)
    try:
        if words and span:
            days, hours, minutes, seconds = (int(part or 0) for part in span.groups())
            then = datetime.now(UTC) + timedelta(
                days=days, hours=hours, minutes=minutes, seconds=seconds
            )
        else:
            then = datetime.fromisoformat(words)
            if then.tzinfo is None:
                raise Wrong(f"{name} needs a zone, such as Z at its end")
    except (ValueError, OverflowError) as error:
        if isinstance(error, Wrong):
            raise
        raise Wrong(f"{name} is a time such as 2030-01-31T12:00:00Z, or a span as 30m") from None
    return f"{then.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def _number(text: str, name: str) -> str:
    words = text.strip().replace(",", ".")
    if not words:
        raise Wrong(f"{name} is missing")
    return words
