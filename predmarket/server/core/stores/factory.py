"""Makes the store and the leadership for a database URL. No other module knows the dialects.

PostgreSQL's driver is imported only where it is used: the import is a tenth of an embedded start.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from predmarket.server.core.leadership import FileLeadership, Leadership
from predmarket.server.core.stores.base import Store
from predmarket.server.core.stores.sqlite import SqliteStore
from predmarket.server.storage.database_url import is_sqlite, normal_url


def open_store(url: str) -> Store:
    """Return the store for an SQLAlchemy URL, not connected yet."""
    path = _sqlite_path(url)
    if path is not None:
        return SqliteStore(path)
    from predmarket.server.core.stores.postgres import PostgresStore

    return PostgresStore(url)


@contextmanager
def open_snapshot(url: str) -> Iterator[Store]:
    """Open a store for reading whole tables, all as of one state, and close it.

    Raises StoreError.
    """
    store = open_store(url)
    store.connect()
    try:
        store.begin_snapshot()
        store.plan_for_whole_tables()
        yield store
    finally:
        store.close()


def leadership(url: str, wait_s: float) -> Leadership:
    """Return the leadership of a database; ``wait_s`` bounds the wait for another leader's end."""
    path = _sqlite_path(url)
    if path is not None:
        return FileLeadership(path, wait_s)
    from predmarket.server.core.stores.lease import LeaseLeadership

    return LeaseLeadership(url, wait_s)


def _sqlite_path(url: str) -> str | None:
    parsed = normal_url(url)
    return parsed.database if is_sqlite(parsed) else None
