"""Candles, computed from the trades.

A market's trades are numbered in the order of their time, so a time is turned into a trade id by
bisection along the primary key, by which a market's trades between two ids are found as well. That
way candles cost a trade nothing when it is written.
"""

from typing import NamedTuple

from sqlalchemy import BigInteger, and_, cast, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.storage.tables.trading import trades
from predmarket.units import Micros, Price, Qty

_EARLY = """
    (
        SELECT created_at FROM trades WHERE market_id = :market AND id >= (low + high) / 2
        ORDER BY id LIMIT 1
    ) < :moment
"""
_FIRST_SINCE = text(
    f"""
    WITH RECURSIVE span(low, high) AS (
        SELECT CAST(1 AS BIGINT),
               COALESCE((SELECT MAX(id) FROM trades WHERE market_id = :market), 0) + 1
        UNION ALL
        SELECT CASE WHEN {_EARLY} THEN (low + high) / 2 + 1 ELSE low END,
               CASE WHEN {_EARLY} THEN high ELSE (low + high) / 2 END
        FROM span WHERE low < high
    )
    SELECT MAX(low) FROM span
    """  # noqa: S608 -- composed of our own text alone
)
"""``low`` never falls, so its greatest value is where the halving ended."""


class CandleRecord(NamedTuple):
    """The trades of one interval that had any."""

    start: Micros
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Qty
    trades: int


async def first_trade_since(connection: AsyncConnection, market_id: int, moment: Micros) -> int:
    """Return the least id that is above those of all the market's trades before ``moment``."""
    sought = {"market": market_id, "moment": moment}
    return int((await connection.execute(_FIRST_SINCE, sought)).scalar_one())


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
