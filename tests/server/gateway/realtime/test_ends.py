"""Every socket ends when it should, even if its client does nothing."""

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
    """Return a short frame, masked by zeros."""
    return bytes((head, 0x80 | len(payload))) + _MASK + payload


@asynccontextmanager
async def deaf(exchange: Exchange, path: str = "/realtime") -> AsyncIterator[sockets.socket]:
    """A client that opens a socket and never reads again, with a small window."""
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
    """Bounds of a fraction of a second, looked at ten times a second."""
    monkeypatch.setattr(server, "TICKS_A_SECOND", 1)
    monkeypatch.setattr(slow_client, "READ_SECONDS", 0.3)
    for bound in ("HANDSHAKE_SECONDS", "CLOSE_SECONDS"):
        monkeypatch.setattr(websocket, bound, 0.3)


async def all_ended(exchange: Exchange) -> None:
    """Return once no socket is counted any more."""
    async with asyncio.timeout(60):
        while open_sockets(exchange):
            await asyncio.sleep(0.01)


async def send_until_refused(raw: sockets.socket, data: bytes) -> None:
    """Send again and again, until the other side takes nothing any more or is gone."""
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
    """The pongs wait in the bounded buffer; the client is too slow, and is gone soon after."""
    exchange.app.realtime.shared.bounds = SocketLimits(
        burst=10**9
    )  # here it is not about the number
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
async def test_one_that_never_reads(exchange: Exchange) -> None:
    """It is given up when it has taken nothing for a while, though little waits for it."""
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
    """However a client begins its end, the connection is gone soon, though it reads nothing."""
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
    """Whatever it waits for, the connection ends."""
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


async def test_nobody_who_asks_for_nothing(exchange: Exchange, open_socket: Open) -> None:
    """A socket that is nobody's and listens to nothing ends, though it gives signs of life; one
    that listens, or is somebody's, stays."""
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


def test_one_keep_alive(exchange: Exchange) -> None:
    """uvicorn sends no pings of its own: they would end a client that answers ours alone."""
    assert http_config(exchange.app).ws_ping_interval is None


async def test_many_messages_at_once_are_taken_in_turns(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One client's messages do not hold up the others until the last of them is done."""
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
