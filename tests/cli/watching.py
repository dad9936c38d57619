"""A command that runs on, seen from outside: its lines in a pipe, or its terminal screen."""

import asyncio
import fcntl
import os
import pty
import signal
import struct
import termios
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import psutil
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from tests.support.forked import Forked, command
from tests.support.forked import piped as start_piped
from tests.support.scripted_exchange import PATIENCE_S, ScriptedExchange

_POLL_S = 0.005


class WatchedExchange(ScriptedExchange):
    """A scripted exchange that answers REST calls too: ``answers`` by path, without the query."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, object] = {}

    def greet(self, socket: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == "/realtime":
            return super().greet(socket, request)
        body = msgspec.json.encode(self.answers[path])
        headers = Headers({"Content-Length": str(len(body)), "Connection": "close"})
        return Response(200, "OK", headers, body)


class Piped:
    """A command whose output is read line by line."""

    def __init__(
        self,
        process: Forked,
        readers: Sequence[asyncio.StreamReader],
        transports: Sequence[asyncio.ReadTransport],
    ) -> None:
        self.process = process
        self.stdout, self.stderr = readers
        self._transports = transports

    async def line(self) -> Any:  # noqa: ANN401  whatever the JSON is
        """Return the next line of stdout as JSON."""
        return msgspec.json.decode(await self.text())

    async def text(self) -> str:
        """Return the next line of stdout."""
        return await _line(self.stdout)

    async def said(self) -> str:
        """Return the next line of stderr."""
        return await _line(self.stderr)

    async def ended(self) -> tuple[int, str]:
        """Wait for its end; return its exit code and the rest of stderr."""
        async with asyncio.timeout(PATIENCE_S):
            # read to the end: the process cannot end while a pipe is full
            err, _ = await asyncio.gather(self.stderr.read(), self.stdout.read())
            return await _code(self.process), err.decode()

    def stop_reading(self) -> None:
        """Close the pipe of its stdout."""
        self._transports[0].close()

    def interrupt(self) -> None:
        """Send what Ctrl-C sends."""
        self.process.send_signal(signal.SIGINT)


async def _code(process: Forked) -> int:
    """Wait for the end of a process; return its exit code."""
    while (code := process.poll()) is None:
        await asyncio.sleep(_POLL_S)
    return code


async def _line(stream: asyncio.StreamReader) -> str:
    async with asyncio.timeout(PATIENCE_S):
        return (await stream.readline()).decode().removesuffix("\n")


@asynccontextmanager
async def piped(*words: str) -> AsyncIterator[Piped]:
    """Start a command with pipes."""
    loop = asyncio.get_running_loop()
    process, *ends = start_piped(words, os.environ)
    readers, transports = [], []
    for end in ends:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_read_pipe(lambda p=protocol: p, os.fdopen(end, "rb", 0))  # type: ignore[misc]
        readers.append(reader)
        transports.append(transport)
    try:
        yield Piped(process, readers, transports)
    finally:
        process.kill()
        process.wait()
        for transport in transports:
            transport.close()


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, process: Forked, master: int) -> None:
        self.process = process
        self.seen = ""
        self._master = master
        self._more = asyncio.Event()
        asyncio.get_running_loop().add_reader(master, self._read)

    def _read(self) -> None:
        data = b""
        with suppress(OSError):  # the command has ended
            data = os.read(self._master, 65_536)
        if not data:
            self.close()
        self.seen += data.decode()
        self._more.set()

    async def shows(self, text: str, after: int = 0) -> int:
        """Wait until ``text`` was written after ``after``; return the position of its end."""
        async with asyncio.timeout(PATIENCE_S):
            while text not in self.seen[after:]:
                self._more.clear()
                await self._more.wait()
        return self.seen.index(text, after) + len(text)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    async def interrupt(self) -> None:
        """Press Ctrl-C once the command sleeps; a signal just before a read does not end it."""
        process = psutil.Process(self.process.pid)
        async with asyncio.timeout(PATIENCE_S):
            while process.status() != psutil.STATUS_SLEEPING:
                await asyncio.sleep(_POLL_S)
        self.type("\x03")

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size."""
        _size(self._master, columns, rows)

    async def ended(self) -> int:
        """Wait for its end; return its exit code."""
        async with asyncio.timeout(PATIENCE_S):
            return await _code(self.process)

    def close(self) -> None:
        """Stop reading."""
        asyncio.get_running_loop().remove_reader(self._master)


@asynccontextmanager
async def terminal(*words: str, columns: int = 80, rows: int = 24) -> AsyncIterator[Terminal]:
    """Start a command on a terminal."""
    master, slave = pty.openpty()
    _size(slave, columns, rows)
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = command(words, environment, (slave, slave, slave), terminal=True)
    shown = Terminal(process, master)
    try:
        yield shown
    finally:
        process.kill()
        process.wait()
        shown.close()
        os.close(slave)
        os.close(master)


def _size(handle: int, columns: int, rows: int) -> None:
    fcntl.ioctl(handle, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
