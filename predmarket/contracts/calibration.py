"""Calibration in the API: how right prices were, once markets were resolved."""

from enum import StrEnum

import msgspec

from predmarket.units import Micros


class Ahead(StrEnum):
    """How long before a market closed its price is taken."""

    HOUR = "1h"
    DAY = "1d"
    WEEK = "7d"

    @property
    def micros(self) -> Micros:
        """Return the length in microseconds."""
        return _HOURS[self] * 3_600_000_000


_HOURS = {Ahead.HOUR: 1, Ahead.DAY: 24, Ahead.WEEK: 168}


class CalibrationBin(msgspec.Struct, frozen=True, rename="camel"):
    """The markets whose price lay above ``above`` and up to ``to``.

    ``price`` is their mean price, ``share`` the share of them that resolved YES.
    """

    above: str
    to: str
    markets: int
    price: str
    share: str


class Calibration(msgspec.Struct, frozen=True, rename="camel"):
    """The Brier score and the reliability table of markets that resolved YES or NO.

    ``brier_score`` and ``base_rate``, the share that resolved YES, are null without markets.
    ``unpriced`` counts markets without a trade so long before they closed. Only the newest markets
    are scored; ``more`` tells whether there are older ones. Bins without a market are left out.
    """

    before: Ahead
    markets: int
    brier_score: str | None
    base_rate: str | None
    unpriced: int
    more: bool
    bins: list[CalibrationBin]
