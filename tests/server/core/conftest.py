"""A core on a real database that tests stop, break and start again."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.support.core_exchange import exchange

__all__ = ["exchange"]


@pytest.fixture
async def cores() -> AsyncIterator[AsyncExitStack]:
    """Return an exit stack whose cores stop with the test."""
    async with AsyncExitStack() as stack:
        yield stack
