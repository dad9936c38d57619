"""The schema's history as Alembic migrations, and the few things asked of it.

A migration is written by hand and never changed once released; a test holds the sum of them equal
to the tables.
"""

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from predmarket.server.storage.database import sync_engine

_LOCK = 7_264_153
"""An arbitrary number: two processes that upgrade one PostgreSQL take turns under it."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "predmarket.server.storage:migrations")
    # Without it, Alembic warns that the default way to split a list of paths is old.
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """Return the newest revision that this program knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None  # there are migrations
    return revision


def current(url: str) -> str | None:
    """Return the revision of a database; None for an empty one."""
    engine = sync_engine(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def upgrade(url: str) -> None:
    """Bring a database to the newest revision, in one transaction: all of it or nothing."""
    engine = sync_engine(url)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
