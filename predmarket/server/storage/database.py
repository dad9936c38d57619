"""A gateway's database: consistent reads, and writes of identity.

``read`` sees one snapshot, also across statements. ``write`` is for the identity tables alone;
what concerns money is written by the core. Neither is ever held across anything slow.

``read_account`` is ``read`` on separate connections: for sign-in, a user's own account and the
answers to orders. Other reads never take these connections. ``look_up`` is for statements that find
a known number of rows by a key, whatever the history: SQLite answers them in some 20 µs, so the
event loop runs them directly.
"""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypedDict, TypeVar, cast
from weakref import WeakSet

from sqlalchemy import Engine, Result, create_engine, event, text
from sqlalchemy.engine import URL, Connection, Dialect
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool
from sqlalchemy.util import await_only, greenlet_spawn

from predmarket.server.clock import wall_clock
from predmarket.server.storage.database_url import is_sqlite, normal_url
from predmarket.units import Micros

POOL_SIZE = 8
ACCOUNT_POOL_SIZE = 4
POOL_WAIT_SECONDS = 5
CONNECT_SECONDS = 5
BUSY_MS = 5_000
PING_SECONDS = 2
CLOSE_SECONDS = 1
_LOOK_SECONDS = 0.005
_CLOSED = "the database is closed"

T = TypeVar("T")


class _Keepalives(TypedDict):
    keepalives_idle: int
    keepalives_interval: int
    keepalives_count: int


KEEPALIVES: _Keepalives = {"keepalives_idle": 2, "keepalives_interval": 1, "keepalives_count": 3}
"""libpq's options that end a connection 5 s after the database's machine has gone silent."""
POSTGRESQL_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
"""PostgreSQL's time in microseconds."""

UNAVAILABLE = (DBAPIError, PoolTimeoutError, OSError)
"""Exceptions of a statement when the database is unavailable, among other reasons."""


def is_lost(error: BaseException) -> bool:
    """Tell whether an error means that the database is unavailable, not that we misused it."""
    if isinstance(error, PoolTimeoutError | OSError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    name = type(error).__name__  # OperationalError: no connection, locked, disk full
    return error.connection_invalidated or name in ("OperationalError", "InterfaceError")


def prepare_sqlite(engine: Engine, begin: str, *, read_only: bool = False) -> None:
    """Make SQLAlchemy's transactions real SQLite transactions, durable and with foreign keys.

    By default the driver begins a transaction only at the first write. Then two reads could see two
    states, and a read followed by a write could fail.
    """

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: object) -> None:  # noqa: ANN401 -- as SQLAlchemy
        connection.isolation_level = None
        cursor = connection.cursor()
        for setting in (
            f"busy_timeout = {BUSY_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"query_only = {'ON' if read_only else 'OFF'}",
        ):
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


class EndingConnection(sqlite3.Connection):
    """A connection whose statements and transaction end with it.

    SQLite keeps a closed connection, and its locks, until its last statement ends. A cancelled
    statement ends only when the garbage collector finds it. Until then no other connection could
    write.
    """

    _cursors: WeakSet[sqlite3.Cursor] | None = None

    def cursor(self, factory: None = None) -> sqlite3.Cursor:  # type: ignore[override]  # sqlite3 takes others
        """Return a cursor, which ends with the connection."""
        del factory
        cursor = super().cursor()
        if self._cursors is None:
            self._cursors = WeakSet()
        self._cursors.add(cursor)
        return cursor

    def close(self) -> None:
        """End all statements, roll back the open transaction, and close.

        A second time does nothing: the driver closes twice if the task that closes is cancelled.
        """
        with suppress(sqlite3.ProgrammingError):  # it is closed
            for cursor in self._cursors or ():
                cursor.close()
            if self.in_transaction:
                self.rollback()
        super().close()


