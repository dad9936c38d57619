"""Pipelined requests are bounded, answered in order, and answered at a stop of the server."""

import asyncio
import io
import json
import logging
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest

from predmarket.server.gateway.protocol.coalescing_transport import CoalescingTransport
from predmarket.server.gateway.protocol.connection import Connection
from predmarket.server.gateway.protocol.order_fast_path import OrderFastPath
from predmarket.server.gateway.protocol.pipelining import MAX_PIPELINED, PIECE_BYTES, Backlog
from predmarket.server.gateway.protocol.server import http_config
from predmarket.server.process.runtime import listen
from predmarket.server.settings import Settings
from predmarket.testing.serving import PromptServer
from tests.support.http_exchange import Exchange, Json
from tests.support.log_lines import logged, requests_in
from tests.support.raw_http import ORDER, Socket, connected, request, token_of

GET = b"GET /x HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def database_url(migrated_sqlite_url: str) -> str:
    """Return a SQLite database, because connections do not depend on its kind."""
    return migrated_sqlite_url


class Slow:
    """An application that numbers its answers and waits for a signal."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.count = 0

    async def __call__(self, _scope: object, receive: Any, send: Any) -> None:  # noqa: ANN401
        number, self.count = self.count, self.count + 1
        await receive()
        await self.go.wait()
        body = b"%d" % number
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def slow_server(settings: Settings) -> AsyncIterator[tuple[str, Slow, PromptServer]]:
    """Serve the slow application."""
    app = Slow()
    server = PromptServer(http_config(app))
    with listen(settings) as listener:
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.001)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", app, server
        app.go.set()
        server.end()
        await task


async def newest(server: PromptServer) -> Connection:
    """Return the only connection, once it has paused reading."""
    async with asyncio.timeout(60):
        while True:
            for connection in server.server_state.connections:
                assert isinstance(connection, Connection)
                if connection.reading_paused:
                    return connection
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_waiting_requests_are_bounded(settings: Settings, size: int) -> None:
    """Beyond the bound of waiting requests nothing is read; all are answered, in order."""
    many = 1_000
    async with slow_server(settings) as (url, app, server), connected(url) as client:
        flood = GET * many
        for start in range(0, len(flood), size * 4096):
            await client.send(flood[start : start + size * 4096])
        connection = await newest(server)
        assert len(connection.pipeline) == MAX_PIPELINED
        assert app.count == 1
        app.go.set()
        answers = [(await client.answer())[2] for _ in range(many)]
    assert answers == list(range(many))
    assert not connection.pipeline


def test_a_piece_ends_one_head_at_most() -> None:
    """Each piece from the backlog ends at most one head, however the bytes arrive.

    None are lost.
    """
    sent = GET * 50 + b"x" * 9_000 + GET
    for size in (1, 3, 26, 27, 28, 100, 5_000, len(sent)):
        backlog, pieces = Backlog(), []
        for start in range(0, len(sent), size):
            backlog.add(sent[start : start + size])
            while backlog:
                pieces.append(backlog.take())
        assert b"".join(pieces) == sent
        ends, whole = [0], b""
        for piece in pieces:
            assert 0 < len(piece) <= PIECE_BYTES
            whole += piece
            ends.append(whole.count(b"\r\n\r\n"))
        assert max(after - before for before, after in pairwise(ends)) == 1


async def test_requests_for_other_protocols_are_plain_requests(
    exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    """Many upgrade requests at once, with bodies too, are answered as plain requests."""
    asked = b"GET /healthz HTTP/1.1\r\nhost: x\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"
    body = b"POST /nothing HTTP/1.1\r\nhost: x\r\nupgrade: x\r\nconnection: upgrade\r\n"
    async with connected(exchange.url) as client:
        await client.send(asked * 600 + body + b"content-length: 4\r\n\r\nabcd" + asked)
        statuses = [(await client.answer())[0] for _ in range(602)]
    assert statuses == [200] * 600 + [404, 200]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_many_malformed_orders_at_once(exchange: Exchange) -> None:
    """Hundreds of malformed orders at once are answered without recursion on the fast path."""
    token = await token_of(exchange)
    async with connected(exchange.url) as client:
        await client.send(request(token, b"{}") * 2_000)
        assert {(await client.answer())[0] for _ in range(2_000)} == {400}


async def test_a_client_that_does_not_take_its_answers(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request of a client that does not read is begun, so the write buffer is bounded."""
    token = await token_of(exchange)
    made: list[Connection] = []
    connection_made = Connection.connection_made

    def noting(connection: Connection, transport: asyncio.Transport) -> None:
        connection_made(connection, transport)
        made.append(connection)

    monkeypatch.setattr(Connection, "connection_made", noting)
    many = 6_000
    loop = asyncio.get_running_loop()
    parts = urlsplit(exchange.url)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.setblocking(False)
        await loop.sock_connect(client, (parts.hostname, parts.port))
        sending = asyncio.create_task(loop.sock_sendall(client, request(token, b"{}") * many))
        async with asyncio.timeout(30):
            while not (made and made[0].flow.write_paused and made[0].reading_paused):
                await asyncio.sleep(0.001)
        for _ in range(300):  # turns of the loop in which it could continue
            await asyncio.sleep(0)
        assert made[0].transport.get_write_buffer_size() < 300_000
        assert made[0].server_state.total_requests < many
        taken = b""
        count = 0
        async with asyncio.timeout(60):
            while count < many:
                taken += await loop.sock_recv(client, 1 << 20)
                count += taken.count(b"HTTP/1.1 400")
                taken = taken[-11:]
        await sending


