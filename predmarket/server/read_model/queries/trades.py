"""Queries on trades, public ones and those of one user."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    func,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.engine.replies import OrderRecord
from predmarket.enums import Liquidity, Side
from predmarket.server.read_model.queries.spans import ALWAYS, Numbered, Span, ids_of
from predmarket.server.read_model.queries.walks import MAX_WALK
from predmarket.server.read_model.records import TradeRecord, UserFill
from predmarket.server.storage.tables.history import order_events, trades
from predmarket.server.storage.tables.trading import markets
from predmarket.units import Micros

MAX_LOOKS = 32
"""Looks for the trades of a page of all markets."""
_WALK_AT_ONCE = 1_000
_IDS_A_QUERY = 1_000
_TRADES = select(
    trades.c.id,
    trades.c.buy_order_id,
    trades.c.sell_order_id,
    trades.c.price,
    trades.c.qty,
    trades.c.taker_side,
    trades.c.created_at,
)


async def trades_of(
    connection: AsyncConnection, market_id: int, *, before: int, limit: int, span: Span = ALWAYS
) -> list[TradeRecord]:
    """Return a market's trades below the id ``before``, newest first."""
    above, before = await ids_of(connection, span, before, market_id, Numbered.TRADES)
    query = _TRADES.where(trades.c.market_id == market_id)
    query = query.where(trades.c.id > above, trades.c.id < before)
    return await _trades(connection, market_id, query.order_by(trades.c.id.desc()).limit(limit))


async def trades_of_all(
    connection: AsyncConnection, market_ids: Sequence[int], before: int, limit: int, span: Span
) -> tuple[list[TradeRecord], int | None]:
    """Return trades of some markets below the id ``before``, newest first, and the next page's
    ``before``, None after the last page.

    Trades are numbered across all markets without a gap, and no index leads from a number to its
    market. So a page looks at ``limit`` numbers, and where other markets' trades are among them at
    ever more, so that those leave no trace. After MAX_LOOKS looks it may hold fewer.
    """
    top = min(before, await _newest(connection, market_ids) + 1)
    found: list[TradeRecord] = []
    since, width, past = span.since, limit + 1, False
    for _ in range(MAX_LOOKS):
        found += await _numbered(connection, market_ids, top - width, top, span.until)
        top -= width
        past = since is not None and bool(found) and found[-1].created_at < since
        if len(found) > limit or top <= 1 or past:
            break
        width = min(2 * width, MAX_WALK)
    shown = [one for one in found[:limit] if since is None or one.created_at >= since]
    if len(found) > limit and len(shown) == limit:
        return shown, shown[-1].id
    return shown, None if top <= 1 or past else top


