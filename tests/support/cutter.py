"""A connection, between a client and the exchange or within it, that is cut on demand or after a
number of bytes.

The cut may be in a handshake, in a frame, or between an order and its acknowledgement.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import pytest

from predmarket.client import Backoff
from tests.support.http_exchange import Exchange


class Cutter:
    """Listens at ``url``, or on the socket ``at``, and forwards all bytes to a URL or a socket.

    The next connection is cut after ``patience`` bytes of both directions, or never if it is None.
    ``cuts`` counts the cuts.
    """

    def __init__(self, target: str, at: Path | None = None) -> None:
        self._target = urlsplit(target)
        self._at = at
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.patience: Callable[[], int] | None = None
        self.cuts = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        if self._at is not None:
            self._server = await asyncio.start_unix_server(self._pass_on, self._at)
        else:
            self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
            self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def cut(self) -> None:
        """Cut every connection now."""
        for writer in self._open:
            writer.transport.abort()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._target.hostname is None:
            return await asyncio.open_unix_connection(self._target.path)
        return await asyncio.open_connection(self._target.hostname, self._target.port)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await self._reach()
        except OSError:  # nobody listens there
            writer.transport.abort()
            return
        wires = {writer, back}
        self._open |= wires
        left = [None if self.patience is None else self.patience()]
        pumps = [
            asyncio.create_task(self._pump(reader, back, left)),
            asyncio.create_task(self._pump(there, writer, left)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        self._open -= wires
        for wire in wires:
            wire.transport.abort()
        for pump in pumps:
            pump.cancel()
        await asyncio.wait(pumps)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, left: list[int | None]
    ) -> None:
        try:
            while data := await source.read(16_384):
                rest = left[0]
                if rest is not None:
                    left[0] = rest - len(data)
                    if rest <= len(data):
                        sink.write(data[:rest])
                        self.cuts += 1
                        return
                sink.write(data)
                await sink.drain()
        except (ConnectionError, OSError):
            pass


AT_ONCE = Backoff(first_s=0.0)


@pytest.fixture
async def cutter(exchange: Exchange) -> AsyncIterator[Cutter]:
    """A connection to the exchange that can be cut."""
    async with Cutter(exchange.url) as wire:
        yield wire
