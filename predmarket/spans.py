"""Spans of time as people write them: 90s, 1.5h, 1d12h, 2w."""

import re

from predmarket.units import Micros

_COUNT = r"(\d{1,9}(?:\.\d{1,6})?)"
_SPAN = re.compile("".join(f"(?:{_COUNT}{unit})?" for unit in "wdhms"), re.ASCII | re.IGNORECASE)
PATTERN = "(?=.*[1-9])" + "".join(
    rf"(?:[0-9]{{1,9}}(?:\.[0-9]{{1,6}})?[{unit}{unit.upper()}])?" for unit in "wdhms"
)
"""Matches a span above 0, as JSON Schema can say it."""
_SECOND: Micros = 1_000_000
_UNITS = tuple(seconds * _SECOND for seconds in (604_800, 86_400, 3_600, 60, 1))


def is_span(text: str) -> bool:
    """Tell whether a text is a span."""
    return bool(text) and _SPAN.fullmatch(text) is not None


def parse_span(text: str) -> Micros:
    """Return a span's length. Raises ValueError."""
    found = _SPAN.fullmatch(text)
    if not text or found is None:
        raise ValueError(f"{text!r} is no span such as 90s, 1.5h or 2w")
    return sum(
        _times(count, unit) for count, unit in zip(found.groups(), _UNITS, strict=True) if count
    )


def _times(count: str, unit: Micros) -> Micros:
    """Return ``count``, which has at most six decimals, times ``unit``."""
    whole, _, fraction = count.partition(".")
    return int(whole) * unit + int(fraction.ljust(6, "0")) * unit // _SECOND
