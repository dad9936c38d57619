"""Fixtures of the client's tests."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.scripted_exchange import ScriptedExchange
from tests.support.stub_exchange import Stub


@pytest.fixture
def stub() -> Iterator[Stub]:
    """An exchange of canned answers."""
    with Stub() as server:
        yield server


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedExchange]:
    """A scripted exchange; after the test no task of the feed runs any more."""
    async with ScriptedExchange() as server:
        before = asyncio.all_tasks()
        yield server
        left = [task for task in asyncio.all_tasks() - before if "predmarket" in repr(task)]
        assert not left
