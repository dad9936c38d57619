"""Every socket ends in time, even if its client does nothing."""

import asyncio
import base64
import json
import os
import socket as sockets
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from predmarket.server.gateway import fair_turns as turns_of_all
from predmarket.server.gateway.broadcast import send_buffer
from predmarket.server.gateway.protocol import server, slow_client, websocket
from predmarket.server.gateway.protocol.server import http_config
from predmarket.server.gateway.realtime.limits import SocketLimits
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange
from tests.support.sockets import Open, open_sockets

pytestmark = ON_ONE_DATABASE

_MASK = b"\0\0\0\0"
PING, CLOSE = 0x89, 0x88


def frame(head: int, payload: bytes) -> bytes:
    """Return a short frame with a mask of zeros."""
    return bytes((head, 0x80 | len(payload))) + _MASK + payload


@asynccontextmanager
async def deaf(exchange: Exchange, path: str = "/realtime") -> AsyncIterator[sockets.socket]:
    """Open a socket whose client never reads again and has a small window."""
    host, _, port = exchange.url.removeprefix("http://").partition(":")
    with sockets.socket() as raw:
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
        raw.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(raw, (host, int(port)))
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            f"GET {path} HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket",
            "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "", "",
        )  # fmt: skip
        await loop.sock_sendall(raw, "\r\n".join(lines).encode())
        assert (await loop.sock_recv(raw, 4_096)).startswith(b"HTTP/1.1 101 ")
        yield raw


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set bounds of a fraction of a second, checked ten times a second."""
    monkeypatch.setattr(server, "TICKS_A_SECOND", 1)
    monkeypatch.setattr(slow_client, "READ_SECONDS", 0.3)
    for bound in ("HANDSHAKE_SECONDS", "CLOSE_SECONDS"):
        monkeypatch.setattr(websocket, bound, 0.3)


async def all_ended(exchange: Exchange) -> None:
    """Return once no socket is counted."""
    async with asyncio.timeout(60):
        while open_sockets(exchange):
            await asyncio.sleep(0.01)


async def send_until_refused(raw: sockets.socket, data: bytes) -> None:
    """Send repeatedly until the other side accepts no more bytes or has closed."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(60):
            while True:
                await loop.sock_sendall(raw, data)
                await asyncio.sleep(0.001)
    except OSError:
        pass


@pytest.mark.usefixtures("hasty")
async def test_pings_whose_pongs_nobody_reads(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unread pongs wait in the bounded buffer, and the slow client is closed."""
    exchange.app.realtime.shared.bounds = SocketLimits(
        burst=10**9
    )  # the number of messages does not matter here
    monkeypatch.setattr(send_buffer, "MAX_WAITING_BYTES", 100_000)
    async with deaf(exchange) as raw:
        (peer,) = exchange.app.realtime.shared.peers
        sending = asyncio.create_task(send_until_refused(raw, frame(PING, bytes(125)) * 100))
        most = 0
        while open_sockets(exchange):
            await asyncio.sleep(0.005)
            most = max(most, peer.socket.transport.get_write_buffer_size())
            assert not sending.done() or not open_sockets(exchange)
        await sending
    assert peer.closed_with == 1013
    assert most < 500_000


@pytest.mark.usefixtures("hasty")
async def test_a_client_that_never_reads(exchange: Exchange) -> None:
    """A client that reads nothing for a while is closed, even if few bytes wait for it."""
    market = await exchange.market()
    exchange.app.realtime.shared.bounds = SocketLimits(burst=10**9)
    async with deaf(exchange) as raw:
        (peer,) = exchange.app.realtime.shared.peers
        request = {"type": "snapshot", "data": {"topic": f"orderbook:{market['id']}"}}
        message = json.dumps(request).encode()
        head = frame(0x81, message)
        async with asyncio.timeout(60):
            while peer.out.clear and not peer.ended:
                await asyncio.get_running_loop().sock_sendall(raw, head * 20)
                await asyncio.sleep(0.001)
        await all_ended(exchange)
    assert peer.closed_with == 1013
    assert peer.out.size < 100_000


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("way", ["close frame", "half-closed", "bad frame"])
async def test_closing_takes_a_bounded_time(exchange: Exchange, way: str) -> None:
    """A deaf client's connection ends soon after its Close, half-close or bad frame."""
    exchange.app.realtime.shared.bounds = SocketLimits(burst=10**9)
    loop = asyncio.get_running_loop()
    async with deaf(exchange) as raw:
        (peer,) = exchange.app.realtime.shared.peers
        async with asyncio.timeout(60):
            while not peer.socket.transport.get_write_buffer_size():
                await loop.sock_sendall(raw, frame(PING, bytes(125)) * 100)
                await asyncio.sleep(0.001)
        if way == "close frame":
            await loop.sock_sendall(raw, frame(CLOSE, struct.pack("!H", 1000)))
        elif way == "bad frame":
            await loop.sock_sendall(raw, b"\xff\xff")
        else:
            raw.shutdown(sockets.SHUT_WR)
        await all_ended(exchange)


@pytest.mark.usefixtures("hasty")
async def test_a_handshake_that_is_never_decided(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection whose handshake hangs is ended, whatever the handshake waits for."""
    asked, forever = asyncio.Event(), asyncio.Event()

    async def never(*_: object) -> None:
        asked.set()
        await forever.wait()

    monkeypatch.setattr(exchange.app.context.principals, "principal", never)
    with pytest.raises((ConnectionResetError, AssertionError)):
        async with deaf(exchange, "/realtime?token=x"):
            pass
    assert asked.is_set()
    forever.set()


async def test_idle_anonymous_sockets_are_closed(exchange: Exchange, open_socket: Open) -> None:
    """An anonymous socket without subscriptions is closed although it answers pings.

    A socket with a subscription or a user stays.
    """
    ann = await exchange.trader("ann")
    exchange.app.realtime.shared.bounds = SocketLimits(look_s=0.02, ping_s=0.05, idle_s=0.3)
    idle, listening, known = await open_socket(), await open_socket(), await open_socket(ann)
    await listening.subscribe("markets")

    async def answer_pings() -> None:
        while True:
            await idle.socket.send('{"type": "pong"}')
            await asyncio.sleep(0.05)

    answering = asyncio.create_task(answer_pings())
    assert await idle.closed() == 4408
    answering.cancel()
    await listening.subscribe("markets")
    await known.subscribe("user:me:orders")


def test_uvicorn_sends_no_pings(exchange: Exchange) -> None:
    """uvicorn sends no pings of its own.

    They would close a client that answers only the exchange's.
    """
    assert http_config(exchange.app).ws_ping_interval is None


async def test_many_messages_at_once_are_taken_in_turns(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One client's many messages are read in turns with those of others."""
    monkeypatch.setattr(websocket, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(turns_of_all, "PASS_SECONDS", 0.0)
    exchange.app.realtime.shared.bounds = SocketLimits(burst=10**9)
    async with deaf(exchange) as raw:
        (peer,) = exchange.app.realtime.shared.peers
        turns: list[int] = []
        seen = 0

        def count(*, binary: bool) -> None:
            nonlocal seen
            seen += 1

        def turn() -> None:
            turns.append(seen)
            if seen < 200:
                loop.call_soon(turn)

        loop = asyncio.get_running_loop()
        peer.odd = count  # type: ignore[method-assign]
        await loop.sock_sendall(raw, frame(PING, b"") * 200)
        loop.call_soon(turn)
        async with asyncio.timeout(60):
            while seen < 200:
                await asyncio.sleep(0.001)
        steps = [after - before for before, after in pairwise(turns)]
        assert max(steps) <= 2
