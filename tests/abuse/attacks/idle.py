"""Attacks by inactivity: connections on which a request or message stays incomplete.

Each connection stays open and silent after the attack; the server must close it.
"""

import asyncio

from tests.abuse.assault import Assault, Attack, Run
from tests.abuse.wire import CLOSE, HANDSHAKE, PING, Line, frame

_PAGE = "/openapi.json"
"""The largest answer for an anonymous client."""


async def _lines(assault: Assault, count: int, **how: int) -> list[Line]:
    return [line for _ in range(count) if (line := await assault.line(**how)) is not None]


def stops_at(data: bytes, short: int = 50, long: int = 1_000) -> Run:
    """Return an attack by connections that send this and then nothing."""

    async def run(assault: Assault) -> None:
        for line in await _lines(assault, assault.size(short, long)):
            await line.send(data)
        await asyncio.sleep(assault.left)

    return run


def dribbles(head: bytes, drop: bytes) -> Run:
    """Return an attack by connections that send a few bytes at a time without end."""

    async def run(assault: Assault) -> None:
        lines = await _lines(assault, assault.size(50, 500))
        for line in lines:
            await line.send(head)
        while assault.going:
            for line in lines:
                await line.push(drop, 0.1, 0)
            await asyncio.sleep(0.1)

    return run


async def _unread(assault: Assault) -> None:
    """Request large answers repeatedly and never read them."""
    lines = await _lines(assault, assault.size(20, 200), receive=4_096)
    data = assault.request("GET", _PAGE)
    while assault.going:
        for line in lines:
            await line.push(data, 0.01)
        await asyncio.sleep(0.01)


async def _unread_pages(assault: Assault) -> None:
    """Pipeline requests for pages of trades as a user, and read no answer."""
    lines = await _lines(assault, assault.size(20, 200), receive=4_096)
    data = assault.request("GET", "/v1/trades/tape?limit=100", user="mallory")
    for _ in range(assault.size(2, 50)):
        for line in lines:
            await line.push(data * 16, 0.01, 16)
        await asyncio.sleep(0.02)


async def _deaf_pings(assault: Assault) -> None:
    """Open sockets that send pings and read nothing, not even the pongs."""
    lines = await _sockets(assault, assault.size(20, 200))
    pings = frame(b"x" * 125, PING) * 50
    while assault.going:
        for line in lines:
            await line.push(pings, 0.01, 50)
        await asyncio.sleep(0.05)


async def _deaf_requests(assault: Assault) -> None:
    """Open sockets that request snapshots and read nothing."""
    lines = await _sockets(assault, assault.size(20, 200))
    asked = frame(b'{"type":"snapshot","data":{"topic":"trades:tape"}}') * 10
    while assault.going:
        for line in lines:
            await line.push(asked, 0.01, 10)
        await asyncio.sleep(0.05)


async def _closing(assault: Assault) -> None:
    """Open sockets that send a Close frame and stay connected."""
    for line in await _sockets(assault, assault.size(20, 200)):
        await line.send(frame((1000).to_bytes(2), CLOSE))
    await asyncio.sleep(assault.left)


async def _closing_talk(assault: Assault) -> None:
    """Open sockets that send a Close frame and go on sending messages."""
    lines = await _sockets(assault, assault.size(20, 200))
    for line in lines:
        await line.send(frame((1000).to_bytes(2), CLOSE))
    while assault.going:
        for line in lines:
            await line.push(frame(b"{}") * 20, 0.01, 20)
        await asyncio.sleep(0.05)


async def _silent_sockets(assault: Assault) -> None:
    """Open sockets that never answer a ping."""
    await _sockets(assault, assault.size(20, 200))
    await asyncio.sleep(assault.left)


async def _half_frames(assault: Assault) -> None:
    """Open sockets that send half of a message."""
    for line in await _sockets(assault, assault.size(20, 200)):
        await line.send(frame(b"x" * 60_000)[:50_000])
    await asyncio.sleep(assault.left)


async def _sockets(assault: Assault, count: int) -> list[Line]:
    return [line for _ in range(count) if (line := await assault.socket()) is not None]


_UPGRADE = HANDSHAKE.format(path="/realtime", headers="").encode()

ATTACKS = [
    Attack("silent", "connections that say nothing", stops_at(b""), holds=True, short=False),
    Attack(
        "half-head",
        "connections that stop in the head",
        holds=True,
        run=stops_at(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: "),
    ),
    Attack(
        "half-body",
        "connections that stop in the body",
        holds=True,
        run=stops_at(b"POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"),
    ),
    Attack(
        "half-handshake",
        "handshakes that stop before their end",
        holds=True,
        run=stops_at(_UPGRADE[:-2]),
    ),
    Attack(
        "handshake-body",
        "handshakes that promise a body",
        holds=True,
        run=stops_at(_UPGRADE[:-2] + b"Content-Length: 9\r\n\r\n"),
        short=False,
    ),
    Attack(
        "kept-alive",
        "connections that asked once and stay",
        holds=True,
        run=stops_at(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"),
    ),
    Attack(
        "slow-head",
        "a header's byte now and then",
        holds=True,
        run=dribbles(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ", b"a"),
    ),
    Attack(
        "slow-lines",
        "empty lines now and then",
        holds=True,
        run=dribbles(b"", b"\r\n"),
        short=False,
    ),
    Attack(
        "slow-body",
        "a body's byte now and then",
        holds=True,
        run=dribbles(
            b"POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Content-Length: 9999\r\n\r\n",
            b" ",
        ),
    ),
    Attack(
        "slow-chunks",
        "a chunk of one byte now and then",
        holds=True,
        run=dribbles(
            b"POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n",
            b"1\r\n \r\n",
        ),
        short=False,
    ),
    Attack("unread", "large answers never read", _unread, 0.4, holds=True),
    Attack("unread-pages", "pages of trades, never read", _unread_pages, 0.4, holds=True),
    Attack("deaf-pings", "sockets that ping and never read", _deaf_pings, 0.4, holds=True),
    Attack("deaf-snapshots", "sockets that ask, never read", _deaf_requests, 0.4, holds=True),
    Attack("closing", "sockets that say Close and stay", _closing, holds=True),
    Attack("closing-talk", "sockets that say Close and go on", _closing_talk, holds=True),
    Attack("silent-sockets", "sockets that never answer a ping", _silent_sockets, holds=True),
    Attack("half-frames", "sockets that stop in a message", _half_frames, holds=True),
]
