"""Attacks on /realtime: floods, subscriptions, resumes and unusual frames."""

import asyncio
import json

from tests.abuse.assault import Assault, Attack, Run
from tests.abuse.attacks.bodies import message_of
from tests.abuse.wire import BINARY, CONTINUATION, PING, PONG, TEXT, Line, frame

_TOPICS = 1_000


def frames_of(data: bytes, count: int) -> Run:
    """Return an attack by prepared frames on a few sockets that read."""

    async def run(assault: Assault) -> None:
        async def one() -> None:
            line = None
            while assault.going:
                if line is None or line.closed:
                    line = await assault.socket()
                    if line is None:
                        await asyncio.sleep(0.01)
                        continue
                await line.push(data, 5, count)
                await line.drain(0.005)

        await asyncio.gather(one(), one())

    return run


def _message(type: str, data: object) -> bytes:
    return json.dumps({"type": type, "data": data}, separators=(",", ":")).encode()


def _subscribe(*topics: object) -> bytes:
    return _message("subscribe", {"topics": topics})


async def _resumes(assault: Assault) -> None:
    """Resume a topic with ten thousand missed trades again and again, on several sockets."""
    last = assault.arena.size.trades + 2
    asked = frame(_subscribe({"topic": "trades:tape", "lastSeq": last - 10_000}))
    lines = [line for _ in range(4) if (line := await assault.socket()) is not None]
    while assault.going:
        for line in lines:
            await line.push(asked * 20, 0.5, 20)
            await line.drain(0.01)


async def _many(assault: Assault) -> None:
    """Open as many sockets from one address as the server accepts (MAX_CONNECTIONS is 10 000)."""
    for _ in range(assault.size(600, 3_000)):
        if await assault.socket() is None or not assault.going:
            break
    await asyncio.sleep(assault.left)


async def _through_proxy(assault: Assault) -> None:
    """Open sockets of one client behind a trusted proxy; the proxy itself must not be blocked."""
    for _ in range(assault.size(600, 3_000)):
        line = await assault.line()
        if line is None or not assault.going:
            break
        await line.opened(headers="X-Forwarded-For: 192.0.2.66\r\n")
    await asyncio.sleep(assault.left)


async def _churn(assault: Assault) -> None:
    """Open sockets, subscribe each to every topic, and reset them."""
    topics = _subscribe("markets", "orderbook:deep", "ticker:deep", "trades:tape")
    while assault.going:
        line = await assault.socket()
        if line is not None:
            await line.send(frame(topics))
            line.close(reset=True)


async def _tied_churn(assault: Assault) -> None:
    """Open and reset a user's sockets with cancelOnDisconnect: each end is a command."""
    while assault.going:
        line = await assault.socket("mallory", "/realtime?cancelOnDisconnect=1")
        if line is not None:
            line.close(reset=True)


async def _tokens(assault: Assault) -> None:
    """Send a thousand auth messages with wrong tokens on each socket."""
    line: Line | None = None
    n = 0
    while assault.going:
        if line is None or line.closed:
            line = await assault.socket()
            if line is None:
                return
        n += 1
        await line.push(frame(_message("auth", {"token": f"pmk_{n:040d}"})), 5)
        await line.drain(0.02)


async def _extensions(assault: Assault) -> None:
    """Send handshakes with 60 KB of extensions."""
    wanted = "Sec-WebSocket-Extensions: " + "permessage-deflate;a=1, " * 2_400 + "x\r\n"
    while assault.going:
        line = await assault.line()
        if line is not None:
            await line.opened(headers=wanted)
            line.close()


async def _protocols(assault: Assault) -> None:
    """Send handshakes with 60 KB of sub-protocols."""
    wanted = "Sec-WebSocket-Protocol: " + "a," * 30_000 + "a\r\n"
    while assault.going:
        line = await assault.line()
        if line is not None:
            await line.opened(headers=wanted)
            line.close()


async def _queries(assault: Assault) -> None:
    """Send handshakes with a query of 60 KB."""
    while assault.going:
        line = await assault.line()
        if line is not None:
            await line.opened("/realtime?a" + "&a=1" * 14_900)
            line.close()


