"""Concurrent statements on one connection run in order and independently; none waits for ever."""

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


async def test_a_failing_statement_affects_no_other(connection: psycopg.Connection[Any]) -> None:
    """A failing statement is a transaction of its own and leaves its neighbours unaffected."""
    statements = PreparedStatements(connection)
    for _ in range(2):  # the statements are prepared in the second round
        done = await asyncio.gather(
            statements.run(ADD, encoded([1])),
            statements.run(DIVIDE, encoded([0])),
            statements.run(ADD, encoded([2])),
            return_exceptions=True,
        )
        assert done[0] == [("2",)]
        assert isinstance(done[1], psycopg.errors.DivisionByZero)
        assert done[2] == [("3",)]
    assert connection.execute("SELECT 1").fetchall() == [(1,)]  # the connection is free again


async def test_more_statements_than_are_kept(connection: psycopg.Connection[Any]) -> None:
    """The oldest prepared statements are evicted, also while other statements run."""
    statements = PreparedStatements(connection)
    sums = [f"SELECT $1::bigint + {number}" for number in range(150)]
    done = await asyncio.gather(*(statements.run(sql, encoded([1])) for sql in sums))
    assert done == [[(str(number + 1),)] for number in range(150)]


async def test_a_lost_connection_fails_all_statements(
    connection: psycopg.Connection[Any], postgres_url: str
) -> None:
    """A lost connection fails all waiting statements at once, and later ones too."""
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


async def test_a_failed_send_fails_earlier_statements(
    connection: psycopg.Connection[Any],
) -> None:
    """A failed send fails the statements before it too: nobody waits on a dead connection."""
    lost = False

    class Losing:
        """A libpq connection that fails once it is lost."""

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


async def test_a_cancelled_statement_fails_later_ones(
    connection: psycopg.Connection[Any],
) -> None:
    """The cancel of a running statement fails those behind it, since it ends the connection."""
    statements = PreparedStatements(connection)
    first = asyncio.create_task(statements.run(SLEEP, encoded(["30"])))
    second = asyncio.create_task(statements.run(ADD, encoded([1])))
    await asyncio.sleep(0.1)
    first.cancel()
    async with asyncio.timeout(60):
        with pytest.raises(psycopg.OperationalError):
            await second


async def test_a_statement_is_planned_again_as_its_tables_grow(
    connection: psycopg.Connection[Any],
) -> None:
    """A plan for empty tables goes through a whole table; a later one looks rows up."""
    connection.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
    connection.execute("CREATE TABLE kept (a bigint, b bigint, PRIMARY KEY (a, b)); ANALYZE kept")
    sql = "SELECT k.a FROM unnest($1::bigint[]) AS k (a) JOIN kept USING (a)"
    statements = PreparedStatements(connection)

    async def run() -> str:
        """Run the statement; return its plan."""
        await statements.run(sql, encoded(["{1}"]))
        named = "SELECT name FROM pg_prepared_statements WHERE statement = %s"
        ((name,),) = connection.execute(named, (sql,), prepare=False).fetchall()
        rows = connection.execute(f"EXPLAIN EXECUTE {name}('{{1}}')", prepare=False).fetchall()
        return "\n".join(row[0] for row in rows)

    assert "Join Filter" in await run()
    connection.execute("INSERT INTO kept SELECT n, n FROM generate_series(1, 5000) AS n")
    plans = [await run() for _ in range(10)]
    assert "Join Filter" in plans[-2]
    assert "Index Cond: (a = k.a)" in plans[-1]
