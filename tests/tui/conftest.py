"""A whole exchange for the screens that trade on one."""

import pytest

from tests.server.gateway.conftest import Exchange, exchange, settings

__all__ = ["Exchange", "exchange", "settings"]


@pytest.fixture
def database_url(migrated_sqlite_url: str) -> str:
    """One kind of database: the screen never meets it."""
    return migrated_sqlite_url
