"""How a user's orders are found."""

from itertools import product

import pytest
from sqlalchemy import insert

from predmarket.server.queries.cursors import LARGEST_ID
from predmarket.server.queries.orders import orders_of
from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.trading import orders
from predmarket.terms import OrderStatus
from tests.server.queries.conftest import ANN, BOB, RAIN, Sent, analyze, order_row

OPEN, PARTLY = OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED
MANY = 3_000


@pytest.fixture
async def long_ago(db: Database) -> Database:
    """A user with two open orders before a long history, and one with many open orders."""
    rows = [order_row(1, ANN), order_row(2, ANN, status="PARTIALLY_FILLED", filled=1)]
    rows += [order_row(id, ANN, status="CANCELED") for id in range(3, MANY)]
    rows += [order_row(MANY + n, BOB) for n in range(MANY)]
    async with db.write() as connection:
        await connection.execute(insert(orders), rows)
    return db


async def test_open_orders_are_found_by_their_index(long_ago: Database) -> None:
    """However long the history, a list of open orders goes through the user's open ones alone."""
    for _ in range(2):
        async with long_ago.read() as connection:
            sent = Sent(connection)
            for statuses, market_id in product(((OPEN,), (PARTLY,), (PARTLY, OPEN)), (None, RAIN)):
                found = await orders_of(
                    connection,
                    ANN,
                    before=LARGEST_ID,
                    limit=51,
                    market_id=market_id,
                    statuses=statuses,
                )
                expected = [2] * (PARTLY in statuses) + [1] * (OPEN in statuses)
                assert [order.id for order in found] == expected
                assert "ix_orders_open_user_id" in await sent.plan()
        await analyze(long_ago)  # also when the database has counted its rows


async def test_orders_that_ended_are_found_too(long_ago: Database) -> None:
    """The index of open orders does not hold them."""
    ended = OrderStatus.CANCELED
    async with long_ago.read() as connection:
        for statuses, expected in (((), [3, 2, 1]), ((OPEN, ended), [3, 1]), ((ended,), [3])):
            found = await orders_of(connection, ANN, before=4, limit=9, statuses=statuses)
            assert (statuses, [order.id for order in found]) == (statuses, expected)
