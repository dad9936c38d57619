"""Spans of time, turned into ids: the rows of a list are numbered in the order of their time.

So a time becomes an id by bisection along the index by which the list itself is read. That way a
page costs the same wherever its span lies, and its time costs a row nothing when it is written.
"""

from enum import Enum
from typing import NamedTuple

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.units import Micros


class Span(NamedTuple):
    """From ``since`` on, until before ``until``; None is no bound."""

    since: Micros | None = None
    until: Micros | None = None


ALWAYS = Span()


class Numbered(Enum):
    """Rows that are read by id, as a table and its condition; ``:of`` is the market or user."""

    TRADES = "trades", "market_id = :of"
    BUYS = "trades", "buy_user_id = :of"
    SELLS = "trades", "sell_user_id = :of"
    ENTRIES = "ledger", "user_id = :of"
    ORDERS = "orders", "true"
    """Everybody's, by the primary key: no other index could be mistaken for the better one."""


def _first_since(rows: Numbered) -> TextClause:
    """Return the bisection; ``low`` never falls, so its greatest value is where it ended."""
    table, which = rows.value
    early = f"""
        (
            SELECT created_at FROM {table} WHERE {which} AND id >= (low + high) / 2
            ORDER BY id LIMIT 1
        ) < :moment
    """  # noqa: S608 -- composed of our own text alone
    return text(
        f"""
        WITH RECURSIVE span(low, high) AS (
            SELECT CAST(1 AS BIGINT),
                   COALESCE((SELECT MAX(id) FROM {table} WHERE {which}), 0) + 1
            UNION ALL
            SELECT CASE WHEN {early} THEN (low + high) / 2 + 1 ELSE low END,
                   CASE WHEN {early} THEN high ELSE (low + high) / 2 END
            FROM span WHERE low < high
        )
        SELECT MAX(low) FROM span
        """  # noqa: S608 -- composed of our own text alone
    )


_FIRST_SINCE = {rows: _first_since(rows) for rows in Numbered}


async def first_since(
    connection: AsyncConnection, moment: Micros, of: int, *lists: Numbered
) -> int:
    """Return the least id that is above those of all rows of the lists before ``moment``."""
    sought = {"of": of, "moment": moment}
    found = [await connection.execute(_FIRST_SINCE[rows], sought) for rows in lists]
    return max(int(each.scalar_one()) for each in found)


async def ids_of(
    connection: AsyncConnection, span: Span, before: int, of: int, *lists: Numbered
) -> tuple[int, int]:
    """Return the ids between which the rows of a span below ``before`` lie: above the first one,
    below the second."""
    above = 0
    if span.since is not None:
        above = await first_since(connection, span.since, of, *lists) - 1
    if span.until is not None:
        before = min(before, await first_since(connection, span.until, of, *lists))
    return above, before
