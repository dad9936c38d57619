"""A core on a real database, to be stopped, broken and started again."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.support.core_exchange import exchange

__all__ = ["exchange"]


@pytest.fixture
async def cores() -> AsyncIterator[AsyncExitStack]:
    """Somewhere to enter cores that end with the test."""
    async with AsyncExitStack() as stack:
        yield stack
