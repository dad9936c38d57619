"""HTTP as bytes: a socket that sends exactly the bytes of a test."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from predmarket.server.gateway.protocol import connection, server, slow_client
from predmarket.server.gateway.protocol.order_fast_path import Cycle, OrderFastPath
from tests.support.http_exchange import Exchange

GET = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def database_url(migrated_sqlite_url: str) -> str:
    """The URL of an SQLite database: connections do not depend on the kind."""
    return migrated_sqlite_url


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the time limits of connections to a fraction of a second."""
    monkeypatch.setattr(server, "TICKS_A_SECOND", 1)
    monkeypatch.setattr(slow_client, "READ_SECONDS", 0.3)
    for bound in ("HEAD_SECONDS", "BODY_SECONDS"):
        monkeypatch.setattr(connection, bound, 0.3)


class Socket:
    """A client that sends any bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send bytes, even if the exchange has closed the connection."""
        self._writer.write(data)
        await asyncio.sleep(0)

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """Return the next reply: status, headers, body."""
        async with asyncio.timeout(60):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.rstrip().split("\r\n")
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
            body = await self._reader.readexactly(int(headers["content-length"]))
        return int(first.split()[1]), headers, json.loads(body)

    async def line(self) -> bytes:
        """Return the next line."""
        return await self._reader.readline()

    async def refusal(self) -> tuple[int, str]:
        """Return status and code of an error reply, which has to be the connection's last."""
        status, headers, body = await self.answer()
        assert body["requestId"] == headers["x-request-id"]
        assert headers["connection"] == "close"
        assert headers["x-content-type-options"] == "nosniff"
        assert await self.closed()
        return status, body["error"]["code"]

    async def closed(self) -> bool:
        """Wait for the end of the connection; tell whether no bytes came before it."""
        async with asyncio.timeout(60):
            try:
                return await self._reader.read() == b""
            except ConnectionError:
                return True

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


@asynccontextmanager
async def connected(url: str, read_ahead: int = 1 << 16) -> AsyncIterator[Socket]:
    """Connect to an exchange."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=read_ahead)
    socket = Socket(reader, writer)
    try:
        yield socket
    finally:
        socket.close()


ORDER = {"marketId": "rain", "side": "BUY", "type": "LIMIT", "price": "0.5", "qty": "1"}


def note_fast_path(known: asyncio.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the event once the fast path takes in the head of an order."""
    concerns = OrderFastPath.concerns

    def concerns_and_note(fast_path: OrderFastPath, cycle: Cycle) -> bool:
        found = concerns(fast_path, cycle)
        if found:
            known.set()
        return found

    monkeypatch.setattr(OrderFastPath, "concerns", concerns_and_note)


def unfinished(path: str, body: bytes, *lines: str) -> bytes:
    """Return a POST without the last byte of its body."""
    head = [f"POST {path} HTTP/1.1", "host: x", f"content-length: {len(body)}", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body[:-1]


def request(token: str, body: bytes | None = None, *lines: str, path: str = "/v1/orders") -> bytes:
    """Return the bytes of a request; by default its headers have the body's length."""
    body = json.dumps(ORDER).encode() if body is None else body
    head = [f"POST {path} HTTP/1.1", "host: x", f"authorization: Bearer {token}"]
    head += lines or [f"content-length: {len(body)}"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def token_of(exchange: Exchange, name: str = "ann") -> str:
    """Return the used token of a user with money."""
    user = await exchange.trader(name)
    await user.client.get("/v1/auth/me")
    token: str = user.session["accessToken"]
    return token
