"""The hidden markets in which users are not flat: they have shares or open orders there."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import literal, or_, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.read_model.queries.books import OPEN
from predmarket.server.storage.tables.trading import markets, orders, positions


class HeldMarket(NamedTuple):
    """A market of a group in which a user is not flat, and whether by shares or by open orders."""

    user_id: int
    market_id: int
    event_id: int | None
    group_id: int
    by_shares: bool

    @property
    def unit(self) -> int:
        """Return the unit that the user is not flat in, as of a market's record."""
        return self.market_id if self.event_id is None else -self.event_id


async def held_markets(connection: AsyncConnection, user_ids: Collection[int]) -> list[HeldMarket]:
    """Return the markets of groups in which these users have shares or open orders."""
    market = markets.c.id, markets.c.event_id, markets.c.group_id
    shares = (
        select(positions.c.user_id, *market, literal(True))
        .join(markets, markets.c.id == positions.c.market_id)
        .where(positions.c.user_id.in_(user_ids), markets.c.group_id.is_not(None))
        .where(or_(positions.c.yes != 0, positions.c.no != 0))
    )
    own = select(orders.c.user_id, orders.c.market_id).distinct()
    mine = own.where(orders.c.user_id.in_(user_ids), OPEN).subquery()
    resting = (
        select(mine.c.user_id, *market, literal(False))
        .join(markets, markets.c.id == mine.c.market_id)
        .where(markets.c.group_id.is_not(None))
    )
    return [HeldMarket(*row) for row in await connection.execute(union(shares, resting))]
