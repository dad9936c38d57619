"""Amounts and times of requests: parsed exactly, and held in the units of units.py.

A number is a decimal string or a JSON number; neither becomes a float. The classes wrap an integer
and do not derive from int: code that forgets ``.units`` fails in the type checker, and not later in
the journal's encoder.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Self

import msgspec

from predmarket import units
from predmarket.units import MAX_TIME, MAX_TRANSFER, PRICE_DECIMALS, PRICE_ONE, Micros, UnitError

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WIDEST_TEXT = 64
_WIDEST_INT = 10**30
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Amount:
    """A number read from the wire, in its unit."""

    __slots__ = ("units",)

    def __init__(self, units: int) -> None:
        self.units = units

    @staticmethod
    def _parse(value: str | int) -> int:
        raise NotImplementedError

    @classmethod
    def read(cls, value: object) -> Self:
        """Return the amount of a JSON string or number. Raises UnitError."""
        if type(value) is str:
            if len(value) > _WIDEST_TEXT:
                raise UnitError("has too many digits")
        elif type(value) is not int:
            raise UnitError("must be a decimal string or a number")
        elif not -_WIDEST_INT < value < _WIDEST_INT:
            raise UnitError("is too large")
        return cls._read(value)

    @classmethod
    @lru_cache(maxsize=8192)  # few prices and sizes make up most orders
    def _read(cls, value: str | int) -> Self:
        if isinstance(value, str) and not _NUMBER.fullmatch(value):
            raise UnitError("is not a decimal number")
        return cls(cls._parse(value))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.units == self.units

    def __hash__(self) -> int:
        return hash((type(self), self.units))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.units})"


class Price(Amount):
    """Strictly between 0 and 1 dollar."""

    __slots__ = ()

    @staticmethod
    def _parse(value: str | int) -> int:
        return units.parse_price(value)


class Qty(Amount):
    """Above 0, at most 1 000 000 contracts."""

    __slots__ = ()

    @staticmethod
    def _parse(value: str | int) -> int:
        return units.parse_qty(value)


class Rate(Amount):
    """A fee rate from 0 to 0.25."""

    __slots__ = ()

    @staticmethod
    def _parse(value: str | int) -> int:
        return units.parse_rate(value)


class Tick(Amount):
    """0.1, 0.01, 0.001 or 0.0001."""

    __slots__ = ()

    @staticmethod
    def _parse(value: str | int) -> int:
        return units.parse_tick(value)


class Share(Amount):
    """A price from 0 to 1 with both ends: a settlement price, a slippage."""

    __slots__ = ()

    @staticmethod
    def _parse(value: str | int) -> int:
        share = units.parse(value, PRICE_DECIMALS)
        if not 0 <= share <= PRICE_ONE:
            raise UnitError("must lie between 0 and 1")
        return share


class TransferAmount(Amount):
    """Money of either sign, but not 0. One transfer cannot move an amount that is ``too_large``."""

    __slots__ = ()

    @staticmethod
    def _parse(value: str | int) -> int:
        amount = units.parse_money(value)
        if not amount:
            raise UnitError("must not be 0")
        return amount

    @property
    def too_large(self) -> bool:
        """Tell whether this exceeds the limit of one transfer."""
        return abs(self.units) > MAX_TRANSFER


class Credit(Amount):
    """Money that an account opens with: at least 0, at most what one transfer moves."""

    __slots__ = ()

    @staticmethod
    def _parse(value: str | int) -> int:
        amount = units.parse_money(value)
        if not 0 <= amount <= MAX_TRANSFER:
            raise UnitError(f"must lie between 0 and {units.format_money(MAX_TRANSFER)}")
        return amount


class Time:
    """A moment read from RFC 3339 with any offset."""

    __slots__ = ("micros",)

    def __init__(self, micros: Micros) -> None:
        self.micros = micros

    @classmethod
    def read(cls, value: object) -> Self:
        """Return the moment of an RFC 3339 string. Raises ValueError, also without an offset."""
        try:
            moment = msgspec.convert(value, datetime)
        except msgspec.ValidationError:
            raise ValueError("is not an RFC 3339 time") from None
        if moment.tzinfo is None:
            raise ValueError("needs an offset, such as Z")
        micros = (moment - EPOCH) // _MICROSECOND
        if not 0 <= micros <= MAX_TIME:
            raise ValueError("must lie between the years 1970 and 9999")
        return cls(micros)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and other.micros == self.micros

    def __hash__(self) -> int:
        return hash(self.micros)

    def __repr__(self) -> str:
        return f"Time({self.micros})"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return (EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


def format_time(micros: Micros) -> str:
    """Return a moment in the API's format: "2026-01-31T12:00:00.000000Z"."""
    seconds, part = divmod(micros, 1_000_000)
    return f"{_second(seconds)}.{part:06d}Z"
