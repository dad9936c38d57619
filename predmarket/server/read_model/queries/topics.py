"""Queries for the last sequence numbers of topics that are read from the database."""

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.storage.tables.trading import accounts, markets


class UserSeqs(NamedTuple):
    """The number of the last change on each of a user's topics."""

    orders: int = 0
    fills: int = 0
    balances: int = 0
    positions: int = 0
    holdings: int = 0
    order_groups: int = 0


async def seqs_of_user(connection: AsyncConnection, user_id: int) -> UserSeqs:
    """Return the last numbers of a user's topics; all 0 before the core has opened the account."""
    query = select(
        accounts.c.order_seq,
        accounts.c.fill_seq,
        accounts.c.balance_seq,
        accounts.c.position_seq,
        accounts.c.holding_seq,
        accounts.c.order_group_seq,
    ).where(accounts.c.user_id == user_id)
    row = (await connection.execute(query)).one_or_none()
    return UserSeqs() if row is None else UserSeqs(*row)


async def trade_seq(connection: AsyncConnection, market_id: int) -> int:
    """Return the number of a market's trades."""
    query = select(markets.c.trade_seq).where(markets.c.id == market_id)
    return int((await connection.execute(query)).scalar_one())
