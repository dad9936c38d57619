"""A whole exchange for the screens that trade on one."""

import pytest

from tests.support.http_exchange import exchange, settings

__all__ = ["exchange", "settings"]


@pytest.fixture
def database_url(migrated_sqlite_url: str) -> str:
    """One kind of database: the screen never meets it."""
    return migrated_sqlite_url
