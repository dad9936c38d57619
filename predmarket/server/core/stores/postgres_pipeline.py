"""Prepared statements of a PostgreSQL connection, awaited on the event loop.

With a hundred parameters the Python layer of psycopg's connections costs several times as much as
libpq. A thread would take the interpreter lock from the event loop. So the two statements of the
hot path use libpq, which psycopg exposes, and wait for its socket.

Several statements may be in flight. The server executes them one after the other, each in its own
transaction, and continues by itself (libpq's pipeline mode).

The server keeps a statement's plan, which is made for the sizes that the tables have then. So a
statement is prepared anew after its 10th run, its 100th, and so on: the tables have grown.

Invariant: after a cancellation, or an error that the server did not report, the connection is
unusable, and its owner closes it.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

from predmarket.server.core.stores.rows import StoredRow

Parameter: TypeAlias = bytes | str | int
"""A statement's parameter: text and integers are sent as text, bytes unchanged."""


_MAX_STATEMENTS = 64
_PLAN_AGAIN = 10
"""A statement is prepared anew after so many runs, then after as many times more."""
_LOOK_S = 0.25
"""Seconds between checks of a silent connection. uvloop drops the reader of a reset socket without
notice, so nothing else would report the end of the connection."""
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
class _Prepared:
    """A prepared statement: its name, its runs, and how many of them its plan is for."""

    name: bytes
    runs: int = 0
    planned_for: int = _PLAN_AGAIN


@dataclass(slots=True, eq=False)
class _Sent:
    """A statement in flight. ``arrived`` is None when nobody waits for it."""

    arrived: "asyncio.Future[PGresult] | None"
    result: PGresult | None = None

    def end(self, error: Exception | None = None) -> None:
        """Hand the result or the error to the caller, if it still waits."""
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

    def __init__(self, connection: psycopg.Connection[StoredRow]) -> None:
        self._libpq = connection.pgconn
        self._prepared: dict[str, _Prepared] = {}
        self._last_name = 0
        self._sent: deque[_Sent] = deque()
        self._socket = connection.pgconn.socket  # libpq forgets it when the connection is lost
        self._watch: asyncio.TimerHandle

    async def run(self, sql: str, parameters: Parameters) -> list[tuple[str | None, ...]]:
        """Run a statement, its parameters spelled $1, $2 …, and return its rows as text.

        The statement is sent before this method first waits. Outside a transaction the statement is
        one by itself, and committed when this returns. Raises psycopg.Error; after a lost
        connection it is unknown whether the statement was committed.
        """
        arrived: asyncio.Future[PGresult] = asyncio.get_running_loop().create_future()
        if not self._sent:
            self._attach()
        try:
            prepared = self._prepared.get(sql) or self._prepare(sql)
            if prepared.runs == prepared.planned_for:
                self._plan_again(sql, prepared)
            prepared.runs += 1
            self._libpq.send_query_prepared(prepared.name, parameters.values, parameters.formats)
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

    def _prepare(self, sql: str) -> _Prepared:
        if len(self._prepared) >= _MAX_STATEMENTS:
            self._libpq.send_query_params(b"DEALLOCATE ALL", None)
            self._send(None)
            self._prepared.clear()
        prepared = self._prepared[sql] = _Prepared(self._named(sql))
        return prepared

    def _plan_again(self, sql: str, prepared: _Prepared) -> None:
        """Prepare a statement under another name; the next run plans it."""
        self._libpq.send_query_params(b"DEALLOCATE " + prepared.name, None)
        self._send(None)
        prepared.name = self._named(sql)
        prepared.planned_for *= _PLAN_AGAIN

    def _named(self, sql: str) -> bytes:
        self._last_name += 1
        name = b"loop_%d" % self._last_name
        self._libpq.send_prepare(name, sql.encode())
        self._send(None)
        return name

    def _send(self, arrived: "asyncio.Future[PGresult] | None") -> None:
        """Send a statement with its end, which makes it a transaction of its own."""
        self._libpq.pipeline_sync()
        self._sent.append(_Sent(arrived))
        if self._libpq.flush():
            asyncio.get_running_loop().add_writer(self._socket, self._write)

    def _attach(self) -> None:
        """Read from the server as long as a statement is in flight."""
        if self._libpq.status == ConnStatus.BAD:  # another connection may have its descriptor now
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
        """Take the next item: a result, the end of results, or the end of the statement."""
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