async def test_a_client_that_resets_the_connection(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After a reset the current order is placed and logged; the requests behind it are not run."""
    await exchange.market()
    token = await token_of(exchange)
    parts = urlsplit(exchange.url)

    def placed(stream: io.StringIO) -> list[Json]:
        return [line for line in requests_in(stream) if line["path"] == "/v1/orders"]

    begun, begin = asyncio.Event(), OrderFastPath.begin

    def noted(*given: Any) -> bool:  # noqa: ANN401 -- as begin
        begun.set()
        return begin(*given)

    monkeypatch.setattr(OrderFastPath, "begin", noted)
    with logged(logging.DEBUG) as stream:
        client = socket.create_connection((parts.hostname, parts.port))
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await loop.sock_recv(client, 1_000)).startswith(b"HTTP/1.1 200")
        body = json.dumps(ORDER).encode()
        client.sendall(request(token, body) * 5)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await begun.wait()
        client.close()
        async with asyncio.timeout(60):
            while not placed(stream):
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        assert len(placed(stream)) == 1
    orders = (await exchange.admin.client.get("/v1/users?q=ann@example.com")).json()
    assert orders["items"]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_answers_to_a_closed_connection_are_dropped(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An order's answer to a closed connection is dropped, with one access line and no error."""
    await exchange.market()
    token = await token_of(exchange)
    sent: list[bytes] = []
    send = CoalescingTransport.send

    def closed(transport: CoalescingTransport, data: bytes) -> None:
        transport.abort()
        send(transport, data)
        sent.append(data)

    monkeypatch.setattr(CoalescingTransport, "send", closed)
    with logged(logging.DEBUG) as stream:
        async with connected(exchange.url) as client:
            await client.send(request(token) * 2)
            assert await client.closed()
        assert len(requests_in(stream)) == len(sent) == 1
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


HOSTS = [
    (b"", 400),
    (b"host: x\r\nhost: x\r\n", 400),
    (b"host: x y\r\n", 400),
    (b"host: http://x\r\n", 400),
    (b"host: [::1]:8000\r\n", 200),
    (b"host:\r\n", 200),
]


@pytest.mark.parametrize(("lines", "status"), HOSTS)
async def test_the_host_header(exchange: Exchange, lines: bytes, status: int) -> None:
    """HTTP/1.1 and a socket's handshake need exactly one Host header."""
    async with connected(exchange.url) as client:
        await client.send(b"GET /healthz HTTP/1.1\r\n%b\r\n" % lines)
        assert (await client.answer())[0] == status
    async with connected(exchange.url) as client:
        head = b"GET /realtime HTTP/1.1\r\n%bupgrade: websocket\r\nconnection: upgrade\r\n"
        key = b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        await client.send(head % lines + key)
        assert (await client.line()).startswith(
            b"HTTP/1.1 400" if status == 400 else b"HTTP/1.1 101"
        )


async def test_http_1_0_needs_no_host(exchange: Exchange) -> None:
    """HTTP/1.0 needs no Host header."""
    async with connected(exchange.url) as client:
        await client.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert (await client.answer())[0] == 200


async def test_a_body_in_the_smallest_chunks(exchange: Exchange) -> None:
    """A body in chunks of one byte is read in turns of the loop, and answered."""
    await exchange.market()
    token = await token_of(exchange)
    body = json.dumps(ORDER).encode().ljust(60_000)
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    async with connected(exchange.url) as client:
        await client.send(request(token, chunks, "transfer-encoding: chunked"))
        assert (await client.answer())[0] == 201


async def test_read_requests_are_answered_at_a_stop(settings: Settings) -> None:
    """At a stop all requests read so far are answered, the last with ``connection: close``.

    A request that is still arriving is answered too.
    """
    async with (
        slow_server(settings) as (url, app, server),
        connected(url) as busy,
        connected(url) as quiet,
        connected(url) as part,
    ):
        await busy.send(GET * 100)
        await newest(server)
        app.go.set()
        for one in (quiet, part):
            await one.send(GET)
            assert "connection" not in (await one.answer())[1]
        answers = [await busy.answer() for _ in range(100)]
        app.go.clear()
        await busy.send(GET * 100)
        await newest(server)
        await part.send(GET[:9])
        server.end()
        await asyncio.sleep(0.01)
        await quiet.send(GET)
        await asyncio.sleep(0.01)
        app.go.set()
        status, headers, _ = await quiet.answer()
        assert (status, headers["connection"]) == (200, "close")
        answers = [await busy.answer() for _ in range(100)]
        assert [headers.get("connection") for _, headers, _ in answers] == [None] * 99 + ["close"]
        for one in (busy, quiet, part):
            assert await one.closed()


async def test_no_busy_connection_is_cut(settings: Settings) -> None:
    """At a stop each of eight busy clients gets every answer, the last with ``connection: close``.

    This includes a client that pauses between two requests.
    """

    async def asks_on(client: Socket, pause_s: float) -> int:
        for count in range(1_000_000):
            await client.send(GET)
            _, headers, _ = await client.answer()
            if headers.get("connection") == "close":
                assert await client.closed()
                return count
            if count > 20:
                asked.set()
            await asyncio.sleep(pause_s)
        raise AssertionError("it does not stop")

    asked = asyncio.Event()
    async with slow_server(settings) as (url, app, server), AsyncExitStack() as stack:
        app.go.set()
        clients = [await stack.enter_async_context(connected(url)) for _ in range(8)]
        pauses = [0.0] * 6 + [0.01, 0.3]
        asking = [asyncio.create_task(asks_on(*each)) for each in zip(clients, pauses, strict=True)]
        await asked.wait()
        server.end()
        await asyncio.gather(*asking)
