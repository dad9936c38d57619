"""Queries for a user's orders and their plans."""

from itertools import product
from typing import Any

import pytest
from sqlalchemy import insert, update

from predmarket.enums import OrderStatus
from predmarket.server.read_model.queries import walks
from predmarket.server.read_model.queries.cursors import LARGEST_ID
from predmarket.server.read_model.queries.orders import (
    id_of_client_order,
    orders_of,
    page_of_orders,
)
from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.trading import orders
from tests.support.database_rows import ANN, BOB, RAIN, SNOW, Sent, analyze, order_row

OPEN, PARTLY = OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED
MANY = 3_000


@pytest.fixture
async def long_ago(db: Database) -> Database:
    """Return a database with a user who has two open orders before a long history.

    Another user has many open orders.
    """
    rows = [order_row(1, ANN), order_row(2, ANN, status="PARTIALLY_FILLED", filled=1)]
    rows += [order_row(id, ANN, status="CANCELED") for id in range(3, MANY)]
    rows += [order_row(MANY + n, BOB) for n in range(MANY)]
    async with db.write() as connection:
        await connection.execute(insert(orders), rows)
    return db


async def test_open_orders_are_found_by_their_index(long_ago: Database) -> None:
    """A list of open orders reads the user's open orders only, however long the history."""
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
        await analyze(long_ago)  # also with the database's statistics


async def test_a_page_goes_through_a_bounded_part_of_the_history(
    long_ago: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page walks a bounded part of the history by the user's index, whatever its filters.

    The next page continues there, and all pages together hold each matching order once.
    """
    monkeypatch.setattr(walks, "MAX_WALK", 700)
    rows = [order_row(10 * MANY + n, ANN, market_id=SNOW, status="FILLED") for n in range(3)]
    async with long_ago.write() as connection:
        await connection.execute(insert(orders), rows)
    wanted: list[tuple[dict[str, Any], list[int]]] = [
        ({"market_ids": [SNOW]}, [row["id"] for row in rows[::-1]]),
        ({"statuses": (OPEN, OrderStatus.FILLED)}, [*[row["id"] for row in rows[::-1]], 1]),
        ({"statuses": (OrderStatus.REJECTED,)}, []),
        ({"market_ids": [RAIN], "statuses": (OrderStatus.CANCELED,)}, [*range(MANY - 1, 2, -1)]),
        ({}, [*[row["id"] for row in rows[::-1]], *range(MANY - 1, 0, -1)]),
        ({"statuses": (OPEN, PARTLY)}, [2, 1]),
    ]
    for _ in range(2):
        async with long_ago.read() as connection:
            for filters, expected in wanted:
                sent = Sent(connection)
                found: list[int] = []
                before: int | None = LARGEST_ID
                pages = 0
                while before is not None:
                    page, before = await page_of_orders(
                        connection, ANN, before=before, limit=100, **filters
                    )
                    found += [order.id for order in page]
                    pages += 1
                assert found == expected
                assert pages <= MANY // 700 + len(expected) // 100 + 2
                if filters and "statuses" not in filters:
                    assert "ix_orders_user_id" in await sent.plan()
        await analyze(long_ago)


async def test_orders_that_ended_are_found_too(long_ago: Database) -> None:
    """Ended orders are found, although the index of open orders does not hold them."""
    ended = OrderStatus.CANCELED
    async with long_ago.read() as connection:
        for statuses, expected in (((), [3, 2, 1]), ((OPEN, ended), [3, 1]), ((ended,), [3])):
            found = await orders_of(connection, ANN, before=4, limit=9, statuses=statuses)
            assert (statuses, [order.id for order in found]) == (statuses, expected)


async def test_an_order_is_found_by_its_client_order_id(long_ago: Database) -> None:
    """It is looked up by its own key, so that its owner's history is not walked."""
    async with long_ago.write() as connection:
        named = update(orders).where(orders.c.id == 700).values(client_order_id="mine")
        await connection.execute(named)
    await analyze(long_ago)
    async with long_ago.read() as connection:
        sent = Sent(connection)
        for name, before, expected in (
            ("other", LARGEST_ID, []),
            ("mine", 700, []),
            ("mine", LARGEST_ID, [700]),
        ):
            page, following = await page_of_orders(
                connection, ANN, before=before, limit=9, client_order_id=name
            )
            assert ([order.id for order in page], following) == (expected, None)
        assert "699" in str(sent.statements[-1][1])
        assert await id_of_client_order(connection, ANN, "mine") == 700
        assert "uq_orders_client_order_id" in await sent.plan()
