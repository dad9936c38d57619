"""A stalled reader costs bounded memory, delays no other client, and loses nothing."""

import asyncio
import json
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from predmarket.server.gateway.broadcast import send_buffer
from predmarket.server.gateway.broadcast.topics import Topic, TopicKind
from predmarket.server.gateway.realtime.inbox import MAX_IN_FLIGHT
from predmarket.server.read_model.changes import BookChange, Changes, OrderChange, encode
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json
from tests.support.sockets import (
    Chain,
    Client,
    Open,
    folded,
    open_sockets,
    opened,
    order,
    place,
)

pytestmark = ON_ONE_DATABASE


@asynccontextmanager
async def stalled(exchange: Exchange, user: Any = None) -> AsyncIterator[Client]:  # noqa: ANN401
    """Open a client that buffers little and does not read by itself."""
    host, _, port = exchange.url.removeprefix("http://").partition(":")
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, (host, int(port)))
    async with opened(exchange.url, user, sock=raw, max_queue=1) as client:
        yield client


def peers(exchange: Exchange) -> list[Any]:
    """Return the gateway's sockets, oldest first."""
    return sorted(exchange.app.realtime.shared.peers, key=lambda peer: peer.number)


def deliver(exchange: Exchange, **changes: Any) -> None:  # noqa: ANN401
    """Deliver a batch to the hub, as the core would."""
    hub = exchange.node.hub
    changed = Changes(hub.recent.last_batch + 1, 0, **changes)
    exchange.node.view.apply(changed)
    hub.committed(changed, encode(changed))


async def test_a_stalled_reader(exchange: Exchange, open_socket: Open) -> None:
    """A stalled reader of a book gets the missed changes merged into one message.

    Fast readers get every message without delay.
    """
    market = await exchange.market()
    id = market["id"]
    fast = await open_socket()
    async with stalled(exchange) as slow:
        chains = []
        for client in (fast, slow):
            (snapshot,) = await client.subscribe(f"orderbook:{id}")
            chains.append(Chain(snapshot))
        slow.socket.transport.pause_reading()
        peer = peers(exchange)[1]
        seq = 0
        async with asyncio.timeout(60):
            while peer.out.clear or seq < 2_000:
                bids = [(price, 100 + seq % 7) for price in range(1 + seq % 40, 4_000, 40)]
                deliver(exchange, books=[BookChange(id, seq, seq + 1, bids, [])])
                seq += 1
                chains[0].take(await fast.next())
        assert peer.out.size < send_buffer.MAX_WAITING_BYTES
        assert not peer.ended
        slow.socket.transport.resume_reading()
        while chains[1].seq < seq:
            chains[1].take(await slow.next())
        assert len(chains[1].data) < len(chains[0].data) == seq + 1
        assert folded(chains[1].data) == folded(chains[0].data)
        deliver(exchange, books=[BookChange(id, seq, seq + 1, [], [(9_000, 100)])])
        for client, chain in zip((fast, slow), chains, strict=True):
            chain.take(await client.next())


async def test_a_socket_whose_gateway_missed_changes(exchange: Exchange, open_socket: Open) -> None:
    """A socket whose gateway missed changes is closed for a resume.

    Its close reason does not blame the reader.
    """
    socket = await open_socket()
    await socket.subscribe("markets")
    exchange.node.hub.interrupted()
    assert await socket.closed() == 1013
    assert socket.socket.close_reason == send_buffer.MISSED_CHANGES


