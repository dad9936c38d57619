"""Fixtures that several parts share: real servers, and databases of either kind.

A server starts when the first test of a process asks for it; pytest-xdist's workers have one each.
PREDMARKET_TEST_DATABASE_URL and PREDMARKET_TEST_REDIS_URL point at others instead. Their user must
be allowed to create databases; the Redis databases in use are emptied.
"""

import contextlib
import gc
import os
import shutil
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings
from sqlalchemy import make_url

from predmarket.server.storage import migrations
from tests.support.garbage import search_only_what_comes
from tests.support.kept import KeptDatabase
from tests.support.postgres import PostgresServer, fresh_database
from tests.support.redis import RedisServer

# No deadline: a shared machine has slow examples. The blob repeats a failure anywhere.
settings.register_profile("predmarket", deadline=None, print_blob=True)
settings.load_profile("predmarket")

REDIS_DATABASES = 16


def pytest_configure() -> None:
    """Restore SIGINT, which a shell ignores for background processes.

    Programs that tests interrupt inherit it and would not end.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Disable garbage collection during imports, which create almost no garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Collect garbage less often, and skip imported objects: it took a seventh of the time."""
    search_only_what_comes()
    gc.set_threshold(20_000)


@pytest.fixture(scope="session")
def postgres_server_url() -> Iterator[str]:
    """The SQLAlchemy URL of a PostgreSQL on which tests may create databases."""
    if given := os.environ.get("PREDMARKET_TEST_DATABASE_URL"):
        yield given
    else:
        with PostgresServer() as server:
            yield server.url()


@pytest.fixture
def postgres_url(postgres_server_url: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database, of this test alone."""
    with fresh_database(postgres_server_url) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite database that does not exist yet, of this test alone."""
    return f"sqlite:///{tmp_path / 'predmarket.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database: the test runs once on each kind."""
    url = request.getfixturevalue(f"{request.param}_url")
    assert isinstance(url, str)
    return url


@pytest.fixture
def more_settings() -> dict[str, str]:
    """Additional settings of a folder's exchanges (support/http_exchange.py)."""
    return {}


@pytest.fixture(scope="session")
def kept_postgres(postgres_server_url: str) -> Iterator[KeptDatabase]:
    """A PostgreSQL database that tests share one after the other."""
    with contextlib.closing(KeptDatabase(postgres_server_url)) as kept:
        yield kept


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database at the newest schema, to be copied and never opened."""
    path = tmp_path_factory.mktemp("template") / "predmarket.db"
    migrations.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def migrated_postgres_url(kept_postgres: KeptDatabase) -> str:
    """The URL of a PostgreSQL database with the newest schema and nothing in it."""
    return kept_postgres.emptied()


@pytest.fixture
def migrated_sqlite_url(sqlite_url: str, sqlite_template: Path) -> str:
    """The URL of an SQLite database with the newest schema, of this test alone."""
    shutil.copy(sqlite_template, make_url(sqlite_url).database or "")
    return sqlite_url


@pytest.fixture(params=["sqlite", "postgres"])
def migrated_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database with the newest schema: the test runs once on each kind."""
    url = request.getfixturevalue(f"migrated_{request.param}_url")
    assert isinstance(url, str)
    return url


@pytest.fixture(scope="session")
def redis_server_url(worker_id: str) -> Iterator[str]:
    """The URL of a Redis database that no other worker uses."""
    if given := os.environ.get("PREDMARKET_TEST_REDIS_URL"):
        number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
        assert number < REDIS_DATABASES, "more workers than Redis has databases"
        # redis-py reads the database from here, not from the path
        yield f"{given.partition('?')[0]}?db={number}"
    else:
        with RedisServer() as server:
            yield server.url()


@pytest.fixture
def redis_url(redis_server_url: str) -> str:
    """The URL of an empty Redis database."""
    with contextlib.closing(redis.Redis.from_url(redis_server_url)) as client:
        client.flushdb()
    return redis_server_url
