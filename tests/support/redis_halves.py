"""An exchange as cores and gateways with Redis between them, in the test's own process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from redis.asyncio import Redis

from predmarket.engine.commands import Command, CreateMarket, OpenAccount
from predmarket.enums import MarketStatus
from predmarket.server.core.bus import Bus, BusReply
from predmarket.server.core.core import Core
from predmarket.server.observability.metrics import Metrics
from predmarket.server.process.roles.core import Seat
from predmarket.server.process.roles.gateway import Gateway, gateway
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.redis.client import end
from predmarket.server.redis.message_auth import Mac
from predmarket.server.redis.naming import Keys, keys_of
from predmarket.server.redis_bus.connection import bus_connection_of
from predmarket.server.settings import Settings
from predmarket.server.storage.database import Database
from tests.support.core_exchange import DEPOSIT, METADATA, USERS, Exchange
from tests.support.exchange import SECRET

WAIT_S = 60.0


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.005)


async def open_market(bus: Bus) -> None:
    """Fund the users and open market 1."""
    for user in range(1, USERS + 1):
        await bus.submit(OpenAccount(user, DEPOSIT))
    await bus.submit(
        CreateMarket("rain", "Rain?", "", 100, 0, 700, None, MarketStatus.OPEN, 1, METADATA)
    )


@dataclass
class Leader:
    """A core in its seat (process/roles/core.py)."""

    seat: Seat

    @property
    def core(self) -> Core:
        """The core, once it leads."""
        assert self.seat.core is not None
        return self.seat.core


class Halves:
    """A database and a Redis, with the cores and gateways on them."""

    def __init__(self, exchange: Exchange, settings: Settings) -> None:
        self.exchange = exchange
        self.settings = settings
        self.stack = AsyncExitStack()

    async def keys(self) -> Keys:
        """Return the bus's names in Redis."""
        db = Database(self.settings.database)
        try:
            return await keys_of(db)
        finally:
            await db.close()

    async def mac(self) -> Mac:
        """Return a signer of parcels with the exchange's secret."""
        return Mac(SECRET, (await self.keys()).exchange, lambda _: None)

    async def seat(self) -> Leader:
        """Start a core; it may become a standby."""
        db = Database(self.settings.database)
        seat = Seat(self.settings, db, bus_connection_of(self.settings), Metrics())
        seat.start()

        async def stop() -> None:
            await seat.stop()
            await seat.connection.close()
            await db.close()

        self.stack.push_async_callback(stop)
        return Leader(seat)

    async def leader(self) -> Leader:
        """Start a core and wait until it leads."""
        leader = await self.seat()
        await until(lambda: leader.seat.publisher.stream)
        return leader

    async def kill(self, leader: Leader) -> None:
        """End a core as a kill does: it commits nothing more. Its lease is expired."""
        leader.core.fail(RuntimeError("killed"))
        await end(*leader.seat.tasks, leader.seat.running)
        leader.seat.tasks = []
        self.exchange.execute("UPDATE lease SET expires_at = 0")

    async def gateway(self, *, hears: bool = True) -> Gateway:
        """Start a gateway; if there is a leader, wait until the gateway knows it."""
        running = await self.stack.enter_async_context(gateway(self.settings))
        if hears:
            await until(lambda: running.services.core.status().healthy)
        return running


@pytest.fixture
def settings(
    migrated_postgres_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Return the settings of cores and gateways."""
    monkeypatch.chdir(tmp_path)
    return Settings.load(
        {"database_url": migrated_postgres_url, "redis_url": redis_url, "jwt_secret": SECRET}
    )


@dataclass
class Handed:
    """A bus with the market view of its gateway; ``exchange`` is the database behind it."""

    bus: Bus
    view: MarketView
    exchange: Exchange

    async def do(self, command: Command) -> BusReply:
        """Submit a command."""
        return await self.bus.submit(command)


Client: TypeAlias = Any
"""A client of Redis; its methods are typed for both kinds of client."""


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Client]:
    """A client of the Redis between the halves."""
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()
