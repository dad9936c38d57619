"""Whether a database's schema is the one that this version needs, and who may change it."""

from collections.abc import Callable
from functools import partial

from predmarket.server.settings import Settings
from predmarket.server.storage import migrations


class SchemaBehind(Exception):
    """A shared database needs ``db upgrade`` first; the message says from where to where."""


def schema_upgrade(settings: Settings) -> Callable[[], None] | None:
    """Return what brings an embedded database up to date, to be called once its lead is held.

    A shared one is never changed here: None, or SchemaBehind or SchemaAhead when it does not fit.
    """
    if settings.embedded is not None:
        return partial(migrations.upgrade, settings.database)
    require_schema(settings)
    return None


def require_schema(settings: Settings) -> None:
    """Raise SchemaBehind or SchemaAhead unless the schema is the one that this version needs."""
    current, head = migrations.current(settings.database), migrations.head()
    migrations.require_known(current)
    if current != head:
        raise SchemaBehind(
            f"the database is at revision {current or 'none'}, this version needs {head}: "
            "run predmarket db upgrade"
        )
