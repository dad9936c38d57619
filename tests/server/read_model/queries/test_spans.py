"""Queries for the rows of a span of time and their plans."""

from typing import Any

import pytest
from sqlalchemy import insert

from predmarket.server.read_model.queries.cursors import LARGEST_ID
from predmarket.server.read_model.queries.ledger import page_of_ledger
from predmarket.server.read_model.queries.spans import Numbered, Span, first_since, ids_of
from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.history import ledger, trades
from predmarket.server.storage.tables.trading import orders
from tests.support.database_rows import ANN, BOB, RAIN, SNOW, Sent, analyze, order_row

MANY = 1_000


@pytest.fixture
async def history(db: Database) -> Database:
    """Return orders, trades and entries of two users in turn; row n has the time 10 n."""
    made = [
        order_row(n, BOB if n % 3 else ANN, status="CANCELED", created_at=10 * n)
        for n in range(1, MANY)
    ]
    traded: list[dict[str, Any]] = []
    for n in range(1, MANY):
        buyer, seller = (ANN, BOB) if n % 5 else (BOB, ANN)
        of: dict[str, Any] = {
            "buy_order_id": n,
            "sell_order_id": n,
            "price": 5_000,
            "qty": 100,
            "buy_fee": 0,
        }
        of |= {"buy_user_id": buyer, "sell_user_id": seller, "sell_fee": 0}
        traded.append(
            of
            | {
                "taker_side": "BUY",
                "id": n,
                "market_id": SNOW if n % 2 else RAIN,
                "created_at": 10 * n,
            }
        )
    booked = [
        {"id": n, "seq": n, "user_id": ANN if n % 4 else BOB, "kind": "TRADE", "amount": 1}
        | {"counterpart": "FEES", "created_at": 10 * n}
        for n in range(1, MANY)
    ]
    async with db.write() as connection:
        for table, rows in ((orders, made), (trades, traded), (ledger, booked)):
            await connection.execute(insert(table), rows)
    return db


async def test_the_ids_of_a_span(history: Database) -> None:
    """The ids of a span enclose exactly its rows, for every list."""
    lists: list[tuple[int, tuple[Numbered, ...], list[int]]] = [
        (RAIN, (Numbered.TRADES,), [n for n in range(1, MANY) if not n % 2]),
        (ANN, (Numbered.BUYS, Numbered.SELLS), [*range(1, MANY)]),
        (ANN, (Numbered.ENTRIES,), [n for n in range(1, MANY) if n % 4]),
        (ANN, (Numbered.ORDERS,), [n for n in range(1, MANY) if not n % 3]),
        (7, (Numbered.ENTRIES,), []),
    ]
    async with history.read() as connection:
        for of, rows, ids in lists:
            for since, until in ((0, 1), (35, 36), (30, 4_001), (9_990, 9_991), (9_991, 10**15)):
                above, before = await ids_of(connection, Span(since, until), 900, of, *rows)
                found = [id for id in ids if above < id < before]
                assert found == [id for id in ids if since <= 10 * id < until and id < 900]


async def test_a_time_is_found_by_the_index_of_its_list(history: Database) -> None:
    """A time is found by the list's index, however long the list, and a page uses the index too."""
    for _ in range(2):
        async with history.read() as connection:
            sent = Sent(connection)
            for rows, index, key in (
                (Numbered.TRADES, "pk_trades", "PRIMARY KEY (market_id="),
                (Numbered.BUYS, "ix_trades_buy_user_id", "ix_trades_buy_user_id"),
                (Numbered.SELLS, "ix_trades_sell_user_id", "ix_trades_sell_user_id"),
                (Numbered.ENTRIES, "pk_ledger", "PRIMARY KEY (user_id="),
                (Numbered.ORDERS, "pk_orders", "INTEGER PRIMARY KEY (rowid>"),
            ):
                await first_since(connection, 5_000, ANN, rows)
                plan = await sent.plan()
                assert index in plan or key in plan
                assert "Seq Scan on" not in plan
                assert f"SCAN {rows.value[0]}" not in plan
            await page_of_ledger(
                connection, ANN, before=LARGEST_ID, limit=3, span=Span(3_000, 7_000)
            )
            plan = await sent.plan()
            assert "pk_ledger" in plan or "PRIMARY KEY (user_id=" in plan
            assert "Seq Scan on ledger" not in plan
        await analyze(history)
