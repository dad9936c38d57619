"""A whole exchange on a PostgreSQL with a standby."""

from collections.abc import Iterator

import pytest

from predmarket.server.storage import migrations
from tests.support.http_exchange import exchange, settings
from tests.support.postgres_pair import PostgresPair

__all__ = ["database_url", "exchange", "pair", "settings"]


@pytest.fixture
def pair() -> Iterator[PostgresPair]:
    """Return a primary with a synchronous standby."""
    with PostgresPair() as pair:
        yield pair


@pytest.fixture
def database_url(pair: PostgresPair) -> str:
    """Return the URL that names both servers."""
    migrations.upgrade(pair.url())
    return pair.url()