def open_whole(engine: Engine) -> None:
    """Make an engine close a connection whose opening was cancelled, once it is open.

    The driver opens connections in a thread, and nobody waits for the thread after a cancellation.
    """

    async def opened(opening: Awaitable[Any]) -> Any:  # noqa: ANN401 -- as SQLAlchemy
        task = asyncio.ensure_future(opening)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            connection = await task
            await greenlet_spawn(connection.close)
            raise

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Dialect, _record: object, given: Any, named: Any) -> Any:  # noqa: ANN401 -- likewise
        return await_only(opened(greenlet_spawn(dialect.connect, *given, **named)))


def sync_engine(url: str) -> Engine:
    """Return a plain engine whose transactions write, for migrations and tools."""
    parsed = normal_url(url)
    engine = create_engine(parsed, hide_parameters=True)  # parameters may be password hashes
    if is_sqlite(parsed):
        Path(parsed.database or "").parent.mkdir(parents=True, exist_ok=True)
        prepare_sqlite(engine, "BEGIN IMMEDIATE")
    return engine


async def database_time(connection: AsyncConnection) -> Micros:
    """Return the database's time, the same for all gateways; for SQLite, this machine's time."""
    if connection.dialect.name == "sqlite":
        return wall_clock()
    now = text(f"SELECT {POSTGRESQL_NOW}")
    return int((await connection.execute(now)).scalar_one())


class _Reading:
    """A SQLite connection for reads: the used part of AsyncConnection, without its driver.

    The driver switches to a thread several times for each statement; under load each switch takes
    long.
    """

    def __init__(self, connection: Connection, threads: ThreadPoolExecutor | None) -> None:
        self._connection = self.sync_connection = connection
        self._threads = threads
        self.dialect = connection.dialect

    async def execute(self, statement: Any, parameters: Any = None) -> Result[Any]:  # noqa: ANN401 -- as AsyncConnection
        """Return all the rows of a statement."""
        if self._threads is None:
            return self._connection.execute(statement, parameters)
        try:
            running = asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: self._connection.execute(statement, parameters).freeze()
            )
        except RuntimeError:  # the threads have ended
            raise ConnectionError(_CLOSED) from None
        try:
            return (await asyncio.shield(running))()
        except asyncio.CancelledError:
            await self._interrupt(running)
            raise

    async def _interrupt(self, running: asyncio.Future[T]) -> None:
        """End a statement, however often its task is cancelled: its thread has the connection."""
        driver = self._connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        while not running.done():
            driver.interrupt()
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running], timeout=_LOOK_SECONDS)
        if not running.cancelled():
            running.exception()  # nobody else asks for it

    async def scalar(self, statement: Any, parameters: Any = None) -> Any:  # noqa: ANN401 -- as AsyncConnection
        """Return the first row's first column, None when there is none."""
        return (await self.execute(statement, parameters)).scalar()


