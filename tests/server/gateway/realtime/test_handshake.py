"""Handshakes as raw bytes: invalid ones, and those behind other requests."""

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest

from tests.support.http_exchange import ON_ONE_DATABASE, Exchange
from tests.support.sockets import order

pytestmark = ON_ONE_DATABASE

HEAD = b"GET /realtime HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
KEY = b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
VERSION = b"sec-websocket-version: 13\r\n"


async def answers(exchange: Exchange, request: bytes) -> list[bytes]:
    """Send bytes on a new connection; return the heads and bodies of the answers."""
    host, _, port = exchange.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    try:
        async with asyncio.timeout(60):
            return (await reader.read()).split(b"\r\n\r\n")
    finally:
        writer.close()


async def statuses(exchange: Exchange, request: bytes) -> AsyncGenerator[int, None]:
    """Send bytes on a new connection; yield the status of each answer."""
    host, _, port = exchange.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    try:
        async with asyncio.timeout(60):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                yield int(head[9:12])
                await reader.readexactly(int(head.partition(b"content-length: ")[2].split()[0]))
    finally:
        writer.close()


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(
            HEAD.replace(b"realtime", b"realtime?token=" + b"a" * 9_000) + KEY + VERSION,
            id="long address",
        ),
        pytest.param(HEAD + KEY + VERSION + b"x-long: " + b"a" * 9_000 + b"\r\n", id="long header"),
        pytest.param(HEAD + KEY + VERSION + b"content-length: 5\r\n", id="a body"),
        pytest.param(HEAD + VERSION, id="no key"),
        pytest.param(HEAD + b"sec-websocket-key: \xff\r\n" + VERSION, id="a key that is no text"),
        pytest.param(HEAD + KEY, id="no version"),
    ],
)
async def test_an_invalid_handshake(exchange: Exchange, request_: bytes) -> None:
    """An invalid handshake is answered at once, in the envelope of every error."""
    head, body = await answers(exchange, request_ + b"\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"]["code"] == "VALIDATION_FAILED"


async def test_a_handshake_behind_a_request(exchange: Exchange) -> None:
    """A handshake behind an unanswered request gets 404. Answers must not mix with frames."""
    ann = await exchange.trader("ann")
    body = json.dumps(order(await exchange.market(), "BUY", "0.10")).encode()
    place = b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\nauthorization: Bearer "
    place = place % len(body) + ann.session["accessToken"].encode() + b"\r\n\r\n" + body
    for orders in (1, 2):
        answered = statuses(exchange, place * orders + HEAD + KEY + VERSION + b"\r\n")
        assert [await anext(answered) for _ in range(orders + 1)] == [*[201] * orders, 404]
        await answered.aclose()
