"""Parses typed prices, quantities and money: plain decimals in the exchange's format.

Other spellings (55c, 0,55, 1e3) are refused, with the number that was probably meant.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from predmarket import units
from predmarket.cli.failure import usage

_PLAIN = re.compile(r"-?(\d+(\.\d+)?|\.\d+)", re.ASCII)
_NUMBER = re.compile(r"(-?)\$?\s*([\d.,_' ]*\d)(e[+-]?\d{1,2})?\s*(c|ct|cents?|¢|%)?", re.I | re.A)
_THOUSANDS = re.compile(r"[1-9]\d{0,2}([,_' ]\d{3})+(\.\d+)?", re.ASCII)
_LONGEST = 40
"""Characters of a number: no more are shown of what is none."""


@dataclass(frozen=True, slots=True)
class NumberKind:
    """What a number means, and from where to where it lies, in units. ends: whether the ends are
    such numbers themselves. parts: people say it in cents or per cent, too.
    """

    noun: str
    span: str
    decimals: int
    low: int
    high: int
    ends: bool = True
    parts: bool = True

    def holds(self, value: int) -> bool:
        """Tell whether ``value`` is valid."""
        edge = 0 if self.ends else 1
        return self.low + edge <= value <= self.high - edge


_PRICED = (units.PRICE_DECIMALS, 0, units.PRICE_ONE)
PRICE = NumberKind("price", "between 0 and 1 (dollars)", *_PRICED, ends=False)
SETTLEMENT = NumberKind("settlement price", "from 0 to 1 (dollars)", *_PRICED)
SLIPPAGE = NumberKind("slippage", "from 0 to 1 (dollars)", *_PRICED)
TICK = NumberKind("tick", "from 0.0001 to 0.1", units.PRICE_DECIMALS, 1, max(units.TICK_SIZES))
RATE = NumberKind("fee rate", "from 0 to 0.25", units.RATE_DECIMALS, 0, units.MAX_RATE)
QTY = NumberKind(
    "quantity", "above 0, up to 1000000", units.QTY_DECIMALS, 1, units.MAX_QTY, parts=False
)
MONEY = NumberKind(
    "number of dollars",
    "from -1000000000 to 1000000000",
    units.MONEY_DECIMALS,
    -units.MAX_TRANSFER,
    units.MAX_TRANSFER,
    parts=False,
)


def number(text: str, kind: NumberKind, name: str) -> str:
    """Return ``text`` as the exchange reads it; ``name`` is the argument's. Raises Failure."""
    plain = _PLAIN.fullmatch(text) is not None
    if plain and _fits(text, kind):
        return re.sub(r"^(-?)\.", r"\g<1>0.", text)
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    meant = next(_meant(text, kind), None)
    did = f"; did you mean {meant}?" if meant else ""
    raise usage(
        f"{name} {shown or 'that is empty'} is no {kind.noun}: a {kind.noun} lies {kind.span},"
        f" with at most {kind.decimals} decimals{did}"
    )


def optional(text: str | None, kind: NumberKind, name: str) -> str | None:
    """Return what ``number`` does; what was not given stays None. Raises Failure."""
    return None if text is None else number(text, kind, name)


def _fits(text: str, kind: NumberKind) -> bool:
    try:
        return kind.holds(units.parse(text, kind.decimals))
    except units.UnitError:
        return False


def _meant(text: str, kind: NumberKind) -> Iterator[str]:
    """Yield the numbers of ``kind`` that ``text`` may stand for, the likeliest first."""
    found = _NUMBER.fullmatch(text.strip()[:_LONGEST])
    if found is None:
        return
    sign, digits, exponent, part = found.groups()
    spelled = [digits.replace(",", ".")]
    if _THOUSANDS.fullmatch(digits):
        ungrouped = re.sub(r"[,_' ]", "", digits)
        spelled = [*spelled, ungrouped] if kind.parts else [ungrouped]
    for one in spelled:
        if not _PLAIN.fullmatch(one):
            continue
        exact = Decimal(f"{sign}{one}{exponent or ''}")
        whole = one.isdigit() and kind.parts  # 55 is 55 cents
        for value in (exact / 100,) if part else (exact, exact / 100) if whole else (exact,):
            plain = f"{value:f}"
            if "." in plain:
                plain = plain.rstrip("0").rstrip(".")
            if _fits(plain, kind):
                yield plain
