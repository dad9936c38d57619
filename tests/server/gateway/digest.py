"""Hashes of tables: equal hashes before and after mean that nothing changed.

``Watch`` computes all of them in one statement of the database, fast enough for each request.
``digest`` reads every row into Python, for the end of a test and for errors that show the
difference.
"""

import sqlite3
from typing import Self

import psycopg
from sqlalchemy import Table, text

from predmarket.server.storage.database import Database
from predmarket.server.storage.database_url import is_sqlite, normal_url
from predmarket.server.storage.tables import metadata
from tests.support.postgres import libpq

HEARTBEAT = frozenset({"lease"})
"""Tables that change by themselves: the lead's heartbeat."""

COMMANDS = frozenset({"core_state", "journal", "outbox"})
"""Tables that record each command, even a refused one."""

BOOKKEEPING = HEARTBEAT | COMMANDS | {"sessions", "refresh_tokens"}
"""Tables without money, trading or identity."""

Digest = dict[str, list[str]]


async def digest(db: Database) -> Digest:
    """Return all rows of every table of money, trading and identity."""
    found: Digest = {}
    async with db.read() as connection:
        for table in metadata.sorted_tables:
            if table.name not in BOOKKEEPING:
                rows = await connection.execute(text(f'SELECT * FROM "{table.name}"'))
                found[table.name] = sorted(repr(tuple(row)) for row in rows)
    return found


class Watch:
    """A database connection that reports which tables changed."""

    def __init__(self, url: str) -> None:
        """Connect, and record the current state as the expected one."""
        parsed = normal_url(url)
        tables = [table for table in metadata.sorted_tables if table.name not in HEARTBEAT]
        self._connection: sqlite3.Connection | psycopg.Connection
        if is_sqlite(parsed):
            self._connection = sqlite3.connect(parsed.database or "", isolation_level=None)
            self._ask = " UNION ALL ".join(_in_sqlite(table) for table in tables)
        else:
            self._connection = psycopg.connect(libpq(url), autocommit=True)
            self._ask = " UNION ALL ".join(_in_postgres(table) for table in tables)
        self._before = self._now()

    def begin(self) -> None:
        """Record the current state as the expected one."""
        self._before = self._now()

    def changed(self) -> set[str]:
        """Return the tables whose rows differ from the recorded state."""
        now = self._now()
        return {table for table, rows in now.items() if rows != self._before[table]}

    def _now(self) -> dict[str, str]:
        return dict(self._connection.execute(self._ask).fetchall())

    def __enter__(self) -> Self:
        """Return the connected watch."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._connection.close()


def _in_sqlite(table: Table) -> str:
    """Select a table's rows as one text."""
    row = " || ',' || ".join(f'quote("{column.name}")' for column in table.columns)
    rows = f"SELECT {row} AS spelled FROM {table.name} ORDER BY 1"
    return f"SELECT '{table.name}', coalesce(group_concat(spelled, char(10)), '') FROM ({rows})"


def _in_postgres(table: Table) -> str:
    """Select a table's rows as one text."""
    spelled = "coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')"
    return f"SELECT '{table.name}', {spelled} FROM {table.name} AS t"
