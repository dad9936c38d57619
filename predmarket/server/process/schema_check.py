"""Checks that a database's schema fits this version, and decides who may change it."""

from collections.abc import Callable
from functools import partial

from predmarket.server.settings import Settings
from predmarket.server.storage import migrations, sqlite_file


def require_ours(settings: Settings, *, whole: bool = False) -> None:
    """Refuse a damaged or foreign embedded database. Raises NotOurs, Damaged."""
    if settings.embedded is not None:
        sqlite_file.require_ours(settings.embedded, whole=whole)


class SchemaBehind(Exception):
    """A shared database needs ``db upgrade`` first; the message names both revisions."""


def schema_upgrade(settings: Settings) -> Callable[[], None] | None:
    """Return the upgrade of an embedded database, to be called once its lead is held.

    A shared database is never changed here: the function returns None, or raises SchemaBehind or
    SchemaAhead if the schema does not fit. Raises NotOurs, Damaged.
    """
    if settings.embedded is not None:
        require_ours(settings)
        return partial(migrations.upgrade, settings.database)
    require_schema(settings)
    return None


def require_schema(settings: Settings) -> None:
    """Raise SchemaBehind or SchemaAhead unless the schema fits this version."""
    require_ours(settings)
    current, head = migrations.current(settings.database), migrations.head()
    migrations.require_known(current)
    if current != head:
        raise SchemaBehind(
            f"the database is at revision {current or 'none'}, this version needs {head}: "
            "run predmarket db upgrade"
        )
