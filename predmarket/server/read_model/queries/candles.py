"""Candles, computed from a market's trades between two ids."""

from typing import NamedTuple

from sqlalchemy import BigInteger, and_, cast, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.storage.tables.history import trades
from predmarket.units import Micros, Price, Qty


class CandleRecord(NamedTuple):
    """The candle of one interval with trades."""

    start: Micros
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Qty
    trades: int


async def candles_of(
    connection: AsyncConnection, market_id: int, width: Micros, first: int, end: int
) -> list[CandleRecord]:
    """Return the candles, ``width`` wide, of the trades with first <= id < end, oldest first."""
    start = (trades.c.created_at - trades.c.created_at % width).label("start")
    spans = (
        select(
            start,
            func.min(trades.c.id).label("first"),
            func.max(trades.c.id).label("last"),
            func.max(trades.c.price).label("high"),
            func.min(trades.c.price).label("low"),
            cast(func.sum(trades.c.qty), BigInteger).label("volume"),
            func.count().label("trades"),
        )
        .where(trades.c.market_id == market_id, trades.c.id >= first, trades.c.id < end)
        .group_by(text("1"))
        .subquery("spans")
    )
    opening, closing = trades.alias("opening"), trades.alias("closing")
    query = (
        select(
            spans.c.start,
            opening.c.price,
            spans.c.high,
            spans.c.low,
            closing.c.price,
            spans.c.volume,
            spans.c.trades,
        )
        .join(opening, and_(opening.c.market_id == market_id, opening.c.id == spans.c.first))
        .join(closing, and_(closing.c.market_id == market_id, closing.c.id == spans.c.last))
        .order_by(spans.c.start)
    )
    return [CandleRecord(*row) for row in await connection.execute(query)]
