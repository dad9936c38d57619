"""Databases that tests share: the guarantees for each test."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from tests.support.kept import KeptDatabase
from tests.support.postgres import libpq

SIGN_UP = (
    "INSERT INTO users (email, password_hash, role, disabled, created_at) "
    "VALUES ('ann@example.com', '', 'USER', false, 0) RETURNING id"
)


@pytest.fixture
def kept(postgres_server_url: str) -> Iterator[KeptDatabase]:
    """Return a kept database for this test only."""
    with closing(KeptDatabase(postgres_server_url)) as database:
        yield database


def ask(url: str, statement: str) -> object:
    """Return the single value of a statement, which is committed."""
    with psycopg.connect(libpq(url)) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


def test_nothing_of_the_test_before_is_left(kept: KeptDatabase) -> None:
    """The next test gets the same database without rows and with ids from the start."""
    url = kept.emptied()
    assert ask(url, SIGN_UP) == 1
    assert kept.emptied() == url
    assert ask(url, SIGN_UP) == 1


def test_who_was_connected_is_so_no_more(kept: KeptDatabase) -> None:
    """A connection left open by a failed test is closed, and its transaction blocks nothing."""
    with psycopg.connect(libpq(kept.emptied())) as left:
        left.execute(SIGN_UP)
        kept.emptied()
        with pytest.raises(psycopg.OperationalError):
            left.execute("SELECT 1")


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE more ()",
        "DROP TABLE outbox",
        "ALTER TABLE users DROP COLUMN disabled",
        "DROP INDEX uq_orders_topic_seq",
        "ALTER TABLE orders DROP CONSTRAINT ck_orders_qty",
        "ALTER TABLE users ALTER COLUMN email DROP NOT NULL",
    ],
)
def test_a_changed_schema_is_not_handed_on(kept: KeptDatabase, change: str) -> None:
    """After a change of the schema the next test gets another database."""
    url = kept.emptied()
    with psycopg.connect(libpq(url)) as connection:
        connection.execute(change)
    other = kept.emptied()
    assert other != url
    assert ask(other, SIGN_UP) == 1
