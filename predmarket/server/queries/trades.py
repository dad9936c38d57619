"""Trades, as everybody sees them and as one of the two users does."""

from typing import NamedTuple

from sqlalchemy import literal_column, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.storage.tables.trading import trades
from predmarket.terms import Liquidity, Side
from predmarket.units import Micros, Money, Price, Qty


class TradeRecord(NamedTuple):
    """A trade as stored, without who it was."""

    id: int
    market_id: int
    buy_order_id: int
    sell_order_id: int
    price: Price
    qty: Qty
    taker_side: Side
    created_at: Micros


class UserFill(NamedTuple):
    """One user's half of a trade."""

    trade_id: int
    order_id: int
    market_id: int
    side: Side
    price: Price
    qty: Qty
    fee: Money
    liquidity: Liquidity
    created_at: Micros


async def trades_of(
    connection: AsyncConnection, market_id: int, *, before: int, limit: int
) -> list[TradeRecord]:
    """Return a market's trades below the id ``before``, newest first."""
    query = (
        select(
            trades.c.id,
            trades.c.buy_order_id,
            trades.c.sell_order_id,
            trades.c.price,
            trades.c.qty,
            trades.c.taker_side,
            trades.c.created_at,
        )
        .where(trades.c.market_id == market_id, trades.c.id < before)
        .order_by(trades.c.id.desc())
        .limit(limit)
    )
    return [
        TradeRecord(id, market_id, buy, sell, price, qty, Side(taker_side), created_at)
        for id, buy, sell, price, qty, taker_side, created_at in await connection.execute(query)
    ]


async def fills_of_user(
    connection: AsyncConnection, user_id: int, *, before: int, limit: int
) -> list[UserFill]:
    """Return a user's executions below the trade id ``before``, newest first."""
    halves = [
        select(
            select(
                trades.c.id,
                order_id.label("order_id"),
                trades.c.market_id,
                literal_column(f"'{side.value}'").label("side"),
                trades.c.price,
                trades.c.qty,
                fee.label("fee"),
                trades.c.taker_side,
                trades.c.created_at,
            )
            .where(owner == user_id, trades.c.id < before)
            .order_by(trades.c.id.desc())
            .limit(limit)
            .subquery(f"as_{side.value.lower()}")
        )
        for side, owner, order_id, fee in (
            (Side.BUY, trades.c.buy_user_id, trades.c.buy_order_id, trades.c.buy_fee),
            (Side.SELL, trades.c.sell_user_id, trades.c.sell_order_id, trades.c.sell_fee),
        )
    ]
    query = union_all(*halves).order_by(literal_column("id").desc()).limit(limit)
    return [
        UserFill(
            row.id,
            row.order_id,
            row.market_id,
            Side(row.side),
            row.price,
            row.qty,
            row.fee,
            Liquidity.TAKER if row.taker_side == row.side else Liquidity.MAKER,
            row.created_at,
        )
        for row in await connection.execute(query)
    ]
