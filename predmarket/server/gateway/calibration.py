"""How right the prices of resolved markets were: their Brier score and reliability table.

A market's forecast is its last trade at least so long before trading in it ended. Books of the past
are not stored, so there are no midpoints to take. VOID has no outcome and SCALAR none that is YES
or NO: both are left out, as the scores are those of binary forecasts.

What a final market's price was never changes, so each is read once and kept.

Promises:
- one request reads at a time, by index, and the others wait at most WAIT_SECONDS for it;
- memory is bounded by REMEMBERED prices.

Source: Brier, Verification of forecasts expressed in terms of probability (1950).
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from predmarket.contracts.calibration import Ahead, Calibration, CalibrationBin
from predmarket.enums import MarketStatus, Outcome
from predmarket.server.core.bus import Overloaded
from predmarket.server.read_model.queries.admin_log import closed_at
from predmarket.server.read_model.queries.cursors import LARGEST_ID
from predmarket.server.read_model.queries.spans import Span
from predmarket.server.read_model.queries.trades import trades_of
from predmarket.server.read_model.records import MarketRecord
from predmarket.server.storage.database import Database
from predmarket.units import PRICE_ONE, Price, format, format_price

MAX_MARKETS = 1_000
"""Markets of one calibration; each costs two searches by index, once."""
REMEMBERED = 30_000
WAIT_SECONDS = 8.0
_AT_ONCE = 50
"""Markets that are looked up on one connection, before it is given back."""
_BINS = 10
_DECIMALS = 6


class Forecast(NamedTuple):
    """A market's price beforehand, and whether it resolved YES."""

    price: Price
    came_true: bool


def is_binary(market: MarketRecord) -> bool:
    """Tell whether a market resolved YES or NO."""
    return market.status is MarketStatus.RESOLVED and market.outcome in (Outcome.YES, Outcome.NO)


class Forecasts:
    """The prices of final markets some time before trading in them ended."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[tuple[int, Ahead], Price | None] = {}
        self._turn = asyncio.Lock()

    async def calibration(
        self, resolved: Sequence[MarketRecord], before: Ahead, *, more: bool
    ) -> Calibration:
        """Return the calibration of binary markets; ``more`` tells that there are others, older.

        Raises Overloaded.
        """
        prices = await self._prices(resolved, before)
        forecasts = [
            Forecast(price, market.outcome is Outcome.YES)
            for market in resolved
            if (price := prices[market.id]) is not None
        ]
        scored = len(forecasts)
        return Calibration(
            before=before,
            markets=scored,
            brier_score=brier_score(forecasts),
            base_rate=_ratio(sum(one.came_true for one in forecasts), scored) if scored else None,
            unpriced=len(resolved) - scored,
            more=more,
            bins=bins(forecasts),
        )

    async def _prices(
        self, markets: Sequence[MarketRecord], before: Ahead
    ) -> dict[int, Price | None]:
        try:
            async with asyncio.timeout(WAIT_SECONDS), self._turn:
                unknown = [one for one in markets if (one.id, before) not in self._known]
                for start in range(0, len(unknown), _AT_ONCE):
                    await self._read(unknown[start : start + _AT_ONCE], before)
                prices = {one.id: self._known[one.id, before] for one in markets}
        except TimeoutError:
            raise Overloaded("too many calibrations are being computed") from None
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return prices

    async def _read(self, markets: Sequence[MarketRecord], before: Ahead) -> None:
        async with self._db.read() as connection:
            ends = await closed_at(connection, markets)
            for market in markets:
                span = Span(until=ends[market.id] - before.micros + 1)
                last = await trades_of(connection, market.id, before=LARGEST_ID, limit=1, span=span)
                self._known[market.id, before] = last[0].price if last else None


def brier_score(forecasts: Sequence[Forecast]) -> str | None:
    """Return the mean squared distance of price and outcome, None without a forecast."""
    squares = sum((price - PRICE_ONE * came_true) ** 2 for price, came_true in forecasts)
    return _ratio(squares, len(forecasts) * PRICE_ONE**2) if forecasts else None


def bins(forecasts: Sequence[Forecast]) -> list[CalibrationBin]:
    """Return the bins of equal width that hold a forecast; an edge belongs to the lower one."""
    width = PRICE_ONE // _BINS
    held: dict[int, list[Forecast]] = {}
    for one in forecasts:
        held.setdefault(max(0, -(-one.price // width) - 1), []).append(one)
    return [
        CalibrationBin(
            above=format_price(number * width),
            to=format_price((number + 1) * width),
            markets=len(held[number]),
            price=_ratio(sum(one.price for one in held[number]), len(held[number]) * PRICE_ONE),
            share=_ratio(sum(one.came_true for one in held[number]), len(held[number])),
        )
        for number in sorted(held)
    ]


def _ratio(part: int, of: int) -> str:
    """Return a ratio with 6 decimals, rounded half up."""
    return format((2 * part * 10**_DECIMALS + of) // (2 * of), _DECIMALS)
