"""What a user has traded in each market, and what rests there, added up over the user's orders."""

from typing import NamedTuple

from sqlalchemy import BigInteger, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.enums import Side
from predmarket.server.read_model.queries.books import OPEN
from predmarket.server.storage.tables.trading import orders
from predmarket.units import PRICE_ONE, Micros, Money, Qty


class Traded(NamedTuple):
    """What a user bought and sold of YES in a market, over all of the user's orders there.

    ``paid`` and ``received`` are the prices of YES, without fees. ``orders`` counts orders with a
    fill; the last of them changed at ``updated_at``.
    """

    bought: Qty = 0
    sold: Qty = 0
    paid: Money = 0
    received: Money = 0
    fees: Money = 0
    orders: int = 0
    updated_at: Micros = 0

    @property
    def net(self) -> Qty:
        """Return the net position that the trades have made: YES above 0, NO below."""
        return self.bought - self.sold

    @property
    def spent(self) -> Money:
        """Return what YES and NO cost that the user acquired, each at its own price."""
        return self.paid + self.sold * PRICE_ONE - self.received

    @property
    def cost(self) -> Money:
        """Return what the net position has cost, less what was received for what is gone."""
        cost_of_yes = self.paid - self.received
        return cost_of_yes if self.net >= 0 else cost_of_yes - self.net * PRICE_ONE


class Resting(NamedTuple):
    """A user's resting orders in a market: their number, and what they would cost."""

    orders: int = 0
    value: Money = 0


async def traded_by(connection: AsyncConnection, user_id: int) -> dict[int, Traded]:
    """Return what a user has traded, by market. It reads all of the user's orders."""
    query = (
        select(
            orders.c.market_id,
            orders.c.side,
            cast(func.sum(orders.c.filled), BigInteger),
            cast(func.sum(orders.c.notional), BigInteger),
            cast(func.sum(orders.c.fees_paid), BigInteger),
            func.count(),
            func.max(orders.c.updated_at),
        )
        .where(orders.c.user_id == user_id, orders.c.filled > 0)
        .group_by(orders.c.market_id, orders.c.side)
    )
    found: dict[int, Traded] = {}
    for market, side, qty, money, fees, number, at in await connection.execute(query):
        one = found.get(market, Traded())
        if side == Side.BUY:
            one = one._replace(bought=qty, paid=money)
        else:
            one = one._replace(sold=qty, received=money)
        found[market] = one._replace(
            fees=one.fees + fees, orders=one.orders + number, updated_at=max(one.updated_at, at)
        )
    return found


async def resting_of(connection: AsyncConnection, user_id: int) -> dict[int, Resting]:
    """Return a user's resting orders, by market."""
    price = case(
        (orders.c.side == Side.BUY.value, orders.c.price), else_=PRICE_ONE - orders.c.price
    )
    left = orders.c.qty - orders.c.filled
    query = (
        select(orders.c.market_id, func.count(), cast(func.sum(price * left), BigInteger))
        .where(orders.c.user_id == user_id, OPEN)
        .group_by(orders.c.market_id)
    )
    return {
        market: Resting(number, int(value or 0))
        for market, number, value in await connection.execute(query)
    }
