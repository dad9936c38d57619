"""Every table, as SQLAlchemy Core, one schema for SQLite and PostgreSQL.

Times are microseconds since 1970 UTC; prices, quantities and money are integers (units.py).
``metadata`` must describe what the migrations build; a test compares the two.
"""

from predmarket.server.storage.tables import (
    administration,
    core,
    history,
    identity,
    standings,
    trading,
)
from predmarket.server.storage.tables.base import metadata

__all__ = ["administration", "core", "history", "identity", "metadata", "standings", "trading"]
