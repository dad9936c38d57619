"""The store on an embedded SQLite database (WAL, synchronous=FULL).

The event loop writes the rows, some microseconds each. A thread would spend more on passing the
interpreter lock to and fro. Waits do not block the loop: the commit waits for the disk in a thread,
and the wait for another connection's short write sleeps.
"""

import asyncio
import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import StrEnum
from functools import lru_cache
from types import NoneType

from predmarket.enums import (
    EventOutcome,
    MarketStatus,
    OrderStatus,
    OrderType,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from predmarket.server.clock import machine_time
from predmarket.server.core.durability import Durability
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
    updates,
)
from predmarket.server.core.stores.rows import Shape, StoredRow
from predmarket.server.core.stores.sqlite_checkpoints import LOG_PAGES, Checkpoints
from predmarket.units import Micros

BUSY_MS = 5_000
"""Milliseconds that a write waits for another connection's short write (a registration)."""
CACHE_KIB = 65_536
"""The most memory that a connection's cache of pages may take."""
_BUSY_POLL_S = 0.001
_KEYS_AT_ONCE = 400
_WORDS: tuple[type[StrEnum], ...] = (
    EventOutcome, MarketStatus, OrderStatus, OrderType, Outcome, SelfTradePrevention, Side,
    TimeInForce,
)  # fmt: skip
"""The enumerations whose members occur in rows."""

# CROSS JOIN keeps the order of the join: the keys first, then one search in the index for each.
KNOWN_ORDERS = (
    "WITH k(user_id, key) AS (VALUES {}) "
    "SELECT o.user_id, o.client_order_id, o.id, o.request, e.detail FROM k "
    "CROSS JOIN orders o ON o.user_id = k.user_id AND o.client_order_id = k.key "
    "LEFT JOIN order_events e ON e.order_id = o.id AND e.type = 'ORDER_REJECTED'"
)
KNOWN_TRANSFERS = (
    "WITH k(actor_id, key) AS (VALUES {}) "
    "SELECT t.actor_id, t.key, t.id, t.user_id, t.amount, t.reason FROM k "
    "CROSS JOIN transfers t ON t.actor_id = k.actor_id AND t.key = k.key"
)


def _adapt_quickly() -> None:
    """Register the driver's adapters for enumeration members in rows.

    Without them the driver searches three places for each value, which took a fifth of the time for
    writing rows. A look-up in a dict needs no interpreter frame.
    """
    sqlite3.register_adapter(NoneType, {None: None}.__getitem__)
    sqlite3.register_adapter(bool, int)
    for kind in _WORDS:
        sqlite3.register_adapter(kind, {word: word.value for word in kind}.__getitem__)


_adapt_quickly()


def open_connection(path: str) -> sqlite3.Connection:
    """Open a connection with durable commits and enforced constraints."""
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
    return connection


