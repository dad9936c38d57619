"""Settlement alone: the shared stream through sequencer and store, by batch size and database."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop
from sqlalchemy import insert

from benchmarks.rows.engine import opening, translated
from benchmarks.stream import USERS, commands
from benchmarks.table import RUNS, Line
from benchmarks.yardsticks import durability, prepare_pgbench, tpcb
from predmarket.engine.commands import Command
from predmarket.server.clock import Clock
from predmarket.server.core import state_loader
from predmarket.server.core.idempotency import IdempotencyIndex
from predmarket.server.core.pending_command import PendingCommand
from predmarket.server.core.sequencer import Sequencer
from predmarket.server.core.stores.base import Store
from predmarket.server.core.stores.factory import open_store
from predmarket.server.interpreter import tune_interpreter
from predmarket.server.storage import migrations
from predmarket.server.storage.database import sync_engine
from predmarket.server.storage.tables.identity import users
from tests.support.postgres import PostgresServer, fresh_database

BATCHES = (1, 50, 200, 1_000)
COMMANDS = {1: 2_000, 50: 20_000, 200: 40_000, 1_000: 60_000}
"""Commands a run: enough for some seconds at that batch size."""
CLIENTS = 32


def measure() -> Iterator[Line]:
    """Yield commands a second for each batch size on both databases, beside pgbench."""
    tune_interpreter()  # as serve does
    calls = translated(commands(max(COMMANDS.values())))
    with PostgresServer() as server:
        prepare_pgbench(server.pgbench, server.url())
        fsync = durability(server.url())
        for size in BATCHES:
            tps, shared, embedded = [], [], []
            for _ in range(RUNS):  # in turns, since the machine's speed drifts
                tps.append(tpcb(server.pgbench, server.url(), CLIENTS, 4).tps)
                shared.append(_postgres(server, calls, size))
                embedded.append(_sqlite(calls, size))
            yardstick = statistics.median(tps)
            yield _line("PostgreSQL", size, statistics.median(shared), yardstick, fsync)
            yield _line("SQLite", size, statistics.median(embedded), yardstick, "synchronous=full")


def _line(kind: str, size: int, rate: float, tps: float, fsync: str) -> Line:
    return Line(
        "settle",
        f"{kind}, batches of {size}",
        rate,
        "/s",
        f"pgbench -c {CLIENTS}",
        tps,
        "≥ 4 ×" if size == 200 else "",
        f"{fsync}, {COMMANDS[size]:,} commands of the engine's stream, 0 errors",
    )


def _postgres(server: PostgresServer, calls: list[Command], size: int) -> float:
    with fresh_database(server.url()) as url:
        return settle_rate(url, calls[: COMMANDS[size]], size)


def _sqlite(calls: list[Command], size: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        return settle_rate(url, calls[: COMMANDS[size]], size)


def prepare(url: str) -> None:
    """Make the schema and the users whom the stream presupposes."""
    migrations.upgrade(url)
    engine = sync_engine(url)
    with engine.begin() as connection:
        rows = [
            {
                "id": id,
                "email": f"user{id}@example.com",
                "password_hash": "",
                "role": "USER",
                "disabled": False,
                "created_at": 0,
            }
            for id in range(1, USERS + 1)
        ]
        connection.execute(insert(users), rows)
    engine.dispose()


def settle_rate(url: str, calls: list[Command], size: int) -> float:
    """Return the calls settled a second: the next batch is decided while the last one commits."""
    prepare(url)
    store = open_store(url)
    store.connect()
    store.take_over()
    core = store.core_row()
    stored = state_loader.load(store, core)
    sequencer = Sequencer(stored, core, IdempotencyIndex(store), Clock(), max(size, 1_000))
    try:
        return uvloop.run(_settle_all(store, sequencer, calls, size))
    finally:
        store.close()


async def _settle_all(store: Store, sequencer: Sequencer, calls: list[Command], size: int) -> float:
    await _settle(store, sequencer, opening(), 1_000)
    start = time.perf_counter()
    await _settle(store, sequencer, calls, size)
    return len(calls) / (time.perf_counter() - start)


async def _settle(store: Store, sequencer: Sequencer, calls: list[Command], size: int) -> None:
    loop = asyncio.get_running_loop()
    committing: asyncio.Task[None] | None = None
    for first in range(0, len(calls), size):
        group = [
            PendingCommand(str(number), number, call, 1, loop.create_future())
            for number, call in enumerate(calls[first : first + size], first)
        ]
        assert all(pending.take(0) for pending in group)
        left, _ = sequencer.execute(group)
        assert not left, "the batch is bounded below its size"
        _, record = sequencer.take_batch()
        if committing is not None:
            await committing
        assert record is not None
        committing = asyncio.create_task(store.commit_batch(record))
        await asyncio.sleep(0)  # it is on its way before the next batch is decided
    if committing is not None:
        await committing
