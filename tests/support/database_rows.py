"""A database with rows written by hand, and the plans of queries over them."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.storage import migrations
from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.identity import users
from predmarket.server.storage.tables.trading import accounts, markets, orders

ANN, BOB = 1, 2


RAIN, SNOW = 1, 2


def order_row(id: int, user_id: int, **fields: object) -> dict[str, Any]:
    """Return the row of an order for one contract that rests on rain; ``fields`` override it."""
    row: dict[str, Any] = dict.fromkeys(orders.c.keys())
    row |= {"id": id, "user_id": user_id, "market_id": RAIN, "side": "BUY", "type": "LIMIT"}
    row |= {"price": 5_000, "qty": 100, "filled": 0, "status": "OPEN", "tif": "GTC", "stp": "SKIP"}
    row |= dict.fromkeys(("notional", "fee_exact", "fees_paid", "close_qty", "locked"), 0)
    row |= dict.fromkeys(("created_at", "updated_at", "events", "version"), 1)
    return row | {"post_only": False, "reduce_only": False, "rank": id, "topic_seq": id} | fields


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """A database of either kind with two users and two markets.

    It never held a row before, so statistics of other tests cannot influence the plans.
    """
    migrations.upgrade(database_url)
    database = Database(database_url)
    user = {"password_hash": "", "role": "USER", "disabled": False, "created_at": 0}
    market: dict[str, Any] = dict.fromkeys(markets.c.keys())
    market |= dict.fromkeys((c.name for c in markets.c if not c.nullable), 0)
    market |= {"question": "?", "description": "", "status": "OPEN", "creator_id": ANN}
    async with database.write() as connection:
        for id, name in ((ANN, "ann"), (BOB, "bob")):
            await connection.execute(insert(users).values(id=id, email=name, **user))
            account = {"user_id": id, "available": 0, "locked": 0, "version": 1}
            await connection.execute(insert(accounts).values(account))
        for id, slug in ((RAIN, "rain"), (SNOW, "snow")):
            await connection.execute(insert(markets).values({**market, "id": id, "slug": slug}))
    yield database
    await database.close()


class Sent:
    """The statements that a connection sends from now on."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.statements: list[tuple[str, Any]] = []
        self._connection = connection
        event.listen(connection.sync_connection, "before_cursor_execute", self._note)

    def _note(
        self,
        _connection: Connection,
        _cursor: object,
        statement: str,
        parameters: object,
        *_: object,
    ) -> None:
        self.statements.append((statement, parameters))

    async def plan(self) -> str:
        """Return the plan of the last statement, from the database's EXPLAIN."""
        statement, parameters = self.statements[-1]
        connection = self._connection
        if connection.dialect.name == "postgresql":
            found = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        else:
            assert connection.sync_connection is not None
            found = connection.sync_connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {statement}", parameters
            )
        rows: Sequence[Any] = found.all()
        return "\n".join(str(row) for row in rows)


async def analyze(db: Database) -> None:
    """Update the database's statistics, as it does by itself after a time."""
    async with db.write() as connection:
        await connection.execute(text("ANALYZE"))
