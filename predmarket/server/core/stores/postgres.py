"""The store on PostgreSQL: a batch is one statement, and so one round trip.

Each table's rows are one part of the statement, with their columns as arrays. The statement is a
SERIALIZABLE transaction by itself, so its response means that the batch is committed. It fails as a
whole if the fence or an update meets an unexpected number of rows. These connections use no
sequential scans and no joins other than nested loops: PostgreSQL would keep a plan that it made
while a table was small. An audit may use them, since nested loops over whole tables take the
product of their sizes.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TypeAlias

import psycopg

from predmarket.server.core.durability import Durability
from predmarket.server.core.stores import postgres_arrays, postgres_durability
from predmarket.server.core.stores.base import (
    BatchRecord,
    Deposed,
    IntegrityViolation,
    KnownOrder,
    KnownTransfer,
    OrderKey,
    Store,
    StoreError,
    TransferKey,
    advance_parameters,
    inserts,
    journal_parameters,
    outbox_parameters,
    picked,
    updates,
)
from predmarket.server.core.stores.postgres_pipeline import (
    Parameter,
    Parameters,
    PreparedStatements,
    encoded,
)
from predmarket.server.core.stores.rows import Row, Shape, StoredRow
from predmarket.server.storage.database import KEEPALIVES, POSTGRESQL_NOW
from predmarket.server.storage.database_url import hosts_of, libpq_url
from predmarket.units import Micros

_Statement: TypeAlias = tuple[str, Parameters]
_CONNECT_S = 3
_SESSION = (
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; "
    "SET plan_cache_mode = force_generic_plan; SET jit = off; "
    "SET default_transaction_isolation = 'serializable'; "
    "SET idle_in_transaction_session_timeout = '10s'"
)
KNOWN_ORDERS = (
    "SELECT o.user_id, o.client_order_id, o.id, o.request, e.detail "
    "FROM unnest($1::bigint[], $2::text[]) AS k(user_id, client_order_id) "
    "JOIN orders o ON o.user_id = k.user_id AND o.client_order_id = k.client_order_id "
    "LEFT JOIN order_events e ON e.order_id = o.id AND e.type = 'ORDER_REJECTED'"
)
KNOWN_TRANSFERS = (
    "SELECT t.actor_id, t.key, t.id, t.user_id, t.amount, t.reason "
    "FROM unnest($1::bigint[], $2::text[]) AS k(actor_id, key) "
    "JOIN transfers t ON t.actor_id = k.actor_id AND t.key = k.key"
)
_TYPES = {"i": "bigint", "w": "text", "t": "text", "b": "boolean"}
_REFUSALS = (psycopg.errors.IntegrityError, psycopg.errors.DataError)
_WAIT_FOR_STANDBY = "SyncRepWaitForLSN"
"""The function of the server that warns when such a wait is broken off, in any language."""
_PARAMETER = re.compile("%s")


class PostgresStore(Store):
    """The store of a shared database. ``url`` is an SQLAlchemy URL."""

    mark = "%s"
    at_once = 2

    def __init__(self, url: str) -> None:
        self._conninfo = libpq_url(url)
        self._hosts = hosts_of(url)
        self._unreplicated = False
        self._db: psycopg.Connection[StoredRow] | None = None
        self._lookup_db: psycopg.Connection[StoredRow] | None = None
        self._commits: PreparedStatements
        self._looking_up: PreparedStatements

    def connect(self) -> None:
        self.close()
        self._unreplicated = False
        try:
            self._db = self._open()
            self._lookup_db = self._open()
        except psycopg.Error as error:
            raise StoreError(str(error)) from error
        self._commits = PreparedStatements(self._db)
        self._looking_up = PreparedStatements(self._lookup_db)

    def _open(self) -> psycopg.Connection[StoredRow]:
        connection = psycopg.connect(
            self._conninfo,
            autocommit=True,
            connect_timeout=_CONNECT_S,
            prepare_threshold=0,
            application_name="predmarket-core",
            tcp_user_timeout=10_000,
            **KEEPALIVES,
        )
        connection.execute(_SESSION, prepare=False)
        connection.add_notice_handler(self._noticed)
        return connection

    def _noticed(self, notice: psycopg.errors.Diagnostic) -> None:
        """Hear that a commit was told to wait no longer for the standby: it is only here."""
        if notice.source_function == _WAIT_FOR_STANDBY:
            self._unreplicated = True

    def _require_replicated(self) -> None:
        """Raise StoreError if a commit did not wait for the standby. The repair then waits: its
        own commit comes after it."""
        if self._unreplicated:
            raise StoreError("a commit did not wait for the standby of the database")

    def close(self) -> None:
        for connection in (self._db, self._lookup_db):
            if connection is not None:
                with suppress(psycopg.Error):
                    connection.close()
        self._db = self._lookup_db = None

    def durability(self) -> Durability:
        return postgres_durability.read(self.read(postgres_durability.SQL)[0], self._hosts)

    def time(self) -> Micros:
        return int(self.read(f"SELECT {POSTGRESQL_NOW}")[0][0])

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[StoredRow]:
        if self._db is None:
            raise StoreError("the database is not open")
        try:
            rows = self._db.execute(sql, parameters).fetchall()
        except psycopg.Error as error:
            raise StoreError(str(error)) from error
        self._require_replicated()
        return rows

    def stream(self, sql: str) -> Iterator[StoredRow]:
        if self._db is None:
            raise StoreError("the database is not open")
        try:
            with self._db.transaction(), self._db.cursor(name="predmarket_stream") as cursor:
                yield from self._pages(cursor.execute(sql))
        except psycopg.Error as error:
            raise StoreError(str(error)) from error

    def begin_snapshot(self) -> None:
        if self._db is None:
            raise StoreError("the database is not open")
        try:
            self._db.execute("SET idle_in_transaction_session_timeout = 0")
            self._db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        except psycopg.Error as error:
            raise StoreError(str(error)) from error

    def plan_for_whole_tables(self) -> None:
        if self._db is None:
            raise StoreError("the database is not open")
        try:
            for way in ("seqscan", "hashjoin", "mergejoin"):
                self._db.execute(f"SET LOCAL enable_{way} = on")
        except psycopg.Error as error:
            raise StoreError(str(error)) from error

    def end_snapshot(self) -> None:
        if self._db is not None:
            with suppress(psycopg.Error):
                self._db.execute("COMMIT")

    async def known_orders(self, keys: Sequence[OrderKey]) -> dict[OrderKey, KnownOrder]:
        rows = await self._look_up(KNOWN_ORDERS, keys)
        return {(int(r[0]), r[1]): KnownOrder(int(r[2]), r[3], r[4]) for r in rows}

    async def known_transfers(
        self, keys: Sequence[TransferKey]
    ) -> dict[TransferKey, KnownTransfer]:
        rows = await self._look_up(KNOWN_TRANSFERS, keys)
        return {
            (int(r[0]), r[1]): KnownTransfer(int(r[2]), int(r[3]), int(r[4]), r[5]) for r in rows
        }

    async def _look_up(self, sql: str, keys: Sequence[tuple[int, str]]) -> list[StoredRow]:
        if self._lookup_db is None:
            raise StoreError("the database is not open")
        ids, texts = zip(*keys, strict=True)
        try:
            keyed = encoded((postgres_arrays.integers(ids), postgres_arrays.texts(texts)))
            return list(await self._looking_up.run(sql, keyed))
        except psycopg.DataError as error:
            raise IntegrityViolation(str(error)) from error
        except psycopg.Error as error:
            raise StoreError(str(error)) from error

    async def commit_batch(self, record: BatchRecord) -> None:
        if self._db is None:
            raise StoreError("the database is not open")
        try:
            await self._commits.run(*self._statement(record))
            self._require_replicated()
        except (*_REFUSALS, UnicodeError) as error:
            await self._require_fence(record)
            raise IntegrityViolation(str(error)) from error
        except psycopg.Error as error:
            raise StoreError(str(error)) from error

    def _statement(self, s: BatchRecord) -> _Statement:
        """Return the statement that writes the whole batch, and its parameters."""
        parameters: list[Parameter] = [
            *advance_parameters(s.core), *journal_parameters(s), *outbox_parameters(s)
        ]  # fmt: skip
        inserted, updated = [], []
        counts: list[int] = []
        for shape, rows in inserts(s):
            inserted.append(shape)
            parameters += _arrays(shape, rows)
        for shape, rows in updates(s):
            cut, cut_rows = picked(shape, rows)
            updated.append(cut)
            parameters += _arrays(cut, cut_rows)
            counts.append(len(rows))
        always = (
            ("fence", f"{self._advance()} RETURNING 1"),
            ("entry", self._insert_journal()),
            ("told", self._insert_outbox()),
            ("pruned", self._prune_outbox()),
        )
        sql = _commit_sql(always, tuple(inserted), tuple(updated))
        return sql, encoded([*parameters, *counts])

    async def _require_fence(self, s: BatchRecord) -> None:
        """Raise Deposed unless the fence would have let a refused batch pass."""
        try:
            rows = await self._commits.run("SELECT epoch, last_batch FROM core_state", encoded(()))
        except psycopg.Error as error:
            raise StoreError(str(error)) from error
        if rows != [(str(s.core.epoch), str(s.core.last_batch - 1))]:
            raise Deposed("the epoch or the batch number has moved on")


def _arrays(shape: Shape, rows: list[Row]) -> list[bytes]:
    """Return each column of ``rows`` as an array in PostgreSQL's binary form."""
    columns = zip(*rows, strict=True)
    return [
        postgres_arrays.PACK[kind](column)
        for kind, column in zip(shape.kinds, columns, strict=True)
    ]


