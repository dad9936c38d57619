"""A core on a real database, which tests stop, break and restart."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import insert

from predmarket.engine.commands import (
    Command,
    CreateMarket,
    OpenAccount,
    PlaceOrder,
)
from predmarket.engine.metadata import Metadata
from predmarket.engine.replies import OrderDone
from predmarket.engine.snapshot import snapshot
from predmarket.engine.state import State
from predmarket.enums import MarketStatus, OrderType, Side, TimeInForce
from predmarket.server.clock import Clock
from predmarket.server.core import audit, state_loader
from predmarket.server.core.bus import BusReply
from predmarket.server.core.core import Core
from predmarket.server.core.ports import Outlet
from predmarket.server.core.stores.base import (
    BatchRecord,
    CoreRow,
    Store,
    StoreError,
)
from predmarket.server.core.stores.factory import leadership, open_snapshot, open_store
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.storage.database import sync_engine
from predmarket.server.storage.tables.identity import users
from predmarket.units import MONEY_ONE, Micros

USERS = 9


DEPOSIT = 100 * MONEY_ONE


METADATA = Metadata("weather", ("oslo",), "here")
"""Of the market, so that whatever stores or loads it keeps this, too."""
MARKET = 1


def limit(
    user: int,
    side: Side,
    qty: int,
    price: int,
    *,
    key: str | None = None,
    expires_at: Micros | None = None,
    connection: str | None = None,
    group: int | None = None,
) -> PlaceOrder:
    """Return a LIMIT order; ``qty`` in contracts, ``price`` in cents, ``key`` a client order id."""
    tif = TimeInForce.GTC if expires_at is None else TimeInForce.GTD
    return PlaceOrder(
        user,
        MARKET,
        side,
        OrderType.LIMIT,
        price * 100,
        qty * 100,
        tif,
        expires_at=expires_at,
        client_order_id=key,
        request=f"{side} {qty} {price}" if key else None,
        connection=connection,
        order_group_id=group,
    )


@dataclass
class Running:
    """A started core with its database and market view."""

    core: Core
    store: Store
    view: MarketView

    async def do(self, command: Command) -> BusReply:
        """Submit a command."""
        return await self.core.submit(command)

    async def place(self, *args: object, **kwargs: object) -> OrderDone:
        """Submit ``limit(...)`` and expect it to be accepted."""
        reply = await self.core.submit(limit(*args, **kwargs))  # type: ignore[arg-type]
        assert isinstance(reply, OrderDone), reply
        return reply

    @property
    def state(self) -> State:
        """Return the engine's state."""
        return self.core.pipeline.sequencer.exchange.state

    def in_memory(self) -> bytes:
        """Return the engine's state as bytes."""
        return snapshot(self.state)


class Gate:
    """Delays every commit until the test opens it."""

    def __init__(self, running: Running) -> None:
        store = running.store
        self.settled = asyncio.Event()
        self.open = asyncio.Event()
        self._settle = store.commit_batch
        store.commit_batch = self  # type: ignore[method-assign]

    async def __call__(self, record: BatchRecord) -> None:
        """Commit once the gate is open."""
        await self._settle(record)
        self.settled.set()
        await asyncio.wait_for(self.open.wait(), 60)


class Exchange:
    """A migrated database with nine users, and the cores that are started on it."""

    def __init__(self, url: str) -> None:
        self.url = url
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
        engine = sync_engine(url)
        with engine.begin() as connection:
            connection.execute(insert(users), rows)
        engine.dispose()

    @asynccontextmanager
    async def running(
        self,
        *,
        clock: Clock | None = None,
        max_batch: int = 500,
        max_queue: int = 10_000,
        reply_limit_s: float = 5.0,
        wait_s: float = 5.0,
        outlet: Outlet | None = None,
    ) -> AsyncIterator[Running]:
        """Start a core and stop it at the end."""
        store, view = open_store(self.url), MarketView()
        core = Core(
            store,
            leadership(self.url, wait_s),
            view,
            clock=clock,
            max_batch=max_batch,
            max_queue=max_queue,
            reply_limit_s=reply_limit_s,
            outlet=outlet,
        )
        await core.start()
        try:
            yield Running(core, store, view)
        finally:
            await core.stop()

    @asynccontextmanager
    async def trading(self, **options: object) -> AsyncIterator[Running]:
        """Start a core with funded users and an open market."""
        async with self.running(**options) as running:  # type: ignore[arg-type]
            for user in range(1, USERS + 1):
                await running.do(OpenAccount(user, DEPOSIT))
            await running.do(
                CreateMarket("rain", "Rain?", "", 100, 0, 700, None, MarketStatus.OPEN, 1, METADATA)
            )
            yield running

    def audited(self) -> list[audit.Check]:
        """Audit the database, replay included, and return the checks that fail."""
        with open_snapshot(self.url) as store:
            checks = [*audit.sums(store), *audit.replay(store, lambda *_: None)]
        assert len(checks) > 10
        return [check for check in checks if not check.ok]

    def stored(self) -> bytes:
        """Return the state that a restart would load, as bytes."""
        store = open_store(self.url)
        store.connect()
        try:
            return snapshot(state_loader.load(store, store.core_row()).state)
        finally:
            store.close()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        store = open_store(self.url)
        store.connect()
        try:
            return store.read(sql)
        finally:
            store.close()

    def loaded_view(self) -> MarketView:
        """Return the market view that a restart would load."""
        store, view = open_store(self.url), MarketView()
        store.connect()
        try:
            stored = state_loader.load(store, store.core_row())
            view.reload(stored.markets(), stored.events())
        finally:
            store.close()
        return view

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(self.scalar(f"SELECT COUNT(*) FROM {table}"))

    def scalar(self, sql: str) -> int:
        """Return the single number of a query."""
        found = self.rows(sql)[0][0]
        assert isinstance(found, int)
        return found

    def execute(self, sql: str) -> None:
        """Run a statement that tampers with the database."""
        engine = sync_engine(self.url)
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.connection.cursor().execute("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql(sql)
            connection.commit()
        engine.dispose()


@pytest.fixture
def exchange(migrated_url: str) -> Exchange:
    """An exchange on an empty database; the test runs once on each kind."""
    return Exchange(migrated_url)


Settle = Callable[[BatchRecord], Awaitable[None]]


def fail_next(running: Running, *, after_commit: bool, times: int = 1) -> list[int]:
    """Let the next commits fail before or after the database stores them; return those commits."""
    commit_batch: Settle = running.store.commit_batch
    failed: list[int] = []

    async def failing(record: BatchRecord) -> None:
        if len(failed) >= times:
            await commit_batch(record)
            return
        if after_commit:
            await commit_batch(record)
        failed.append(record.core.last_batch)
        raise StoreError("the connection was lost")

    running.store.commit_batch = failing  # type: ignore[method-assign]
    return failed


def forbidden(_store: Store, _core: CoreRow) -> State:
    """Raise AssertionError, because no state may be loaded."""
    raise AssertionError("the state was loaded")
