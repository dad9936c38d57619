"""Candles of a market over a span of time."""

from typing import NamedTuple

from predmarket.server.gateway.context import Context
from predmarket.server.gateway.kalshi.errors import invalid
from predmarket.server.gateway.kalshi.market_presenters import candle
from predmarket.server.gateway.kalshi.query import Query
from predmarket.server.gateway.kalshi.words import SECOND, Json
from predmarket.server.read_model.records import MarketRecord
from predmarket.units import Micros

MAX_CANDLES = 5_000
"""Maximum periods in one request."""
_MINUTE: Micros = 60 * SECOND
_LATE: Micros = 5 * SECOND
"""How old a client's now may be, in whole seconds, by when its request is answered."""
_HOUR: Micros = 60 * _MINUTE
_WIDTHS = {1: _MINUTE, 60: _HOUR, 1_440: 24 * _HOUR}


class Period(NamedTuple):
    """The candles that a request asks for."""

    width: Micros
    start_ts: int
    end_ts: int


def period_of(query: Query) -> Period:
    """Return the candles asked for. Raises Invalid."""
    width = _WIDTHS.get(query.number("period_interval", 0, 0, 1_440))
    start, end = query.moment("start_ts"), query.moment("end_ts")
    if width is None:
        raise invalid("period_interval", "must be 1, 60 or 1440")
    if start is None or end is None:
        raise invalid("start_ts", "and end_ts are required")
    if start > end:
        raise invalid("start_ts", "must not be after end_ts")
    if end - start > MAX_CANDLES * width:
        raise invalid("start_ts", f"asks for more than {MAX_CANDLES} candles")
    return Period(width, start // SECOND, end // SECOND)


async def candles(context: Context, record: MarketRecord, period: Period) -> list[Json]:
    """Return a market's candles that end within a period; periods without a trade have none.

    The candle that is still growing is among them when the period reaches up to now.
    """
    width, now = period.width, context.services.core.now()
    start, end = period.start_ts * SECOND, period.end_ts * SECOND
    begin = max(-(-start // width) - 1, record.created_at // width) * width
    growing = (now // width + 1) * width
    until = growing if end >= now - _LATE else end // width * width
    if begin >= until:
        return []
    found = await context.candles.of(record.id, width, begin, until)
    if not found:
        return []
    closes = [None, *(one.close for one in found)]
    assert context.quotes is not None  # it is there with these routes
    quotes = await context.quotes.of(record, width, found[0].start, found[-1].start + width)
    return [
        candle(one, width, before, quotes.get(one.start))
        for one, before in zip(found, closes, strict=False)
    ]