async def test_a_reader_that_is_too_slow(exchange: Exchange, open_socket: Open) -> None:
    """Messages that cannot be merged wait up to a bound, then the socket is closed with 1013.

    A resume loses nothing.
    """
    market = await exchange.market()
    ann = await exchange.trader("ann")
    placed = await place(ann, market, "BUY", "0.01")
    fast = await open_socket(ann)
    async with stalled(exchange, ann) as slow:
        chains = []
        for client in (fast, slow):
            (snapshot,) = await client.subscribe("user:me:orders")
            chains.append(Chain(snapshot))
        slow.socket.transport.pause_reading()
        peer = peers(exchange)[1]
        changes = exchange.node.hub.recent.since(Topic(TopicKind.ORDERS, ann.id), 0)
        assert changes is not None
        (change,) = changes
        assert isinstance(change, OrderChange)
        record = change.order
        assert record.id == placed["id"]
        seq = chains[0].seq
        most = 0
        async with asyncio.timeout(60):
            while not peer.ended:
                seqs = range(seq + 1, seq + 101)
                deliver(exchange, orders=[OrderChange(n, record) for n in seqs])
                seq += 100
                for _ in seqs:
                    chains[0].take(await fast.next())
                most = max(most, peer.out.size)
        assert most < send_buffer.MAX_WAITING_BYTES + 100_000
        assert not peer.out.waiting
        slow.socket.transport.resume_reading()
        read = 0
        while True:
            message = await _next_or_none(slow)
            if message is None:
                break
            chains[1].take(message)
            read += 1
        assert slow.socket.close_code == 1013
        assert slow.socket.close_reason == send_buffer.READS_TOO_SLOWLY
    assert 0 < read < seq
    async with opened(exchange.url, ann) as again:
        await again.resume("user:me:orders", chains[1].seq)
        while chains[1].seq < seq:
            chains[1].take(await again.next())
    assert len(chains[1].data) == len(chains[0].data)


async def _next_or_none(client: Client) -> Json | None:
    from websockets.exceptions import ConnectionClosed

    try:
        return await client.next()
    except ConnectionClosed:
        return None


async def test_a_peer_that_never_comes_back(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection of a client that never reads is aborted after the close handshake's limit."""
    from predmarket.server.gateway.protocol import websocket

    monkeypatch.setattr(websocket, "CLOSE_SECONDS", 0.05)
    monkeypatch.setattr(send_buffer, "MAX_WAITING_BYTES", 10_000)
    market = await exchange.market()
    async with stalled(exchange) as slow:
        await slow.subscribe(f"orderbook:{market['id']}")
        slow.socket.transport.pause_reading()
        seq = 0
        async with asyncio.timeout(60):
            while open_sockets(exchange):
                bids = [(price, 100 + seq) for price in range(1, 9_000)]
                deliver(exchange, books=[BookChange(market["id"], seq, seq + 1, bids, [])])
                seq += 1
                await asyncio.sleep(0.001)
        slow.socket.transport.abort()


async def test_snapshots_wait_for_their_reader(exchange: Exchange, open_socket: Open) -> None:
    """Of many large snapshots each is rendered only after the previous one was read."""
    market = await exchange.market()
    id = market["id"]
    bids = [(price, 12_345) for price in range(1, 9_000)]
    deliver(exchange, books=[BookChange(id, 0, 1, bids, [])])
    async with stalled(exchange) as slow:
        slow.socket.transport.pause_reading()
        for _ in range(30):
            await slow.socket.send(
                json.dumps({"type": "snapshot", "data": {"topic": f"orderbook:{id}"}})
            )
        (peer,) = peers(exchange)
        while len(peer.subscriptions.beginnings) < 20:
            await asyncio.sleep(0.01)
        assert peer.out.size < 100_000
        slow.socket.transport.resume_reading()
        for _ in range(30):
            assert len((await slow.of("orderbook.snapshot"))["data"]["bids"]) == 8_999


async def test_replies_wait_too(exchange: Exchange, open_socket: Open) -> None:
    """A client that does not read its replies is closed as slow, and its orders stay placed."""
    market = await exchange.market()
    ann = await exchange.trader("ann")
    async with stalled(exchange, ann) as slow:
        slow.socket.transport.pause_reading()
        (peer,) = peers(exchange)
        sent = 0
        async with asyncio.timeout(60):
            while not peer.ended:
                await slow.send("order.place", **order(market, "BUY", "0.01", "0.01"))
                sent += 1
                assert peer.inbox.in_flight <= MAX_IN_FLIGHT
        slow.socket.transport.resume_reading()
        assert await slow.closed() == 1013
    page = (await ann.client.get("/v1/orders?limit=1")).json()
    assert 0 < page["items"][0]["id"] <= sent
