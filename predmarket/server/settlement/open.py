"""The store and the lead that belong to a database's URL: the one place that knows the dialects."""

from sqlalchemy.engine import make_url

from predmarket.server.settlement.leadership import (
    FileLeadership,
    Leadership,
    LeaseLeadership,
)
from predmarket.server.settlement.postgres_store import PostgresStore
from predmarket.server.settlement.sqlite_store import SqliteStore
from predmarket.server.settlement.store import Store


def open_store(url: str) -> Store:
    """Return the store for an SQLAlchemy URL; it connects when it is told to."""
    path = _sqlite_path(url)
    return PostgresStore(url) if path is None else SqliteStore(path)


def leadership(url: str, wait_s: float) -> Leadership:
    """Return the lead over a database; ``wait_s`` is how long to wait for another's to end."""
    path = _sqlite_path(url)
    return LeaseLeadership(url, wait_s) if path is None else FileLeadership(path, wait_s)


def _sqlite_path(url: str) -> str | None:
    parsed = make_url(url)
    return parsed.database if parsed.get_backend_name() == "sqlite" else None
