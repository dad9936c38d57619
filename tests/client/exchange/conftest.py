"""The client library on a whole exchange, over a connection that is cut."""

from tests.support.cutter import cutter
from tests.support.http_exchange import database_url, exchange, settings

__all__ = ["cutter", "database_url", "exchange", "settings"]
