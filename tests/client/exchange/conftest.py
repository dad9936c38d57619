"""The client library on a whole exchange, with a wire that is cut."""

from collections.abc import AsyncIterator

import pytest

from predmarket.client import Backoff
from tests.client.exchange.cutter import Cutter
from tests.server.gateway.conftest import Exchange, User, database_url, exchange, settings

__all__ = ["AT_ONCE", "Cutter", "Exchange", "User", "database_url", "exchange", "settings"]

AT_ONCE = Backoff(first_s=0.0)


@pytest.fixture
async def cutter(exchange: Exchange) -> AsyncIterator[Cutter]:
    """A wire to the exchange."""
    async with Cutter(exchange.url) as wire:
        yield wire
