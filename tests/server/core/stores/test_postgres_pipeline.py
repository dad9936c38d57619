"""Statements under way on one connection: in order, each for itself, and nobody waits for ever."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from predmarket.server.core.stores.postgres_pipeline import PreparedStatements, encoded
from predmarket.server.storage.database_url import libpq_url

SLEEP, ADD, DIVIDE = "SELECT pg_sleep($1::float8)", "SELECT $1::bigint + 1", "SELECT 1 / $1::bigint"


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[psycopg.Connection[Any]]:
    """A connection for one test."""
    connection = psycopg.connect(libpq_url(postgres_url), autocommit=True)
    yield connection
    connection.close()


async def test_several_are_answered_each_for_itself(connection: psycopg.Connection[Any]) -> None:
    """One that fails is a transaction of its own: those around it are not its concern."""
    statements = PreparedStatements(connection)
    for _ in range(2):  # prepared by the second time
        done = await asyncio.gather(
            statements.run(ADD, encoded([1])),
            statements.run(DIVIDE, encoded([0])),
            statements.run(ADD, encoded([2])),
            return_exceptions=True,
        )
        assert done[0] == [("2",)]
        assert isinstance(done[1], psycopg.errors.DivisionByZero)
        assert done[2] == [("3",)]
    assert connection.execute("SELECT 1").fetchall() == [(1,)]  # and is free for others again


async def test_more_statements_than_are_kept(connection: psycopg.Connection[Any]) -> None:
    """The oldest are forgotten, also while others are under way."""
    statements = PreparedStatements(connection)
    sums = [f"SELECT $1::bigint + {number}" for number in range(150)]
    done = await asyncio.gather(*(statements.run(sql, encoded([1])) for sql in sums))
    assert done == [[(str(number + 1),)] for number in range(150)]


async def test_a_lost_connection_ends_all_of_them(
    connection: psycopg.Connection[Any], postgres_url: str
) -> None:
    """And whoever comes later hears of it at once."""
    statements = PreparedStatements(connection)
    waiting = [asyncio.create_task(statements.run(SLEEP, encoded(["30"]))) for _ in range(2)]
    await asyncio.sleep(0.1)
    with psycopg.connect(libpq_url(postgres_url), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
    async with asyncio.timeout(60):
        done = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(error, psycopg.OperationalError) for error in done)
    with pytest.raises(psycopg.OperationalError):
        await statements.run(ADD, encoded([1]))


async def test_one_that_cannot_be_sent_ends_those_before_it(
    connection: psycopg.Connection[Any],
) -> None:
    """The connection is worth nothing any more: nobody is left waiting on it."""
    lost = False

    class Losing:
        """Libpq, until the connection is lost."""

        def __getattr__(self, name: str) -> object:
            return getattr(connection.pgconn, name)

        def send_prepare(self, name: bytes, sql: bytes) -> None:
            if lost:
                raise psycopg.OperationalError("no connection")
            connection.pgconn.send_prepare(name, sql)

    statements = PreparedStatements(SimpleNamespace(pgconn=Losing()))  # type: ignore[arg-type]
    first = asyncio.create_task(statements.run(SLEEP, encoded(["30"])))
    await asyncio.sleep(0.1)
    lost = True
    with pytest.raises(psycopg.OperationalError, match="no connection"):
        await statements.run(ADD, encoded([1]))
    async with asyncio.timeout(60):
        with pytest.raises(psycopg.OperationalError):
            await first


async def test_one_that_is_given_up_ends_those_behind_it(
    connection: psycopg.Connection[Any],
) -> None:
    """Whoever cancels it has no use for the connection."""
    statements = PreparedStatements(connection)
    first = asyncio.create_task(statements.run(SLEEP, encoded(["30"])))
    second = asyncio.create_task(statements.run(ADD, encoded([1])))
    await asyncio.sleep(0.1)
    first.cancel()
    async with asyncio.timeout(60):
        with pytest.raises(psycopg.OperationalError):
            await second
