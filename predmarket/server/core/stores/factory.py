"""The store and the lead that belong to a database's URL: the one place that knows the dialects.

PostgreSQL's driver is loaded where it is used: to import it is a tenth of an embedded start.
"""

from sqlalchemy.engine import make_url

from predmarket.server.core.leadership import FileLeadership, Leadership
from predmarket.server.core.stores.base import Store
from predmarket.server.core.stores.sqlite import SqliteStore


def open_store(url: str) -> Store:
    """Return the store for an SQLAlchemy URL; it connects when it is told to."""
    path = _sqlite_path(url)
    if path is not None:
        return SqliteStore(path)
    from predmarket.server.core.stores.postgres import PostgresStore

    return PostgresStore(url)


def leadership(url: str, wait_s: float) -> Leadership:
    """Return the lead over a database; ``wait_s`` is how long to wait for another's to end."""
    path = _sqlite_path(url)
    if path is not None:
        return FileLeadership(path, wait_s)
    from predmarket.server.core.stores.lease import LeaseLeadership

    return LeaseLeadership(url, wait_s)


def _sqlite_path(url: str) -> str | None:
    parsed = make_url(url)
    return parsed.database if parsed.get_backend_name() == "sqlite" else None
