"""An exchange in two halves in the test's process: cores, gateways, and Redis between them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from predmarket.server.settings import Settings
from tests.support.core_exchange import Exchange
from tests.support.redis_halves import Halves, Handed, open_market, settings

__all__ = ["settings"]


@pytest.fixture
async def halves(settings: Settings) -> AsyncIterator[Halves]:
    """Return the halves, with users in the database and nothing started."""
    halves = Halves(Exchange(settings.database), settings)
    async with halves.stack:
        yield halves


@asynccontextmanager
async def in_process(exchange: Exchange, max_queue: int) -> AsyncIterator[Handed]:
    """Return the bus within one process, which is the core itself."""
    async with exchange.running(max_queue=max_queue) as running:
        yield Handed(running.core, running.view, exchange)


@pytest.fixture(params=["process", "stream"])
async def handed(
    request: pytest.FixtureRequest, settings: Settings, max_queue: int
) -> AsyncIterator[Handed]:
    """Return a bus with an open market; the test runs once for each kind."""
    exchange = Exchange(settings.database)
    settings = settings.model_copy(update={"max_queue": max_queue})
    if request.param == "process":
        async with in_process(exchange, max_queue) as handed:
            await open_market(handed.bus)
            yield handed
        return
    halves = Halves(exchange, settings)
    async with halves.stack:
        await halves.leader()
        running = await halves.gateway()
        await open_market(running.services.bus)
        yield Handed(running.services.bus, running.services.view, exchange)


@pytest.fixture
def max_queue() -> int:
    """Return the bound on waiting commands."""
    return 1_000
