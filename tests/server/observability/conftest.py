"""A whole exchange on a real socket, in the test's own event loop."""

from tests.support.http_exchange import database_url, exchange, settings

__all__ = ["database_url", "exchange", "settings"]
