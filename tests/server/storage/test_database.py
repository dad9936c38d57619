"""The pools get every connection back, wherever a task that uses one is cancelled."""

import asyncio
import gc
import sqlite3
import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, closing, contextmanager, suppress
from typing import Literal

import pytest
from sqlalchemy import event, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.storage import database
from predmarket.server.storage.database import UNAVAILABLE, Database, EndingConnection
from tests.support.cancelling import CancelledAt

WAYS = pytest.mark.parametrize("way", ["read", "read_account", "look_up", "write"])
Way = Literal["read", "read_account", "look_up", "write"]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """Return a database of either kind."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_server_url"
    url = request.getfixturevalue(name)
    assert isinstance(url, str)
    return url


@contextmanager
def nothing_left_open() -> Iterator[None]:
    """Fail when a connection is dropped without being closed."""
    gc.collect()  # ignores the connections of earlier tests
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [str(warning.message) for warning in seen] == []


def connection_of(db: Database, way: Way) -> AbstractAsyncContextManager[AsyncConnection]:
    """Open a connection."""
    ways = {
        "read": db.read,
        "read_account": db.read_account,
        "look_up": db.look_up,
        "write": db.write,
    }
    return ways[way]()


def assert_unlocked(url: str) -> None:
    """Check that a SQLite database can be written to at once."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(make_url(url).database or "", timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")


async def use(db: Database, way: Way) -> None:
    """Use a connection for two statements."""
    async with connection_of(db, way) as connection:
        await connection.execute(text("SELECT 1"))
        await connection.execute(text("SELECT 2"))


def awaits(url: str, way: Way) -> int:
    """Return the least number of awaits in a use."""
    if way == "write" or not url.startswith("sqlite"):
        return 10
    return 0 if way == "look_up" else 2


@WAYS
def test_cancelled_at_each_await(url: str, way: Way) -> None:
    """After a cancel at any await the whole pool is free. A closed database has no connection."""

    async def cancelled(at: int) -> bool:
        db = Database(url)
        work = CancelledAt(use(db, way), at)
        with suppress(asyncio.CancelledError):
            await asyncio.create_task(_awaited(work))
        await use(db, way)
        assert db.pool_use()[0] == 0
        await db.close()
        return work.waits >= at

    with nothing_left_open():
        for at in range(1, 100):
            if not asyncio.run(cancelled(at)):
                break
    assert at > awaits(url, way)


@WAYS
@pytest.mark.parametrize("cancel", [False, True], ids=["in use", "just cancelled"])
def test_closed_at_each_await(url: str, way: Way, *, cancel: bool) -> None:
    """A close waits for each user of a connection, also for a cancelled one. No lock is left."""

    async def closed(at: int) -> bool:
        db = Database(url)
        work = CancelledAt(use(db, way), 0)
        task = asyncio.create_task(_awaited(work))
        reached = await work.reach(at)
        if cancel:
            task.cancel()
        await db.close()
        await asyncio.gather(task, return_exceptions=True)
        return reached

    with nothing_left_open():
        for at in range(1, 100):
            reached = asyncio.run(closed(at))
            assert_unlocked(url)
            if not reached:
                break
    assert at > awaits(url, way)


@WAYS
async def test_a_closed_database_opens_no_connection(url: str, way: Way) -> None:
    """A task that uses a closed database learns that it is unavailable."""
    db = Database(url)
    await db.close()
    with pytest.raises(UNAVAILABLE, match="is closed"):
        await use(db, way)
    assert db.pool_use()[0] == 0


async def test_a_connection_that_is_kept_does_not_hold_up_the_end(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A close waits only for a bounded time for a connection in use."""
    monkeypatch.setattr(database, "CLOSE_SECONDS", 0.01)
    db = Database(sqlite_url)
    async with db.read() as connection:
        await db.close()
        with pytest.raises(UNAVAILABLE, match="is closed"):
            await connection.execute(text("SELECT 1"))
        assert connection.sync_connection is not None
        connection.sync_connection.invalidate()  # or it would stay open


@pytest.mark.parametrize("way", ["read", "read_account", "look_up"])
async def test_only_look_ups_run_on_the_loop(sqlite_url: str, way: Way) -> None:
    """Only look-ups run on the event loop; a read of a long history would block it."""
    db = Database(sqlite_url)
    threads: list[int] = []
    async with connection_of(db, way) as connection:
        event.listen(
            connection.sync_connection,
            "before_cursor_execute",
            lambda *_: threads.append(threading.get_ident()),
        )
        await connection.execute(text("SELECT 1"))
    await db.close()
    assert (threads[-1] == threading.get_ident()) is (way == "look_up")


async def test_a_statement_outlives_no_cancellation(sqlite_url: str) -> None:
    """A connection returns to the pool after its statement, however often the task is cancelled."""
    db = Database(sqlite_url)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

    async def read() -> None:
        async with db.read() as connection:
            await connection.execute(text(endless))

    task = asyncio.create_task(read())
    await asyncio.sleep(0.05)
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)
    assert task.cancelled()
    assert db.pool_use()[0] == 0
    await use(db, "read")
    await db.close()


async def _awaited(work: CancelledAt) -> None:
    await work


def test_a_connection_may_be_closed_twice(sqlite_url: str) -> None:
    """A second close of a connection raises no error.

    An error would keep the driver's thread alive.
    """
    path = make_url(sqlite_url).database
    assert path is not None
    connection = sqlite3.connect(path, factory=EndingConnection)
    connection.execute("BEGIN")
    connection.close()
    connection.close()


async def test_no_thread_of_the_driver_outlives_the_database(sqlite_url: str) -> None:
    """The driver's threads end with the database, because their event loop ends."""
    before = set(threading.enumerate())
    db = Database(sqlite_url)
    async with db.write() as connection:
        await connection.execute(text("SELECT 1"))
        assert set(threading.enumerate()) > before
    await db.close()
    assert set(threading.enumerate()) <= before
