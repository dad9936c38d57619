"""A start with many resting orders beside a bare read of their rows; a replay beside its commands.

RECOVERY_ORDERS and RECOVERY_COMMANDS (1000000 each) are the sizes.
"""

import gc
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from benchmarks.crowd import gather
from benchmarks.rows.engine import BATCH, exchange_rate, opening, translated
from benchmarks.rows.settle import settle_rate
from benchmarks.stream import commands
from benchmarks.table import Line, median_of
from predmarket.engine import Exchange
from predmarket.server.core import journal_reader, state_loader
from predmarket.server.core.stores import rows
from predmarket.server.core.stores.base import Store
from predmarket.server.core.stores.factory import open_store
from predmarket.server.interpreter import tune_interpreter
from predmarket.server.process import start
from predmarket.server.storage import migrations
from tests.support.postgres import PostgresServer, fresh_database, libpq

ORDERS = int(os.environ.get("RECOVERY_ORDERS", "1000000"))
COMMANDS = int(os.environ.get("RECOVERY_COMMANDS", "1000000"))
_LOADED = {
    rows.ACCOUNTS: "", rows.MARKETS: "", rows.POSITIONS: "", rows.ORDERS: state_loader.OPEN_ORDERS,
}  # fmt: skip


def measure() -> Iterator[Line]:
    """Yield the load on both databases, then the replay of a journal in SQLite."""
    tune_interpreter()  # as serve does
    with PostgresServer() as server, fresh_database(server.url()) as url:
        yield _load("PostgreSQL", url)
    with tempfile.TemporaryDirectory() as folder:
        yield _load("SQLite", f"sqlite:///{Path(folder) / 'bench.db'}")
    with tempfile.TemporaryDirectory() as folder:
        yield _replay(f"sqlite:///{Path(folder) / 'bench.db'}")


def _load(kind: str, url: str) -> Line:
    migrations.upgrade(url)
    with tempfile.TemporaryDirectory() as folder:
        start.seed({"database_url": url, "data_dir": folder}, force=False)
    gather(url, 0, ORDERS)
    with _opened(url) as store:
        took = median_of(lambda: _timed(lambda: _loaded(store)))
    bare = median_of(lambda: _timed(lambda: _read(url)))
    return Line(
        "recovery", f"{kind}, load {ORDERS:,} resting orders", took * 1_000, "ms",
        "the bare driver reads the rows", bare * 1_000, "≤ 3 ×", "one thread, warm cache",
    )  # fmt: skip


def _loaded(store: Store) -> None:
    state_loader.dismantle(state_loader.load(store, store.core_row()).state)


def _read(url: str) -> None:
    """Read what a load reads, page by page, and do nothing with it."""
    statements = [
        f"SELECT {', '.join(shape.columns)} FROM {shape.table} {where}"  # noqa: S608 -- our names
        for shape, where in _LOADED.items()
    ]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db:
            for statement in statements:
                found = db.execute(statement)
                while found.fetchmany(1_000):
                    pass
        return
    with psycopg.connect(libpq(url)) as connection:
        for statement in statements:
            with connection.cursor(name="bench") as cursor:
                cursor.execute(statement)
                while cursor.fetchmany(1_000):
                    pass


def _replay(url: str) -> Line:
    stream = translated(commands(COMMANDS))
    settle_rate(url, stream, BATCH)
    with _opened(url) as store:
        took = median_of(lambda: _timed(lambda: _replayed(store)))
    engine = median_of(lambda: COMMANDS / exchange_rate(opening(), stream))
    return Line(
        "recovery", f"{COMMANDS:,} journaled commands replayed", took * 1_000, "ms",
        "the engine row on them", engine * 1_000, "≤ 1.5 ×", "SQLite, one thread",
    )  # fmt: skip


def _replayed(store: Store) -> None:
    exchange = Exchange()
    for _, entry in journal_reader.entries(store):
        exchange.apply(entry.time, entry.command)


@contextmanager
def _opened(url: str) -> Iterator[Store]:
    store = open_store(url)
    store.connect()
    try:
        yield store
    finally:
        store.close()


def _timed(do: Callable[[], None]) -> float:
    gc.collect()
    start = time.perf_counter()
    do()
    return time.perf_counter() - start
