"""Prepared statements of a PostgreSQL connection, awaited on the event loop.

psycopg's own connections go through a layer of Python that costs, at a hundred parameters, several
times what libpq does; and a thread beside the loop would take the interpreter lock from it. So the
two statements of the hot path speak to libpq, which psycopg hands out, and wait for its socket.

Invariant: one statement at a time. After an error other than one the server reported, or a
cancellation, the connection is worth nothing any more and is closed by its owner.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

Parameter: TypeAlias = bytes | str | int
"""Text and integers travel as text, bytes as they are."""


_MAX_STATEMENTS = 64
_LOOK_S = 0.25
"""How often a connection is looked at that says nothing: uvloop drops the reader of a socket that
was reset, without a word, so its end would never be heard of."""
_GOOD = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


class Parameters(NamedTuple):
    """A statement's parameters as libpq takes them."""

    values: list[bytes | None]
    formats: list[int]


def encoded(parameters: Iterable[Parameter]) -> Parameters:
    """Return parameters as libpq takes them. Raises UnicodeError."""
    values: list[bytes | None] = []
    formats = []
    for value in parameters:
        binary = isinstance(value, bytes)
        values.append(value if isinstance(value, bytes) else str(value).encode())
        formats.append(int(binary))
    return Parameters(values, formats)


class PreparedStatements:
    """The statements of one connection. All calls from the loop's thread."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._libpq = connection.pgconn
        self._names: dict[str, bytes] = {}
        self._watch: asyncio.TimerHandle

    async def run(self, sql: str, parameters: Parameters) -> list[tuple[str | None, ...]]:
        """Run a statement, its parameters spelled $1, $2 …, and return its rows as text.

        Outside a transaction it is one of its own, committed when this returns. Raises
        psycopg.Error; whether it was committed is unknown when the connection was lost.
        """
        name = self._names.get(sql) or await self._prepare(sql)
        self._libpq.send_query_prepared(name, parameters.values, parameters.formats)
        result = await self._result()
        return [
            tuple([_text(result.get_value(row, column)) for column in range(result.nfields)])
            for row in range(result.ntuples)
        ]

    async def _prepare(self, sql: str) -> bytes:
        if len(self._names) >= _MAX_STATEMENTS:
            self._libpq.send_query(b"DEALLOCATE ALL")
            await self._result()
            self._names.clear()
        name = b"loop_%d" % len(self._names)
        self._libpq.send_prepare(name, sql.encode())
        await self._result()
        self._names[sql] = name
        return name

    async def _result(self) -> PGresult:
        """Send what is not sent yet and wait for the one result of a statement."""
        loop = asyncio.get_running_loop()
        socket = self._libpq.socket
        arrived: asyncio.Future[None] = loop.create_future()
        loop.add_reader(socket, self._read, arrived)
        self._look_later(arrived)
        try:
            if self._libpq.flush():
                loop.add_writer(socket, self._write, arrived)
            await arrived
        finally:
            self._watch.cancel()
            loop.remove_reader(socket)
            loop.remove_writer(socket)
        last = result = self._libpq.get_result()
        while last is not None:
            last = self._libpq.get_result()
        assert result is not None
        if result.status not in _GOOD:
            raise error_from_result(result)
        return result

    def _read(self, arrived: "asyncio.Future[None]") -> None:
        try:
            self._libpq.consume_input()
            if not (self._libpq.is_busy() or arrived.done()):
                arrived.set_result(None)
        except psycopg.Error as error:
            if not arrived.done():
                arrived.set_exception(error)

    def _look_later(self, arrived: "asyncio.Future[None]") -> None:
        self._watch = asyncio.get_running_loop().call_later(_LOOK_S, self._look, arrived)

    def _look(self, arrived: "asyncio.Future[None]") -> None:
        self._read(arrived)
        if not arrived.done():
            self._look_later(arrived)

    def _write(self, arrived: "asyncio.Future[None]") -> None:
        try:
            if not self._libpq.flush():
                asyncio.get_running_loop().remove_writer(self._libpq.socket)
        except psycopg.Error as error:
            if not arrived.done():
                arrived.set_exception(error)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()
