"""Queries for the quotes of markets, and for the batches whose quotes are not in their table."""

import asyncio
from collections.abc import Sequence

import msgspec
from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.read_model import changes
from predmarket.server.read_model.changes import Changes
from predmarket.server.read_model.quotes import MINUTE, Quotes
from predmarket.server.storage.tables.core import outbox
from predmarket.server.storage.tables.history import quotes
from predmarket.server.storage.tables.trading import markets
from predmarket.units import Micros

_MARKETS_A_QUERY = 500
_COLUMNS = [quotes.c[name] for name in Quotes.__struct_fields__]


async def quotes_between(
    connection: AsyncConnection, market_id: int, width: Micros, begin: Micros, end: Micros
) -> dict[Micros, Quotes]:
    """Return a market's quotes with begin <= start < end by their start, the oldest first, after
    the last ones before them."""
    of_market = select(quotes.c.start, *_COLUMNS).where(
        quotes.c.market_id == market_id, quotes.c.width == width
    )
    before = of_market.where(quotes.c.start < begin).order_by(quotes.c.start.desc()).limit(1)
    within = of_market.where(quotes.c.start >= begin, quotes.c.start < end)
    rows = [
        *await connection.execute(before),
        *await connection.execute(within.order_by(quotes.c.start)),
    ]
    return {start: Quotes(*row) for start, *row in rows}


async def quotes_at(
    connection: AsyncConnection, market_ids: Sequence[int], moment: Micros
) -> dict[int, Quotes]:
    """Return the quotes of markets at a moment, which begins a minute; none of a market that has
    none so early."""
    earlier = quotes.alias("earlier")
    last = (
        select(func.max(earlier.c.start))
        .correlate(markets)
        .where(
            earlier.c.market_id == markets.c.id,
            earlier.c.width == MINUTE,
            earlier.c.start < moment,
        )
    )
    query = select(markets.c.id, *_COLUMNS).select_from(markets)
    query = query.join(
        quotes,
        and_(
            quotes.c.market_id == markets.c.id,
            quotes.c.width == MINUTE,
            quotes.c.start == last.scalar_subquery(),
        ),
    )
    found: dict[int, Quotes] = {}
    for begin in range(0, len(market_ids), _MARKETS_A_QUERY):
        some = market_ids[begin : begin + _MARKETS_A_QUERY]
        rows = await connection.execute(query.where(markets.c.id.in_(some)))
        found |= {id: Quotes(*row) for id, *row in rows}
    return found


async def last_batches(connection: AsyncConnection) -> list[Changes]:
    """Return the outbox's batches that this version can read, in order."""
    found: list[Changes] = []
    for (stored,) in await connection.execute(select(outbox.c.changes).order_by(outbox.c.batch)):
        try:
            found.append(changes.decode(bytes(stored)))
        except msgspec.MsgspecError:  # another version's: their quotes are not known
            found.clear()
        await asyncio.sleep(0)  # others take their turn: there are hundreds, some of them large
    return found