_ORDERS_TOPIC = {"topic": "user:me:orders", "lastSeq": 1}

ATTACKS = [
    Attack("resumes", "resumes of 10 000 trades repeated", _resumes, 0.4),
    Attack(
        "resumes-orders",
        "resumes of 10 000 orders repeated",
        short=False,
        run=message_of(*[_subscribe(_ORDERS_TOPIC)] * 20, user="carol0"),
    ),
    Attack(
        "subscribe",
        "1 000 topics subscribed again and again",
        message_of(_subscribe(*[f"orderbook:{n}" for n in range(1, 8)] * 142)),
        short=False,
    ),
    Attack(
        "subscribe-unknown",
        "1 000 topics that there are not",
        message_of(_subscribe(*[f"orderbook:x{n}" for n in range(_TOPICS)])),
    ),
    Attack(
        "subscribe-long",
        "topics with names of 60 KB",
        short=False,
        run=message_of(_subscribe("trades:" + "a" * 60_000)),
    ),
    Attack(
        "subscribe-digits",
        "topics of 60 000 digits",
        short=False,
        run=message_of(_subscribe("trades:" + "9" * 60_000)),
    ),
    Attack(
        "unsubscribe",
        "1 000 topics unsubscribed again and again",
        short=False,
        run=message_of(_message("unsubscribe", {"topics": ["trades:1"] * _TOPICS})),
    ),
    Attack(
        "snapshots",
        "snapshots of a deep book repeated",
        message_of(*[_message("snapshot", {"topic": "orderbook:deep"})] * 100),
    ),
    Attack(
        "snapshots-stored",
        "snapshots of 1 000 orders repeated",
        message_of(*[_message("snapshot", {"topic": "user:me:orders"})] * 50, user="carol0"),
        short=False,
    ),
    Attack("many-sockets", "one address takes what sockets it gets", _many, 1.0, holds=True),
    Attack(
        "many-behind-proxy", "one client behind a proxy, the same", _through_proxy, 1.0, short=False
    ),
    Attack("socket-churn", "sockets opened and reset", _churn),
    Attack("tied-churn", "sockets with cancelOnDisconnect, reset", _tied_churn, short=False),
    Attack("socket-tokens", "sockets with a thousand false tokens", _tokens, short=False),
    Attack(
        "continuations",
        "messages in frames of one byte",
        frames_of(
            frame(b"x", TEXT, fin=False) + frame(b"x", CONTINUATION, fin=False) * 20_000, 20_000
        ),
        short=False,
    ),
    Attack(
        "continuations-empty",
        "messages in frames of no byte",
        frames_of(
            frame(b"", TEXT, fin=False) + frame(b"", CONTINUATION, fin=False) * 20_000, 20_000
        ),
        short=False,
    ),
    Attack(
        "pings", "pings as fast as they are taken", frames_of(frame(b"x" * 125, PING) * 500, 500)
    ),
    Attack(
        "pongs",
        "pongs as fast as they are taken",
        frames_of(frame(b"", PONG) * 1_000, 1_000),
        short=False,
    ),
    Attack(
        "binary", "binary messages", frames_of(frame(b"x" * 1_000, BINARY) * 50, 50), short=False
    ),
    Attack(
        "rsv",
        "frames that say they are compressed",
        frames_of(frame(b"\xaa" * 1_000, TEXT, rsv1=True) * 10, 10),
        short=False,
    ),
    Attack(
        "giant-frame",
        "a frame that promises 2^62 bytes",
        frames_of(b"\x81\xff" + (2**62).to_bytes(8) + b"\0\0\0\0", 1),
        short=False,
    ),
    Attack(
        "tiny-messages",
        "messages of two bytes",
        frames_of(frame(b"{}") * 1_000, 1_000),
        short=False,
    ),
    Attack("extensions", "handshakes with 60 KB of extensions", _extensions, short=False),
    Attack("sub-protocols", "handshakes with 60 KB of sub-protocols", _protocols, short=False),
    Attack("socket-query", "handshakes with 60 KB of query", _queries, short=False),
]