class SqliteStore(Store):
    """The store of an embedded exchange. ``path`` is the database file."""

    mark = "?"
    at_once = 1

    def __init__(self, path: str) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None
        self._lookup: sqlite3.Connection | None = None
        self._committer = ThreadPoolExecutor(1, "commit")
        self._checkpoints = Checkpoints()

    def connect(self) -> None:
        self.close()
        try:
            self._db = open_connection(self.path)
            self._lookup = open_connection(self.path)
            self._checkpoints.begin(open_connection(self.path))
        except sqlite3.Error as error:
            raise StoreError(str(error)) from error

    def close(self) -> None:
        self._committer.submit(lambda: None).result()  # a commit under way has ended
        self._checkpoints.close()
        for connection in (self._db, self._lookup):
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()
        self._db = self._lookup = None

    def durability(self) -> Durability:
        names = {0: "off", 1: "normal", 2: "full", 3: "extra"}
        found = {
            "journal_mode": str(self.read("PRAGMA journal_mode")[0][0]),
            "synchronous": names[self.read("PRAGMA synchronous")[0][0]],
        }
        return Durability(found == {"journal_mode": "wal", "synchronous": "full"}, found)

    def time(self) -> Micros:
        return machine_time()

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[StoredRow]:
        return list(self._run(self._db, sql, parameters))

    def stream(self, sql: str) -> Iterator[StoredRow]:
        if self._db is None:
            raise StoreError("the database is not open")
        try:
            yield from self._pages(self._db.execute(sql))
        except sqlite3.Error as error:
            raise StoreError(str(error)) from error

    def _run(
        self, connection: sqlite3.Connection | None, sql: str, parameters: Sequence[object] = ()
    ) -> Iterator[StoredRow]:
        if connection is None:
            raise StoreError("the database is not open")
        try:
            yield from connection.execute(sql, parameters)
        except sqlite3.Error as error:
            raise StoreError(str(error)) from error

    def begin_snapshot(self) -> None:
        self.read("BEGIN")

    def plan_for_whole_tables(self) -> None:
        """Do nothing: SQLite has one way to join, and the queries have keys for it."""

    def end_snapshot(self) -> None:
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.execute("COMMIT")

    async def known_orders(self, keys: Sequence[OrderKey]) -> dict[OrderKey, KnownOrder]:
        rows = self._by_keys(KNOWN_ORDERS, keys)
        return {(r[0], r[1]): KnownOrder(r[2], r[3], r[4]) for r in rows}

    async def known_transfers(
        self, keys: Sequence[TransferKey]
    ) -> dict[TransferKey, KnownTransfer]:
        rows = self._by_keys(KNOWN_TRANSFERS, keys)
        return {(r[0], r[1]): KnownTransfer(r[2], r[3], r[4], r[5]) for r in rows}

    def _by_keys(self, sql: str, keys: Sequence[tuple[int, str]]) -> Iterator[StoredRow]:
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[start : start + _KEYS_AT_ONCE]
            marks = ", ".join(["(?, ?)"] * len(some))
            flat = [value for key in some for value in key]
            yield from self._run(self._lookup, sql.format(marks), flat)

    async def commit_batch(self, record: BatchRecord) -> None:
        db = self._db
        if db is None:
            raise StoreError("the database is not open")
        try:
            await _begin(db)
            if db.execute(self._advance(), advance_parameters(record.core)).rowcount != 1:
                raise Deposed("the epoch or the batch number has moved on")
            db.execute(self._insert_journal(), journal_parameters(record))
            batch, changes, too_old = outbox_parameters(record)
            db.execute(self._insert_outbox(), (batch, changes))
            db.execute(self._prune_outbox(), (too_old,))
            for shape, rows in inserts(record):
                db.executemany(_insert_sql(shape), rows)
            for shape, rows in updates(record):
                if db.executemany(_update_sql(shape), rows).rowcount != len(rows):
                    raise IntegrityViolation(f"{shape.table}: a row is not at the version expected")
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._committer, db.execute, "COMMIT")
            self._checkpoints.committed()
        except (sqlite3.IntegrityError, OverflowError, UnicodeError) as error:
            _roll_back(db)
            raise IntegrityViolation(str(error)) from error
        except sqlite3.Error as error:
            _roll_back(db)
            raise StoreError(str(error)) from error
        except (Deposed, IntegrityViolation):
            _roll_back(db)
            raise


async def _begin(db: sqlite3.Connection) -> None:
    """Begin to write; sleep while another connection writes, because that one needs the loop."""
    until = time.monotonic() + BUSY_MS / 1_000
    db.execute("PRAGMA busy_timeout = 0")
    while True:
        try:
            db.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        await asyncio.sleep(_BUSY_POLL_S)


def _roll_back(db: sqlite3.Connection) -> None:
    if db.in_transaction:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")


@lru_cache(maxsize=32)
def _insert_sql(shape: Shape) -> str:
    marks = ", ".join("?" * len(shape.columns))
    names = ", ".join(shape.columns)
    return f"INSERT INTO {shape.table} ({names}) VALUES ({marks}){shape.on_conflict}"


@lru_cache(maxsize=32)
def _update_sql(shape: Shape) -> str:
    """Return the update of a row by its key and its former version; the row is its parameters."""
    mark = {name: f"?{number}" for number, name in enumerate(shape.columns, 1)}
    sets = ", ".join(f"{name} = {mark[name]}" for name in shape.mutable)
    keys = " AND ".join(f"{name} = {mark[name]}" for name in shape.key)
    return f"UPDATE {shape.table} SET {sets} WHERE {keys} AND version = {mark['version']} - 1"
