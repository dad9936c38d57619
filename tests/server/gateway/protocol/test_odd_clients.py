"""Unusual but correct clients: protocol upgrades, half-closed connections."""

import asyncio
import json
import logging
import re
from urllib.parse import urlsplit

import pytest

from tests.support.http_exchange import PASSWORD, Exchange
from tests.support.http_orders import limit
from tests.support.raw_http import GET, connected, database_url, hasty

__all__ = ["database_url", "hasty"]

H2C = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n"
SOCKET = b"connection: Upgrade\r\nupgrade: websocket\r\n"


def post(path: str, more: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Return the head and the body of a request."""
    head = b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" % path.encode()
    return head + more + b"content-length: %d\r\n\r\n" % len(body), body


@pytest.mark.parametrize("asked", [H2C, SOCKET], ids=["h2c", "websocket"])
@pytest.mark.parametrize("pieces", ["one", "two", "many"])
async def test_upgrade_requests_are_answered_as_plain_http(
    exchange: Exchange, asked: bytes, pieces: str
) -> None:
    """A request for another protocol is answered as plain HTTP, and its body is read as such."""
    ann = await exchange.register("ann@example.com")
    login = {"email": "ann@example.com", "password": PASSWORD}
    head, body = post("/v1/auth/login", asked, json.dumps(login).encode())
    async with connected(exchange.url) as client:
        if pieces == "one":
            await client.send(head + body)
        elif pieces == "two":
            await client.send(head)
            await asyncio.sleep(0.05)
            await client.send(body)
        else:
            for place in range(0, len(head + body), 7):
                await client.send((head + body)[place : place + 7])
                await asyncio.sleep(0.001)
        status, _, answer = await client.answer()
        assert (status, answer["user"]["id"]) == (200, ann.id)
        await client.send(GET)
        assert (await client.answer())[0] == 200


async def test_a_body_is_no_request(exchange: Exchange) -> None:
    """A body that looks like a request is not executed, whatever upgrade its request asks for."""
    smuggled = b"GET /v1/status HTTP/1.1\r\nhost: x\r\nx-request-id: SMUGGLED\r\n\r\n"
    head, body = post("/v1/orders", SOCKET, smuggled)
    async with connected(exchange.url) as client:
        await client.send(head)
        await asyncio.sleep(0.05)
        await client.send(body + GET)
        answers = [await client.answer() for _ in range(2)]
    assert [status for status, _, _ in answers] == [401, 200]
    assert all(headers["x-request-id"] != "SMUGGLED" for _, headers, _ in answers)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("path", ["/healthz", "/nothing"])
async def test_one_request_has_one_answer(exchange: Exchange, path: str) -> None:
    """A request that was answered before its whole body arrived gets no second answer.

    A slow rest of the body ends the connection.
    """
    head, _ = post(path, b"", b"x" * 500)
    async with connected(exchange.url) as client:
        await client.send(head + b"x")
        assert (await client.answer())[0] in (404, 405)
        assert await client.closed()


async def test_half_closed_connections_are_answered(exchange: Exchange) -> None:
    """A half-closed connection gets its answers and is then closed."""
    await exchange.market()
    ann = await exchange.trader("ann")
    token = b"authorization: Bearer %b\r\n" % str(ann.session["accessToken"]).encode()
    parts = urlsplit(exchange.url)
    for number in range(4):  # the first fills the caches of the fast path
        order = json.dumps(limit("BUY", "0.40", 1)).encode()
        head, body = post("/v1/orders", token, order)
        for request, wanted in ((head + body, [201]), (head + body + GET, [201, 200])):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(request)
            writer.write_eof()
            async with asyncio.timeout(60):
                heard = await reader.read()
            found = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", heard)]
            assert (number, found) == (number, wanted)
            writer.close()


@pytest.mark.usefixtures("hasty")
async def test_refusals_of_a_connection_are_logged(
    exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    """The log and the metrics hold a connection's own refusals, under the answer's request id."""
    with caplog.at_level(logging.INFO, "predmarket"):
        async with connected(exchange.url) as broken, connected(exchange.url) as slow:
            await broken.send(b"GET\r\n\r\n")
            status, headers, body = await broken.answer()
            assert (status, body["error"]["details"]) == (
                400,
                [{"path": "", "message": "is no HTTP"}],
            )
            await slow.send(b"GET /healthz HTTP/1.1\r\n")
            late = (await slow.answer())[1]
    told = {vars(record).get("requestId"): vars(record).get("status") for record in caplog.records}
    assert (told[headers["x-request-id"]], told[late["x-request-id"]]) == (400, 408)
    metrics = (await exchange.anonymous.get("/metrics")).text
    for status in (400, 408):
        name = "http_request_duration_seconds_count"
        assert f'{name}{{method="OTHER",route="",status="{status}"}} 1.0' in metrics
