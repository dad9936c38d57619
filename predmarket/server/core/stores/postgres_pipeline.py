"""Prepared statements of a PostgreSQL connection, awaited on the event loop.

psycopg's own connections go through a layer of Python that costs, at a hundred parameters, several
times what libpq does; and a thread beside the loop would take the interpreter lock from it. So the
two statements of the hot path speak to libpq, which psycopg hands out, and wait for its socket.

Several may be under way: they are carried out one after the other, each in a transaction of its
own, and the server goes on to the next by itself (libpq's pipeline mode).

Invariant: after an error other than one the server reported, or a cancellation, the connection is
worth nothing any more and is closed by its owner.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
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


@dataclass(slots=True, eq=False)
class _Sent:
    """A statement sent and not answered yet. ``arrived`` is None when nobody waits for it."""

    arrived: "asyncio.Future[PGresult] | None"
    result: PGresult | None = None

    def end(self, error: Exception | None = None) -> None:
        """Give what the server answered, or why it did not, if anybody still waits."""
        if self.arrived is None or self.arrived.done():
            return
        if error is None and self.result is not None and self.result.status not in _GOOD:
            error = error_from_result(self.result)
        if error is not None:
            self.arrived.set_exception(error)
        else:
            assert self.result is not None  # every statement has one
            self.arrived.set_result(self.result)


class PreparedStatements:
    """The statements of one connection. All calls from the loop's thread."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._libpq = connection.pgconn
        self._names: dict[str, bytes] = {}
        self._sent: deque[_Sent] = deque()
        self._socket = connection.pgconn.socket  # libpq does not know it any more once it is lost
        self._watch: asyncio.TimerHandle

    async def run(self, sql: str, parameters: Parameters) -> list[tuple[str | None, ...]]:
        """Run a statement, its parameters spelled $1, $2 …, and return its rows as text.

        It is on its way before this first waits. Outside a transaction it is one of its own,
        committed when this returns. Raises psycopg.Error; whether it was committed is unknown when
        the connection was lost.
        """
        arrived: asyncio.Future[PGresult] = asyncio.get_running_loop().create_future()
        if not self._sent:
            self._attach()
        try:
            name = self._names.get(sql) or self._prepare(sql)
            self._libpq.send_query_prepared(name, parameters.values, parameters.formats)
            self._send(arrived)
            result = await arrived
        except BaseException:
            if not arrived.done() or arrived.cancelled():
                self._fail(psycopg.OperationalError("the connection was given up"))
            raise
        return [
            tuple([_text(result.get_value(row, column)) for column in range(result.nfields)])
            for row in range(result.ntuples)
        ]

    def _prepare(self, sql: str) -> bytes:
        if len(self._names) >= _MAX_STATEMENTS:
            self._libpq.send_query_params(b"DEALLOCATE ALL", None)
            self._send(None)
            self._names.clear()
        name = b"loop_%d" % len(self._names)
        self._libpq.send_prepare(name, sql.encode())
        self._send(None)
        self._names[sql] = name
        return name

    def _send(self, arrived: "asyncio.Future[PGresult] | None") -> None:
        """End a statement, so that it is a transaction of its own, and send it."""
        self._libpq.pipeline_sync()
        self._sent.append(_Sent(arrived))
        if self._libpq.flush():
            asyncio.get_running_loop().add_writer(self._socket, self._write)

    def _attach(self) -> None:
        """Listen to the server for as long as it has something to answer."""
        if self._libpq.status == ConnStatus.BAD:  # its socket may be somebody else's by now
            raise psycopg.OperationalError("the connection is lost")
        self._libpq.enter_pipeline_mode()
        asyncio.get_running_loop().add_reader(self._socket, self._read)
        self._look_later()

    def _detach(self) -> None:
        self._watch.cancel()
        self._sent.clear()
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket)
        loop.remove_writer(self._socket)

    def _fail(self, error: psycopg.Error) -> None:
        sent = [*self._sent]
        self._detach()
        for one in sent:
            one.end(error)

    def _read(self) -> None:
        try:
            self._libpq.consume_input()
            while self._sent and not self._libpq.is_busy():
                self._take(self._libpq.get_result())
            if not self._sent:
                self._detach()
                self._libpq.exit_pipeline_mode()
        except psycopg.Error as error:
            self._fail(error)

    def _take(self, result: PGresult | None) -> None:
        """Take what comes: a result, the end of results, the end of the statement."""
        if result is None:
            if self._libpq.status == ConnStatus.BAD:
                raise psycopg.OperationalError("the connection was lost")
            return
        if result.status == ExecStatus.PIPELINE_SYNC:
            self._sent.popleft().end()
        else:
            self._sent[0].result = result

    def _look_later(self) -> None:
        self._watch = asyncio.get_running_loop().call_later(_LOOK_S, self._look)

    def _look(self) -> None:
        self._look_later()
        self._read()

    def _write(self) -> None:
        try:
            if not self._libpq.flush():
                asyncio.get_running_loop().remove_writer(self._socket)
        except psycopg.Error as error:
            self._fail(error)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()
