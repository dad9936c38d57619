"""Settlement on PostgreSQL: arrays in pipeline mode, two round trips a batch.

Every table gets one statement, its columns as array literals: psycopg would adapt the values of a
list one by one, joining them as text costs a third of that. Sequential scans and joins other than
nested loops are off on these connections, since a plan made while a table was small would
otherwise be kept when it is large.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy.engine import make_url

from predmarket.server.settlement.rows import Row, Shape, Value
from predmarket.server.settlement.store import (
    Contradiction,
    Deposed,
    KnownOrder,
    KnownTransfer,
    OrderKey,
    Settlement,
    Store,
    StoreError,
    TransferKey,
    advance_parameters,
    inserts,
    journal_parameters,
    picked,
    updates,
)

_CONNECT_S = 3
_SESSION = (
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; "
    "SET plan_cache_mode = force_generic_plan; SET jit = off; "
    "SET idle_in_transaction_session_timeout = '10s'"
)
KNOWN_ORDERS = (
    "SELECT o.user_id, o.client_order_id, o.id, o.request, e.detail "
    "FROM unnest(%s::bigint[], %s::text[]) AS k(user_id, client_order_id) "
    "JOIN orders o ON o.user_id = k.user_id AND o.client_order_id = k.client_order_id "
    "LEFT JOIN order_events e ON e.order_id = o.id AND e.type = 'ORDER_REJECTED'"
)
KNOWN_TRANSFERS = (
    "SELECT t.actor_id, t.key, t.id, t.user_id, t.amount, t.reason "
    "FROM unnest(%s::bigint[], %s::text[]) AS k(actor_id, key) "
    "JOIN transfers t ON t.actor_id = k.actor_id AND t.key = k.key"
)
_TYPES = {"i": "bigint", "w": "text", "t": "text", "b": "boolean"}
_SPECIAL = re.compile(r'["\\]')


def conninfo(url: str) -> str:
    """Return what libpq understands for an SQLAlchemy URL of PostgreSQL."""
    plain = make_url(url).set(drivername="postgresql")
    return plain.render_as_string(hide_password=False)


class PostgresStore(Store):
    """The store of a shared database. ``url`` is an SQLAlchemy URL."""

    mark = "%s"

    def __init__(self, url: str) -> None:
        self._conninfo = conninfo(url)
        self._db: psycopg.Connection[Any] | None = None
        self._lookup: psycopg.Connection[Any] | None = None

    def connect(self) -> None:
        self.close()
        try:
            self._db = self._open()
            self._lookup = self._open()
        except psycopg.Error as error:
            raise StoreError(str(error)) from error

    def _open(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            self._conninfo,
            autocommit=True,
            connect_timeout=_CONNECT_S,
            prepare_threshold=0,
            application_name="predmarket-core",
            tcp_user_timeout=10_000,
        )
        connection.execute(_SESSION, prepare=False)
        return connection

    def close(self) -> None:
        for connection in (self._db, self._lookup):
            if connection is not None:
                with suppress(psycopg.Error):
                    connection.close()
        self._db = self._lookup = None

    def durability(self) -> dict[str, str]:
        names = ("fsync", "synchronous_commit", "full_page_writes")
        return {name: str(self.read(f"SHOW {name}")[0][0]) for name in names}

    def durable(self) -> bool:
        found = self.durability()
        return (
            found["fsync"] == "on"
            and found["full_page_writes"] == "on"
            and found["synchronous_commit"] not in ("off",)
        )

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._query(self._db, sql, parameters)

    def _query(
        self, db: psycopg.Connection[Any] | None, sql: str, parameters: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        if db is None:
            raise StoreError("the database is not open")
        try:
            return db.execute(sql, parameters).fetchall()
        except psycopg.DataError as error:
            raise Contradiction(str(error)) from error
        except psycopg.Error as error:
            raise StoreError(str(error)) from error

    def stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        if self._db is None:
            raise StoreError("the database is not open")
        try:
            with self._db.transaction(), self._db.cursor(name="predmarket_stream") as cursor:
                cursor.itersize = 5_000
                yield from cursor.execute(sql)
        except psycopg.Error as error:
            raise StoreError(str(error)) from error

    def begin_snapshot(self) -> None:
        if self._db is None:
            raise StoreError("the database is not open")
        self._db.execute("SET idle_in_transaction_session_timeout = 0")
        self._db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def known_orders(self, keys: Sequence[OrderKey]) -> dict[OrderKey, KnownOrder]:
        rows = self._query(
            self._lookup,
            KNOWN_ORDERS,
            _columns(keys),
        )
        return {(r[0], r[1]): KnownOrder(r[2], r[3], r[4]) for r in rows}

    def known_transfers(self, keys: Sequence[TransferKey]) -> dict[TransferKey, KnownTransfer]:
        rows = self._query(
            self._lookup,
            KNOWN_TRANSFERS,
            _columns(keys),
        )
        return {(r[0], r[1]): KnownTransfer(r[2], r[3], r[4], r[5]) for r in rows}

    def settle(self, settlement: Settlement) -> None:
        db = self._db
        if db is None:
            raise StoreError("the database is not open")
        try:
            self._write(db, settlement)
            db.execute("COMMIT")
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError) as error:
            raise Contradiction(str(error)) from error
        except psycopg.Error as error:
            raise StoreError(str(error)) from error
        finally:
            if not db.closed and db.info.transaction_status != TransactionStatus.IDLE:
                with suppress(psycopg.Error):
                    db.execute("ROLLBACK")

    def _write(self, db: psycopg.Connection[Any], settlement: Settlement) -> None:
        """Send the whole batch at once, then check how many rows each statement met."""
        changed: list[tuple[psycopg.Cursor[Any], Shape, int]] = []
        fence = db.cursor()
        try:
            with db.pipeline() as pipeline:
                db.execute("BEGIN ISOLATION LEVEL SERIALIZABLE")
                fence.execute(self._advance(), advance_parameters(settlement.core))
                db.execute(self._insert_journal(), journal_parameters(settlement))
                for shape, rows in inserts(settlement):
                    db.execute(_insert_sql(shape), _arrays(shape, rows))
                for shape, rows in updates(settlement):
                    cut, cut_rows = picked(shape, rows)
                    cursor = db.execute(_update_sql(cut), _arrays(cut, cut_rows))
                    changed.append((cursor, shape, len(rows)))
                pipeline.sync()
        finally:
            if fence.rowcount == 0:  # whatever the statements after it met
                raise Deposed("the epoch or the batch number has moved on")
        for cursor, shape, count in changed:
            if cursor.rowcount != count:
                raise Contradiction(f"{shape.table}: a row is not at the version expected")


def _columns(keys: Sequence[tuple[int, str]]) -> tuple[list[int], list[str]]:
    return [key[0] for key in keys], [key[1] for key in keys]


def _integers(column: Sequence[Value]) -> str:
    return f"{{{','.join(['NULL' if value is None else str(value) for value in column])}}}"


def _words(column: Sequence[Value]) -> str:
    words: list[str] = ["NULL" if value is None else value for value in column]  # type: ignore[misc]
    return f"{{{','.join(words)}}}"


def _booleans(column: Sequence[Value]) -> str:
    return f"{{{','.join(['t' if value else 'f' for value in column])}}}"


def _texts(column: Sequence[Value]) -> str:
    return f"{{{','.join([_quoted(value) for value in column])}}}"


def _quoted(value: Value) -> str:
    if value is None:
        return "NULL"
    text = str(value)
    return f'"{_SPECIAL.sub(_escaped, text)}"'


def _escaped(found: re.Match[str]) -> str:
    return "\\" + found.group()


_LITERALS: dict[str, Callable[[Sequence[Value]], str]] = {
    "i": _integers,
    "w": _words,
    "b": _booleans,
    "t": _texts,
}


def _arrays(shape: Shape, rows: list[Row]) -> list[str]:
    """Return each column of ``rows`` as a PostgreSQL array literal."""
    columns = zip(*rows, strict=True)
    return [_LITERALS[kind](column) for kind, column in zip(shape.kinds, columns, strict=True)]


def _unnest(shape: Shape) -> str:
    return f"unnest({', '.join(f'%s::{_TYPES[kind]}[]' for kind in shape.kinds)})"


@lru_cache(maxsize=32)
def _insert_sql(shape: Shape) -> str:
    names = ", ".join(shape.columns)
    return f"INSERT INTO {shape.table} ({names}) SELECT * FROM {_unnest(shape)}"


@lru_cache(maxsize=32)
def _update_sql(shape: Shape) -> str:
    """Return an update of many rows, each matched by its key and the version before."""
    names = ", ".join(shape.columns)
    sets = ", ".join(f"{name} = v.{name}" for name in shape.mutable)
    keys = " AND ".join(f"t.{name} = v.{name}" for name in shape.key)
    return (
        f"UPDATE {shape.table} AS t SET {sets} FROM {_unnest(shape)} AS v({names}) "
        f"WHERE {keys} AND t.version = v.version - 1"
    )
