"""Connections of slow and broken clients, large requests, and too many connections."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from predmarket.server.gateway.protocol import connection, server
from predmarket.server.gateway.protocol.server import HttpServer, http_config
from predmarket.server.gateway.protocol.slow_client import SEND_BUFFER_BYTES
from predmarket.server.process.runtime import listen
from predmarket.server.settings import Settings
from tests.support.http_exchange import Exchange
from tests.support.raw_http import GET, Socket, connected, database_url, hasty

__all__ = ["database_url", "hasty"]


HEADS = [
    b"",
    b"\r\n",
    b"GET",
    b"GET /healthz HTTP/1.1\r\nhost:",
    b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n",
]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("start", HEADS)
async def test_headers_that_do_not_end(exchange: Exchange, start: bytes) -> None:
    """An unfinished head gets 408, on a used connection too; an idle connection stays open."""
    async with connected(exchange.url) as quiet, connected(exchange.url) as slow:
        await quiet.send(GET)
        assert (await quiet.answer())[0] == 200
        await slow.send(start)
        assert await slow.refusal() == (408, "REQUEST_TIMEOUT")
        await quiet.send(GET)
        assert (await quiet.answer())[0] == 200
        if start:
            await quiet.send(start)
            assert await quiet.refusal() == (408, "REQUEST_TIMEOUT")


@pytest.mark.usefixtures("hasty")
async def test_a_connection_without_a_request(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An idle connection is closed in time, counted from its last answer."""
    monkeypatch.setattr(connection, "KEEP_ALIVE_SECONDS", 0.5)
    async with connected(exchange.url) as quiet:
        await quiet.send(GET)
        assert (await quiet.answer())[0] == 200
        await quiet.send(GET)
        asked = asyncio.get_running_loop().time()
        assert (await quiet.answer())[0] == 200
        assert await quiet.closed()
        assert asyncio.get_running_loop().time() - asked >= 0.5


@pytest.mark.usefixtures("hasty")
async def test_headers_that_trickle(exchange: Exchange) -> None:
    """A head that trickles in gets 408 although each byte comes in time."""
    async with connected(exchange.url) as slow:
        await slow.send(b"GET /healthz HTTP/1.1\r\n")
        waiting = asyncio.create_task(slow.refusal())
        while not waiting.done():
            await slow.send(b"a: b\r\n")
            await asyncio.sleep(0.01)
        assert await waiting == (408, "REQUEST_TIMEOUT")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders/", "/v1/auth/login"])
