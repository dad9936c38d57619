"""Sockets on a whole exchange."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.support.http_exchange import Exchange, User, database_url, exchange, settings
from tests.support.sockets import Client, Open, opened

__all__ = ["database_url", "exchange", "settings"]


@pytest.fixture
async def open_socket(exchange: Exchange) -> AsyncIterator[Open]:
    """Return a function that opens sockets, which close with the test."""
    async with AsyncExitStack() as stack:

        async def open(user: User | None = None, query: str = "", **options: Any) -> Client:  # noqa: ANN401
            return await stack.enter_async_context(opened(exchange.url, user, query, **options))

        yield open