class _Reader:
    """A pool of SQLite connections for reads; statements run on the event loop or in threads."""

    def __init__(self, url: URL, size: int, *, threaded: bool) -> None:
        self.engine = create_engine(
            url,
            pool_size=size,
            max_overflow=0,
            connect_args={"factory": EndingConnection},
            hide_parameters=True,
        )
        prepare_sqlite(self.engine, "BEGIN", read_only=True)
        self._free = asyncio.Semaphore(size)
        self._threads = ThreadPoolExecutor(size, "sqlite-read") if threaded else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open one snapshot. Raises PoolTimeoutError."""
        try:
            async with asyncio.timeout(POOL_WAIT_SECONDS):
                await self._free.acquire()  # the pool itself would block the loop
        except TimeoutError:
            raise PoolTimeoutError("no connection was free") from None
        try:
            with self.engine.connect() as connection:
                yield cast("AsyncConnection", _Reading(connection, self._threads))
        finally:
            self._free.release()

    def dispose(self) -> None:
        """Close the connections and end the threads."""
        self.engine.dispose()
        if self._threads is not None:
            self._threads.shutdown(wait=False)


class Database:
    """Connection pools for one database. The constructor does not connect."""

    def __init__(self, url: str) -> None:
        """Prepare the pools. Raises ValueError for a URL that is no database of ours."""
        self.url = normal_url(url)
        self._closed = False
        self._driver_threads: set[threading.Thread] = set()
        self.backend = self.url.get_backend_name()
        if is_sqlite(self.url):
            self._readers = [
                _Reader(self.url, POOL_SIZE, threaded=True),
                _Reader(self.url, ACCOUNT_POOL_SIZE, threaded=True),
                _Reader(self.url, ACCOUNT_POOL_SIZE, threaded=False),
            ]
            self._writer = self._sqlite()
        else:
            self._readers = []
            self._writer = self._postgres(ACCOUNT_POOL_SIZE)
            reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            self._account_reader = self._writer.execution_options(**reading)
            self._reader = self._postgres(POOL_SIZE).execution_options(**reading)

    def _postgres(self, pool_size: int) -> AsyncEngine:
        return create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_SECONDS,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_SECONDS, **KEEPALIVES},
            hide_parameters=True,
        )

    def _sqlite(self) -> AsyncEngine:
        engine = create_async_engine(
            self.url.set(drivername="sqlite+aiosqlite"),
            pool_size=1,
            max_overflow=0,
            pool_timeout=POOL_WAIT_SECONDS,
            connect_args={"factory": self._connect_in_thread},
            hide_parameters=True,
        )
        prepare_sqlite(engine.sync_engine, "BEGIN IMMEDIATE")
        open_whole(engine.sync_engine)
        return engine

    def _connect_in_thread(self, *given: Any, **named: Any) -> EndingConnection:  # noqa: ANN401 -- as sqlite3
        """Open a connection in the thread that the driver has made for it."""
        alive = {thread for thread in self._driver_threads if thread.is_alive()}
        self._driver_threads = alive | {threading.current_thread()}
        return EndingConnection(*given, **named)

    def _require_open(self) -> None:
        if self._closed:  # an OSError, as for an unavailable database
            raise ConnectionError(_CLOSED)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open one snapshot of the database, for reading."""
        self._require_open()
        async with self._readers[0].read() if self._readers else self._reader.connect() as one:
            yield one

    @asynccontextmanager
    async def read_account(self) -> AsyncIterator[AsyncConnection]:
        """Open one snapshot on a connection reserved for reads of one user or order."""
        self._require_open()
        small = self._readers[1].read() if self._readers else self._account_reader.connect()
        async with small as connection:
            yield connection

    @asynccontextmanager
    async def look_up(self) -> AsyncIterator[AsyncConnection]:
        """Open one snapshot for statements that find a known number of rows by a key."""
        self._require_open()
        small = self._readers[2].read() if self._readers else self._account_reader.connect()
        async with small as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction; it commits at the end, or rolls back on an error."""
        self._require_open()
        async with self._writer.begin() as connection:
            yield connection

    async def answers(self) -> bool:
        """Tell whether the database answers within PING_SECONDS."""
        try:
            async with asyncio.timeout(PING_SECONDS), self.read() as connection:
                await connection.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError, TimeoutError):
            return False
        return True

    def pool_use(self) -> tuple[int, int]:
        """Return the number of connections in use, and the maximum."""
        pools = [self._writer.pool, *(one.engine.pool for one in self._readers)]
        if not self._readers:
            pools.append(self._reader.pool)
        sized = [pool for pool in pools if isinstance(pool, QueuePool)]
        return sum(pool.checkedout() for pool in sized), sum(pool.size() for pool in sized)

    async def close(self) -> None:
        """Close every connection.

        Tasks have CLOSE_SECONDS to give back their connections, and get no new ones. A disposed
        pool forgets the connections in use, so they would stay open.
        """
        self._closed = True
        await _until(lambda: not self.pool_use()[0])
        for reader in self._readers:
            reader.dispose()
        if not self._readers:
            await self._reader.dispose()
        await self._writer.dispose()
        # the driver's thread still tells the event loop, which may end next, that it has closed
        await _until(lambda: not any(thread.is_alive() for thread in self._driver_threads))


async def _until(condition: Callable[[], bool]) -> None:
    """Return once the condition holds, or after CLOSE_SECONDS."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            while not condition():  # noqa: ASYNC110 -- what is waited for has no event
                await asyncio.sleep(_LOOK_SECONDS)
