"""A PostgreSQL database with the newest schema, handed from test to test.

To make one by copying a template costs the server some 0.15 s of CPU and to drop it another 0.05,
more than most tests take; to empty the tables of one that is there already costs some milliseconds
over a connection that is kept too: each new one has to learn the catalogue. A test that changed
the schema has made the database its own: the next gets another.
"""

from contextlib import ExitStack, closing
from typing import Any, TypeAlias

import psycopg

from predmarket.server.storage import migrations
from predmarket.server.storage.tables import metadata
from tests.support.postgres import fresh_database, libpq

Schema: TypeAlias = list[tuple[Any, ...]]

_LEAVE = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_EMPTY = "; ".join(
    (
        *(f'DELETE FROM "{table.name}"' for table in reversed(metadata.sorted_tables)),
        "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'",
    )
)
# The catalogue rows that a definition adds, removes or changes, compared with those that every
# database has.
_OURS = 16_384
_SCHEMA = " UNION ALL ".join(
    f"SELECT '{name}', count(*), max(xmin::text::bigint) FROM {name} WHERE {id} >= {_OURS}"
    for name, id in (
        ("pg_attribute", "attrelid"),
        ("pg_class", "oid"),
        ("pg_constraint", "oid"),
        ("pg_index", "indexrelid"),
        ("pg_proc", "oid"),
        ("pg_trigger", "oid"),
    )
)


class KeptDatabase:
    """One database on the server of ``server_url``, made when it is first asked for."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._made = ExitStack()
        self._url = ""
        self._connection: psycopg.Connection[Any] | None = None
        self._schema: Schema = []

    def emptied(self) -> str:
        """Return the URL after emptying the database; nobody else is connected to it."""
        if self._connection is None or not self._empty(self._connection):
            self._make()
        return self._url

    def _empty(self, connection: psycopg.Connection[Any]) -> bool:
        """Empty it; False: its schema is not what it was, or the test before cut us off too."""
        try:
            connection.execute(_LEAVE)
            if _schema(connection) != self._schema:
                return False
            connection.execute(_EMPTY)  # one transaction
        except psycopg.OperationalError:
            return False
        return True

    def _make(self) -> None:
        self._made.close()
        self._url = self._made.enter_context(fresh_database(self._server_url))
        migrations.upgrade(self._url)
        connection = psycopg.connect(libpq(self._url), autocommit=True)
        self._connection = self._made.enter_context(closing(connection))
        self._schema = _schema(connection)

    def close(self) -> None:
        """Drop the database."""
        self._made.close()


def _schema(connection: psycopg.Connection[Any]) -> Schema:
    return connection.execute(_SCHEMA).fetchall()
