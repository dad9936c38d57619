"""Fixtures of the client's tests."""

from collections.abc import Iterator

import pytest

from tests.client.stub import Stub


@pytest.fixture
def stub() -> Iterator[Stub]:
    """An exchange of canned answers."""
    with Stub() as server:
        yield server
