"""Whether a database's schema is the one that this version needs, and who may change it."""

from collections.abc import Callable
from functools import partial

from predmarket.server.settings import Settings
from predmarket.server.storage import migrations, sqlite_file


def require_ours(settings: Settings, *, whole: bool = False) -> None:
    """Refuse an embedded database that is damaged or another program's. Raises NotOurs, Damaged."""
    if settings.embedded is not None:
        sqlite_file.require_ours(settings.embedded, whole=whole)


class SchemaBehind(Exception):
    """A shared database needs ``db upgrade`` first; the message says from where to where."""


def schema_upgrade(settings: Settings) -> Callable[[], None] | None:
    """Return what brings an embedded database up to date, to be called once its lead is held.

    A shared one is never changed here: None, or SchemaBehind or SchemaAhead when it does not fit.
    Raises NotOurs, Damaged.
    """
    if settings.embedded is not None:
        require_ours(settings)
        return partial(migrations.upgrade, settings.database)
    require_schema(settings)
    return None


def require_schema(settings: Settings) -> None:
    """Raise SchemaBehind or SchemaAhead unless the schema is the one that this version needs."""
    require_ours(settings)
    current, head = migrations.current(settings.database), migrations.head()
    migrations.require_known(current)
    if current != head:
        raise SchemaBehind(
            f"the database is at revision {current or 'none'}, this version needs {head}: "
            "run predmarket db upgrade"
        )
