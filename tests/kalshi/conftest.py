"""A whole exchange that answers Kalshi's trade API, too."""

import pytest

from tests.support.http_exchange import database_url, exchange, settings

__all__ = ["database_url", "exchange", "settings"]


@pytest.fixture
def more_settings() -> dict[str, str]:
    """Settings of an exchange with the Kalshi-shaped API."""
    return {"kalshi": "on"}
