"""The schema's Alembic migrations: revisions, checks, upgrade.

A migration is written by hand and never changed after its release. A test checks that all
migrations together give the tables.
"""

from functools import cache

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from predmarket.server.storage.database import sync_engine

_LOCK = 7_264_153
"""An arbitrary number: two processes that upgrade one PostgreSQL take turns under it."""


class SchemaAhead(Exception):
    """A newer version has upgraded the database. This version could break it."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "predmarket.server.storage:migrations")
    # Without it, Alembic warns that the default way to split a list of paths is old.
    config.set_main_option("path_separator", "os")
    return config


@cache
def _scripts() -> ScriptDirectory:
    """Return the migrations, cached, because reading them takes long."""
    return ScriptDirectory.from_config(_config())


def head() -> str:
    """Return the newest revision that this program knows."""
    revision = _scripts().get_current_head()
    assert revision is not None  # there are migrations
    return revision


def require_known(revision: str | None) -> None:
    """Raise SchemaAhead unless this program knows a database's revision, or it is None."""
    known = {script.revision for script in _scripts().walk_revisions()}
    if revision is not None and revision not in known:
        raise SchemaAhead(
            f"the database is at revision {revision}, which this version does not know: "
            "a newer one has upgraded it; use that, or restore the back-up"
        )


def current(url: str) -> str | None:
    """Return the revision of a database; None for an empty one."""
    engine = sync_engine(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def upgrade(url: str, revision: str = "head") -> None:
    """Bring a database to a revision, by default the newest, in one transaction.

    Raises SchemaAhead.
    """
    engine = sync_engine(url)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            found = MigrationContext.configure(connection).get_current_revision()
            if revision == "head" and found == head():
                return
            require_known(found)
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()