@pytest.mark.parametrize(
    "body", [b"content-length: 90\r\n\r\n{", b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n"]
)
async def test_a_body_that_does_not_end(
    exchange: Exchange, path: str, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """An unfinished body gets 408 instead of the route's answer.

    The route sees a disconnected client and sends nothing.
    """
    token = exchange.admin.session["accessToken"].encode()
    async with connected(exchange.url) as slow:
        head = b"POST %s HTTP/1.1\r\nhost: x\r\nx-request-id: mine\r\n" % path.encode()
        await slow.send(head + b"authorization: Bearer %s\r\n%s" % (token, body))
        status, headers, answer = await slow.answer()
        assert (status, answer["error"]["code"]) == (408, "REQUEST_TIMEOUT")
        assert answer["requestId"] == headers["x-request-id"] == "mine"
        assert await slow.closed()
    assert (await exchange.anonymous.get("/healthz")).status_code == 200
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


LARGE = [
    b"GET /healthz?%s HTTP/1.1\r\nhost: x\r\n\r\n" % (b"x" * 70_000),
    b"GET /healthz HTTP/1.1\r\na: %s\r\n\r\n" % (b"x" * 70_000),
    b"GET /healthz HTTP/1.1\r\n%s\r\n" % (b"a: %s\r\n" % (b"x" * 1_000) * 70),
    b"GET /healthz HTTP/1.1\r\n%s\r\n" % (b"a: b\r\n" * 101),
    b"GET /healthz HTTP/1.1\r\na: " + b"x" * 600_000,  # no end of the head
    b"GET /" + b"x" * 600_000,
    b"GET /healthz HTTP/1.1\r\n" + b"a: b\r\n" * 100_000,
]


@pytest.mark.parametrize("request_", LARGE, ids=range(len(LARGE)))
async def test_headers_that_are_too_large(exchange: Exchange, request_: bytes) -> None:
    """A head that is too large gets 431, at once or in pieces."""
    async with connected(exchange.url) as large:
        await large.send(request_)
        assert await large.refusal() == (431, "HEADERS_TOO_LARGE")


async def test_large_headers_that_are_not_too_large(exchange: Exchange) -> None:
    """Many large requests at once are not counted as one large head."""
    request = b"GET /healthz HTTP/1.1\r\nhost: x\r\na: %s\r\n\r\n" % (b"x" * 20_000)
    async with connected(exchange.url) as client:
        await client.send(request * 20)
        assert [(await client.answer())[0] for _ in range(20)] == [200] * 20


async def test_padding_without_end(exchange: Exchange) -> None:
    """Bytes after a refused body are read up to a bound, and trailers are not kept."""
    head = b"POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk, trailer = b"400\r\n%s\r\n" % (b"x" * 1024), b"a: bcdefghijklmno\r\n" * 1000
    for start, flood in ((b"", chunk), (b"0\r\n", trailer)):
        async with connected(exchange.url) as client:
            await client.send(head + start)
            reading = asyncio.create_task(client.closed())
            while not reading.done():
                await client.send(flood)
            await reading


BROKEN = [
    b"\x00\x01\x02\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET /healthz HTTP/9.9\r\n\r\n",
    b"BREW /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
    b"CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET http://x HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /%ff%00 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /v1/markets/%2e%2e%2f HTTP/1.1\r\nhost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \xff\xfe\r\n\r\n",
    b"GET /v1/orders HTTP/1.1\r\nhost: x\r\ncookie: =;;\xff=\x80\r\n\r\n",
    b"GET /nothing HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 9%s\r\n\r\n" % (b"9" * 40),
    b"POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\n: x\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\na\x00b: x\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nhost: x\r\na: b\nc: d\r\r\n\r\n",
]


@pytest.mark.parametrize("request_", BROKEN, ids=range(len(BROKEN)))
async def test_what_is_hardly_http(exchange: Exchange, request_: bytes) -> None:
    """Bytes that are not HTTP get a 4xx in the envelope, and the next client is served."""
    async with connected(exchange.url) as client:
        await client.send(request_)
        status, headers, body = await client.answer()
        assert 400 <= status < 500
        assert body["requestId"] == headers["x-request-id"]
        assert body["error"]["code"] != "INTERNAL"
    assert (await exchange.anonymous.get("/healthz")).status_code == 200


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "after", [b"\x00\x01\r\n\r\n", b"GET /" + b"x" * 600_000, b"GET /hea"], ids=range(3)
)
async def test_an_error_in_the_next_request_changes_no_answer(
    exchange: Exchange, after: bytes
) -> None:
    """An error in the next request does not change the answer to the current one."""
    body = json.dumps({"email": "ann@example.com", "password": "a long enough password"}).encode()
    head = b"POST /v1/auth/register HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with connected(exchange.url) as client:
        await client.send(head + body + after)
        status, _, answer = await client.answer()
        assert (status, answer["user"]["email"]) == (201, "ann@example.com")
        await client.closed()


async def test_connections_are_bounded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections beyond the bound get 503, further ones are closed without an answer.

    Earlier connections are served, and later ones once there is room.
    """
    monkeypatch.setattr(server, "connection_bound", lambda: 20)
    async with _bare(settings, b"{}") as (url, _):
        opened: list[Socket] = []
        for _ in range(20):
            opened.append(await _open(url))
            await opened[-1].send(GET)
            assert (await opened[-1].answer())[0] == 200
        surplus = [await _open(url) for _ in range(2)]
        await surplus[0].send(GET)
        status, headers, body = await surplus[0].answer()
        assert (status, body["error"]["code"]) == (503, "OVERLOADED")
        assert headers["retry-after"] == "1"
        late = [await _open(url) for _ in range(3)]
        assert await late[-1].closed()
        await opened[0].send(GET)
        assert (await opened[0].answer())[0] == 200
        for one in (*opened, *surplus, *late):
            one.close()
        async with asyncio.timeout(60):
            while not await _served(url):
                await asyncio.sleep(0.005)


async def _served(url: str) -> bool:
    async with connected(url) as client:
        await client.send(GET)
        try:
            return (await client.answer())[0] == 200
        except (asyncio.IncompleteReadError, ConnectionError):
            return False


@pytest.mark.usefixtures("hasty")
async def test_a_client_that_does_not_read(settings: Settings) -> None:
    """A client that does not read is disconnected, and its answer is freed."""
    large = b"x" * 30_000_000
    async with _bare(settings, large) as (url, server), connected(url, 1_000) as client:
        served = server.server_state
        await client.send(GET)
        async with asyncio.timeout(60):
            while not served.total_requests or served.connections:
                await asyncio.sleep(0.005)


async def test_the_system_buffers_little_for_a_client(settings: Settings) -> None:
    """The kernel buffers little per client, so unread answers are counted in the process.

    TCP_USER_TIMEOUT ends a dead connection.
    """
    large = b"x" * 8_000_000
    async with _bare(settings, large) as (url, server), connected(url, 1_000) as client:
        await client.send(GET)
        await client.line()
        (connection,) = server.server_state.connections
        option = connection.transport.get_extra_info("socket").getsockopt
        # Linux reports twice the requested size
        bounds = (SEND_BUFFER_BYTES, 2 * SEND_BUFFER_BYTES)
        assert option(socket.SOL_SOCKET, socket.SO_SNDBUF) in bounds
        assert option(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
        assert connection.transport.get_write_buffer_size() > 0


async def _open(url: str) -> Socket:
    parts = urlsplit(url)
    return Socket(*await asyncio.open_connection(parts.hostname, parts.port))


@asynccontextmanager
async def _bare(settings: Settings, body: bytes) -> AsyncIterator[tuple[str, HttpServer]]:
    """Serve one answer to every request."""

    async def app(_scope: object, _receive: object, send: Any) -> None:  # noqa: ANN401
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    server = HttpServer(http_config(app))
    with listen(settings) as listener:
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.001)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", server
        server.should_exit = True
        await task
