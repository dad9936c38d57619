"""Faults on demand: how people write them, and the request and the answer of /v1/faults.

    latency=50ms±20ms,loss=0.01,cut=30s,reject=0.001,slow-feed=4kB/s,seed=7

- latency: by how much a round trip takes longer; half on the way in, half on the way out;
- loss: the share of requests whose connection is cut before they are carried out, or after;
- cut: how long after its first request a connection is cut;
- reject: the share of requests that are refused as by an overloaded exchange;
- slow-feed: how much a second a socket's client takes;
- seed: the same number draws the same faults for the same requests.

``none`` stands for no faults. ``+-`` may stand for ``±``.
"""

import re
from collections.abc import Callable
from typing import NamedTuple, Self

import msgspec

from predmarket import units
from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Request
from predmarket.units import Micros, UnitError

NONE = "none"
ALL = 1_000_000
"""Shares of requests are counted in millionths."""
MAX_SEED = 2**53 - 1
_SHARE_DECIMALS = 6
_UNITS: dict[str, Micros] = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000}
_LENGTH = r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(ms|s|m)"
_LENGTHS = re.compile(rf"{_LENGTH}(?:(?:±|\+-){_LENGTH})?")
_RATE = re.compile(r"([0-9]{1,6})(B|kB|MB)/s")
_RATES = {"B": 1, "kB": 1_000, "MB": 1_000_000}
_LONGEST: Micros = 3_600_000_000
_MAX_LATENCY: Micros = 60_000_000
_SHORTEST_CUT: Micros = 10_000


class FaultSyntaxError(ValueError):
    """A text that names no faults; the message says why."""


class Lengths(NamedTuple):
    """A length of time, and by how much it may be shorter or longer."""

    middle: Micros
    spread: Micros

    def __str__(self) -> str:
        return _length(self.middle) + (f"±{_length(self.spread)}" if self.spread else "")


class FaultSpec(msgspec.Struct, frozen=True):
    """The faults that an exchange has. ``loss`` and ``reject`` are in millionths of all requests,
    ``slow_feed`` is in bytes a second."""

    latency: Lengths | None = None
    loss: int = 0
    cut: Lengths | None = None
    reject: int = 0
    slow_feed: int | None = None
    seed: int | None = None

    @property
    def is_none(self) -> bool:
        """Tell whether there are no faults."""
        return not (self.latency or self.loss or self.cut or self.reject or self.slow_feed)

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the faults that a text names. Raises FaultSyntaxError."""
        if text.strip() == NONE:
            return cls()
        given: dict[str, object] = {}
        for part in text.split(","):
            name, equals, value = (piece.strip() for piece in part.partition("="))
            if name not in _READERS:
                known = ", ".join(_READERS)
                shown = f"{name[:64]!r} is no fault" if name else "a fault is missing"
                raise FaultSyntaxError(f"{shown}: there are {known}; or {NONE}")
            if not equals or name in given:
                raise FaultSyntaxError(f"{name} needs one value")
            try:
                given[name] = _READERS[name](value)
            except (FaultSyntaxError, UnitError) as error:
                raise FaultSyntaxError(f"{name} {error}") from None
        return msgspec.convert(
            {name.replace("-", "_"): value for name, value in given.items()}, cls
        )

    def __str__(self) -> str:
        if self.is_none:
            return NONE
        named = {
            "latency": self.latency,
            "loss": _share(self.loss),
            "cut": self.cut,
            "reject": _share(self.reject),
            "slow-feed": None if self.slow_feed is None else _rate(self.slow_feed),
            "seed": self.seed,
        }
        return ",".join(f"{name}={value}" for name, value in named.items() if value is not None)


class SetFaults(Request, frozen=True):
    """PUT /v1/faults: ``faults`` is a text such as latency=50ms±20ms,loss=0.01, or none."""

    faults: str

    def problems(self) -> list[Problem]:
        try:
            FaultSpec.read(self.faults)
        except FaultSyntaxError as error:
            return [Problem("faults", str(error))]
        return []


class Injected(msgspec.Struct, frozen=True):
    """How often each fault has struck since the faults were last set."""

    lost: int
    cut: int
    rejected: int


class Faults(msgspec.Struct, frozen=True):
    """The faults in force, with the seed that draws them again; and how often they struck."""

    faults: str
    injected: Injected


def _read_lengths(text: str, least: Micros, most: Micros) -> Lengths:
    found = _LENGTHS.fullmatch(text)
    if found is None:
        raise FaultSyntaxError("must be like 50ms, 1.5s, or 50ms±20ms")
    middle, spread = _micros(found[1], found[2]), _micros(found[3] or "0", found[4] or "s")
    if not least <= middle <= most:
        raise FaultSyntaxError(f"must lie between {_length(least)} and {_length(most)}")
    if spread > middle:
        raise FaultSyntaxError("must not be negative: the part after ± is the smaller one")
    return Lengths(middle, spread)


def _micros(count: str, unit: str) -> Micros:
    return units.parse(count, 3) * _UNITS[unit] // 1_000


def _length(length: Micros) -> str:
    if length >= 1_000_000:
        return f"{_plain(length, 6)}s"
    return f"{_plain(length, 3)}ms"


def _plain(value: int, decimals: int) -> str:
    """Return a number without superfluous zeros."""
    whole, rest = divmod(value, 10**decimals)
    return f"{whole}.{rest:0{decimals}d}".rstrip("0").rstrip(".")


def _read_share(text: str) -> int:
    share = units.parse(text, _SHARE_DECIMALS)
    if not 0 <= share <= ALL:
        raise FaultSyntaxError("must lie between 0 and 1")
    return share


def _share(share: int) -> str | None:
    return _plain(share, _SHARE_DECIMALS) if share else None


def _read_rate(text: str) -> int:
    found = _RATE.fullmatch(text)
    if found is None or not int(found[1]):
        raise FaultSyntaxError("must be like 500B/s, 4kB/s or 1MB/s")
    return int(found[1]) * _RATES[found[2]]


def _rate(rate: int) -> str:
    unit, size = next(one for one in reversed(_RATES.items()) if rate % one[1] == 0)
    return f"{rate // size}{unit}/s"


def _read_seed(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 17 and int(text) <= MAX_SEED):
        raise FaultSyntaxError(f"must be a whole number from 0 to {MAX_SEED}")
    return int(text)


_READERS: dict[str, Callable[[str], object]] = {
    "latency": lambda text: _read_lengths(text, _UNITS["ms"], _MAX_LATENCY),
    "loss": _read_share,
    "cut": lambda text: _read_lengths(text, _SHORTEST_CUT, _LONGEST),
    "reject": _read_share,
    "slow-feed": _read_rate,
    "seed": _read_seed,
}