def _select(shape: Shape) -> str:
    """Return the query of a shape's arrays as rows.

    In the list of a SELECT PostgreSQL unnests the arrays row by row. After FROM it would first
    store each array whole, which took up to a fifth of a batch's time.
    """
    columns = zip(shape.columns, shape.kinds, strict=True)
    return "SELECT " + ", ".join(
        f"unnest(%s::{_TYPES[kind]}[]) AS {name}" for name, kind in columns
    )


@lru_cache(maxsize=64)
def _commit_sql(
    always: tuple[tuple[str, str], ...],
    inserted: tuple[Shape, ...],
    updated: tuple[Shape, ...],
) -> str:
    """Return the statement of a batch that writes these tables, its parameters $1, $2 …

    It divides by zero, and so rolls back, when a count of rows is not the expected one.
    """
    parts = [f"{name} AS ({sql})" for name, sql in always]
    parts += [f"new_{shape.table} AS ({_insert_sql(shape)})" for shape in inserted]
    parts += [f"changed_{shape.table} AS ({_update_sql(shape)})" for shape in updated]
    checks = ["(SELECT count(*) FROM fence) = 1"]
    checks += [f"(SELECT count(*) FROM changed_{shape.table}) = %s" for shape in updated]
    sql = f"WITH {', '.join(parts)} SELECT 1 / (CASE WHEN {' AND '.join(checks)} THEN 1 ELSE 0 END)"
    numbers = itertools.count(1)
    return _PARAMETER.sub(lambda _: f"${next(numbers)}", sql)


def _insert_sql(shape: Shape) -> str:
    names = ", ".join(shape.columns)
    return f"INSERT INTO {shape.table} ({names}) {_select(shape)}{shape.on_conflict}"


def _update_sql(shape: Shape) -> str:
    """Return an update of many rows, each matched by its key and the version before."""
    sets = ", ".join(f"{name} = v.{name}" for name in shape.mutable)
    keys = " AND ".join(f"t.{name} = v.{name}" for name in shape.key)
    return (
        f"UPDATE {shape.table} AS t SET {sets} FROM ({_select(shape)}) AS v "
        f"WHERE {keys} AND t.version = v.version - 1 RETURNING 1"
    )
