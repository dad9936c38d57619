"""The PostgreSQL server that tests get."""

import os
import signal

import psycopg
import pytest
from sqlalchemy import create_engine, text

from tests.support.postgres import PostgresServer, fresh_database, libpq


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_commits_are_durable(postgres_url: str, setting: str) -> None:
    """An acknowledged commit is on the disk."""
    with psycopg.connect(libpq(postgres_url)) as connection:
        row = connection.execute("SELECT current_setting(%s)", (setting,)).fetchone()
    assert row == ("on",)


def test_two_databases_are_separate(postgres_server_url: str) -> None:
    """A test's writes are invisible in another test's database."""
    with fresh_database(postgres_server_url) as one, fresh_database(postgres_server_url) as other:
        with psycopg.connect(libpq(one)) as connection:
            connection.execute("CREATE TABLE t ()")
        with psycopg.connect(libpq(other)) as connection:
            row = connection.execute("SELECT to_regclass('t')").fetchone()
    assert row == (None,)


def test_a_database_is_gone_afterwards(postgres_server_url: str) -> None:
    """A database is dropped even while a connection to it is open."""
    with fresh_database(postgres_server_url) as url:
        connection = psycopg.connect(libpq(url))
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(libpq(url))


def test_either_kind_of_database_answers(database_url: str) -> None:
    """SQLAlchemy opens the URL, and the database is empty."""
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x INTEGER)"))
        connection.execute(text("INSERT INTO t VALUES (1)"))
        assert connection.execute(text("SELECT x FROM t")).scalar_one() == 1
    engine.dispose()


@pytest.mark.skipif(
    "PREDMARKET_TEST_DATABASE_URL" in os.environ, reason="says nothing about a given server"
)
def test_a_crashed_server_starts_again_with_what_was_committed() -> None:
    """A committed row survives an immediate stop and a kill from inside or outside."""
    with PostgresServer() as server:
        dsn = libpq(server.url())
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE TABLE t AS SELECT 1 AS x")
        server.stop("immediate")
        server.start()
        os.kill(server.pid, signal.SIGKILL)
        server.start()
        server.stop("kill")
        server.start()
        with psycopg.connect(dsn) as connection:
            assert connection.execute("SELECT x FROM t").fetchall() == [(1,)]
    assert not server.folder.exists()
