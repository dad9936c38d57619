"""A whole exchange that also serves Kalshi's trade API."""

import pytest

from tests.support.http_exchange import database_url, exchange, settings

__all__ = ["database_url", "exchange", "settings"]


@pytest.fixture
def more_settings() -> dict[str, str]:
    """Return the settings of an exchange with the Kalshi-shaped API."""
    return {"kalshi": "on"}