async def _newest(connection: AsyncConnection, market_ids: Sequence[int]) -> int:
    """Return the id of the last trade of some markets, 0 without any."""
    newest = 0
    for part in _parts(market_ids):
        last = (
            select(trades.c.id)
            .where(trades.c.market_id == markets.c.id)
            .order_by(trades.c.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        query = select(func.max(last)).where(markets.c.id.in_(part))
        newest = max(newest, (await connection.execute(query)).scalar_one() or 0)
    return newest


async def _numbered(
    connection: AsyncConnection,
    market_ids: Sequence[int],
    first: int,
    end: int,
    until: Micros | None,
) -> list[TradeRecord]:
    """Return trades of some markets with ids from ``first`` on below ``end``, newest first."""
    found: list[TradeRecord] = []
    for part in _parts(market_ids):
        query = select(trades.c.market_id, *_TRADES.selected_columns).where(
            trades.c.market_id.in_(part), trades.c.id < end, trades.c.id >= first
        )
        found += [
            TradeRecord(id, market_id, buy, sell, price, qty, Side(taker_side), created_at)
            for market_id, id, buy, sell, price, qty, taker_side, created_at in (
                await connection.execute(query)
            )
            if until is None or created_at < until
        ]
    return sorted(found, key=lambda trade: trade.id, reverse=True)


def _parts(market_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(market_ids), _IDS_A_QUERY):
        yield market_ids[start : start + _IDS_A_QUERY]


async def trades_after(
    connection: AsyncConnection, market_id: int, after: int, *, limit: int
) -> list[TradeRecord]:
    """Return a market's trades above the id ``after``, oldest first."""
    query = _TRADES.where(trades.c.market_id == market_id, trades.c.id > after)
    return await _trades(connection, market_id, query.order_by(trades.c.id).limit(limit))


async def _trades(
    connection: AsyncConnection, market_id: int, query: Select[*tuple[Any, ...]]
) -> list[TradeRecord]:
    return [
        TradeRecord(id, market_id, buy, sell, price, qty, Side(taker_side), created_at)
        for id, buy, sell, price, qty, taker_side, created_at in await connection.execute(query)
    ]


async def trade_before_last(connection: AsyncConnection, market_id: int, count: int) -> int:
    """Return the id of the trade before a market's last ``count``, 0 if there is none."""
    query = (
        select(trades.c.id)
        .where(trades.c.market_id == market_id)
        .order_by(trades.c.id.desc())
        .offset(count)
        .limit(1)
    )
    return (await connection.execute(query)).scalar_one_or_none() or 0


async def fills_of_user(
    connection: AsyncConnection, user_id: int, *, before: int, limit: int, span: Span = ALWAYS
) -> list[UserFill]:
    """Return a user's executions below the trade id ``before``, newest first."""
    both = (Numbered.BUYS, Numbered.SELLS)
    above, before = await ids_of(connection, span, before, user_id, *both)
    which = and_(trades.c.id > above, trades.c.id < before)
    halves = _fills(user_id, which, trades.c.id.desc(), limit)
    query = union_all(*halves).order_by(literal_column("id").desc()).limit(limit)
    return [_fill(row) for row in await connection.execute(query)]


async def page_of_fills(
    connection: AsyncConnection,
    user_id: int,
    *,
    before: int,
    limit: int,
    market_ids: Collection[int] | None = None,
    span: Span = ALWAYS,
) -> tuple[list[UserFill], int | None]:
    """Return a page of a user's executions in some markets below the trade id ``before``, newest
    first, and the next page's ``before``, None after the last page.

    A page looks at most at MAX_WALK executions. If too few are of these markets, the page ends
    there, perhaps empty, and the next page continues.
    """
    found: list[UserFill] = []
    looked = 0
    while True:
        size = limit + 1 if market_ids is None else _WALK_AT_ONCE
        part = await fills_of_user(connection, user_id, before=before, limit=size, span=span)
        looked += len(part)
        for one in part:
            if market_ids is None or one.market_id in market_ids:
                if len(found) == limit:
                    return found, found[-1].trade_id
                found.append(one)
        if len(part) < size:
            return found, None
        before = part[-1].trade_id
        if looked >= MAX_WALK:
            return found, before


async def fills_of_order(
    connection: AsyncConnection, order: OrderRecord, *, before: int, limit: int
) -> list[UserFill]:
    """Return an order's executions below the trade id ``before``, newest first."""
    traded = select(order_events.c.trade_id).where(
        order_events.c.order_id == order.id, order_events.c.trade_id < before
    )
    fee = trades.c.buy_fee if order.side is Side.BUY else trades.c.sell_fee
    query = (
        select(
            trades.c.id,
            literal(order.id).label("order_id"),
            trades.c.market_id,
            literal(order.side.value).label("side"),
            trades.c.price,
            trades.c.qty,
            fee.label("fee"),
            trades.c.taker_side,
            trades.c.created_at,
        )
        .where(trades.c.market_id == order.market_id, trades.c.id.in_(traded))
        .order_by(trades.c.id.desc())
        .limit(limit)
    )
    return [_fill(row) for row in await connection.execute(query)]


async def fills_after(
    connection: AsyncConnection, user_id: int, after: int, *, limit: int
) -> list[UserFill]:
    """Return a user's executions above the trade id ``after``, oldest first."""
    halves = _fills(user_id, trades.c.id > after, trades.c.id.asc(), limit)
    query = union_all(*halves).order_by(literal_column("id")).limit(limit)
    return [_fill(row) for row in await connection.execute(query)]


async def fill_before_last(connection: AsyncConnection, user_id: int, count: int) -> int:
    """Return the trade id of the execution before a user's last ``count``, 0 when there is none."""
    halves = [
        select(
            select(trades.c.id)
            .where(owner == user_id)
            .order_by(trades.c.id.desc())
            .limit(count + 1)
            .subquery(name)
        )
        for name, owner in (("bought", trades.c.buy_user_id), ("sold", trades.c.sell_user_id))
    ]
    query = union_all(*halves).order_by(literal_column("id").desc()).offset(count).limit(1)
    return (await connection.execute(query)).scalar_one_or_none() or 0


def _fills(
    user_id: int, which: ColumnElement[bool], order: ColumnElement[int], limit: int
) -> list[Select[*tuple[Any, ...]]]:
    """Return the queries of a user's buys and sells; no trade has one user on both sides."""
    return [
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
            .where(owner == user_id, which)
            .order_by(order)
            .limit(limit)
            .subquery(f"as_{side.value.lower()}")
        )
        for side, owner, order_id, fee in (
            (Side.BUY, trades.c.buy_user_id, trades.c.buy_order_id, trades.c.buy_fee),
            (Side.SELL, trades.c.sell_user_id, trades.c.sell_order_id, trades.c.sell_fee),
        )
    ]


def _fill(row: Row[*tuple[Any, ...]]) -> UserFill:
    return UserFill(
        trade_id=row.id,
        order_id=row.order_id,
        market_id=row.market_id,
        side=Side(row.side),
        price=row.price,
        qty=row.qty,
        fee=row.fee,
        liquidity=Liquidity.TAKER if row.taker_side == row.side else Liquidity.MAKER,
        created_at=row.created_at,
    )
