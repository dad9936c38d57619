"""Limits of sockets, and the closing of clients that exceed them."""

import asyncio
import json
from typing import Any

from msgspec.structs import replace
from websockets.frames import Frame, Opcode

from predmarket.enums import MarketStatus
from predmarket.server.gateway.protocol import websocket
from predmarket.server.gateway.realtime.limits import SocketLimits
from predmarket.server.read_model.changes import BookChange, Changes, MarketChange, encode
from predmarket.server.read_model.records import MarketRecord
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange
from tests.support.sockets import Open, order

pytestmark = ON_ONE_DATABASE


async def raw_error(client: Any, message: str | bytes) -> str:  # noqa: ANN401
    """Send any message; return the code of the error."""
    await client.socket.send(message)
    return str((await client.of("error"))["data"]["code"])


BAD: list[tuple[str, str]] = [
    ("", "VALIDATION_FAILED"),
    ("{", "VALIDATION_FAILED"),
    ("[]", "VALIDATION_FAILED"),
    ("null", "VALIDATION_FAILED"),
    ("[" * 5_000, "VALIDATION_FAILED"),
    ("{}", "VALIDATION_FAILED"),
    ('{"type": 1}', "VALIDATION_FAILED"),
    ('{"type": "dance"}', "VALIDATION_FAILED"),
    ('{"type": "pong", "surprise": 1}', "VALIDATION_FAILED"),
    ('{"type": "pong", "type": "pong"}', "VALIDATION_FAILED"),
    ('{"type": "pong", "t\\u0079pe": "pong"}', "VALIDATION_FAILED"),
    ('{"type": "subscribe"}', "VALIDATION_FAILED"),
    ('{"type": "subscribe", "data": null}', "VALIDATION_FAILED"),
    ('{"type": "subscribe", "data": {"topics": []}}', "VALIDATION_FAILED"),
    ('{"type": "subscribe", "data": {"topics": [7]}}', "VALIDATION_FAILED"),
    ('{"type": "subscribe", "data": {"topics": [{"topic": "markets"}]}}', "VALIDATION_FAILED"),
    (
        '{"type": "subscribe", "data": {"topics": [{"topic": "markets", "lastSeq": -1}]}}',
        "VALIDATION_FAILED",
    ),
    ('{"type": "subscribe", "data": {"topics": ["weather"]}}', "NOT_FOUND"),
    ('{"type": "subscribe", "data": {"topics": ["user:1:secrets"]}}', "NOT_FOUND"),
    ('{"type": "subscribe", "data": {"topics": ["user:x:orders"]}}', "NOT_FOUND"),
    ('{"type": "subscribe", "data": {"topics": ["orderbook:"]}}', "MARKET_NOT_FOUND"),
    ('{"type": "subscribe", "data": {"topics": ["orderbook:nowhere"]}}', "MARKET_NOT_FOUND"),
    ('{"type": "subscribe", "data": {"topics": ["user:me:orders"]}}', "UNAUTHENTICATED"),
    ('{"type": "snapshot", "data": {"topic": "user:1:orders"}}', "UNAUTHENTICATED"),
    ('{"type": "auth", "data": {}}', "VALIDATION_FAILED"),
    ('{"type": "order.place", "data": {}}', "UNAUTHENTICATED"),
]


async def test_bad_messages(exchange: Exchange, open_socket: Open) -> None:
    """Each bad message gets an error, with the requestId if it is readable.

    The socket stays open.
    """
    client = await open_socket()
    for message, code in BAD:
        assert await raw_error(client, message) == code, message
    assert await raw_error(client, b"\x00binary") == "VALIDATION_FAILED"
    await client.socket.send('{"type": "dance", "surprise": 1, "requestId": "mine"}')
    assert (await client.of("error"))["requestId"] == "mine"
    await client.socket.send(iter(['{"type": "snap', 'shot", "data": {"topic"', ': "markets"}}']))
    assert (await client.of("markets.snapshot"))["data"] == {"items": []}
    await (await client.socket.ping())


async def test_topics_of_others(exchange: Exchange, open_socket: Open) -> None:
    """A subscription to another user's topic is refused whole. A draft's topics are not found."""
    ann, ben = await exchange.trader("ann"), await exchange.trader("ben")
    draft = await exchange.market("secret", status="DRAFT")
    client = await open_socket(ann)
    await client.subscribe("markets")
    for kind in ("orders", "fills", "balances", "positions"):
        topics = ["user:me:orders", f"user:{ben.id}:{kind}"]
        assert await client.error("subscribe", topics=topics) == "FORBIDDEN"
    for kind in ("orderbook", "trades", "ticker"):
        for ref in (draft["id"], "secret"):
            assert await client.error("snapshot", topic=f"{kind}:{ref}") == "MARKET_NOT_FOUND"
    boss = await open_socket(exchange.admin)
    (snapshot,) = await boss.subscribe("orderbook:secret")
    assert snapshot["data"]["bids"] == []
    assert await boss.error("subscribe", topics=[f"user:{ann.id}:orders"]) == "FORBIDDEN"
    opening = {"status": "OPEN"}
    await exchange.admin.client.patch(f"/v1/markets/{draft['id']}", json=opening)
    assert (await client.of("market"))["lastSeq"] == 0


async def test_a_giant_message(exchange: Exchange, open_socket: Open) -> None:
    """A message that is too large closes with 4413, whole, in pieces or by its head alone.

    A message of just the permitted size is read.
    """
    client = await open_socket()
    fits = json.dumps({"type": "pong", "data": "x" * 60_000})
    await client.socket.send(fits)
    await client.ask("snapshot", topic="markets")
    await client.socket.send("x" * 3_000_000)
    assert await client.closed() == websocket.TOO_LARGE
    client = await open_socket()
    await client.socket.send(iter(["x" * 40_000, "y" * 40_000]))
    assert await client.closed() == websocket.TOO_LARGE
    client = await open_socket()
    head = b"\x81\xff" + (2**40).to_bytes(8) + b"mask"
    client.socket.transport.write(head)
    assert await client.closed() == websocket.TOO_LARGE


BROKEN = [
    (b"\x81\x05hello", 1002),  # not masked
    (b"\x83\x80\0\0\0\0", 1002),  # an unknown opcode
    (b"\xc1\x80\0\0\0\0", 1002),  # a reserved bit, as of an extension
    (b"\x80\x80\0\0\0\0", 1002),  # a continuation without a beginning
    (b"\x81\x82\0\0\0\0\xff\xfe", 1007),  # not UTF-8
    (b"\x01\x81\0\0\0\0a\x81\x81\0\0\0\0b", 1002),  # a message within a fragmented message
]


async def test_broken_frames(exchange: Exchange, open_socket: Open) -> None:
    """A broken frame closes the socket with its code, and other clients are served."""
    other = await open_socket()
    for frame, code in BROKEN:
        client = await open_socket()
        client.socket.transport.write(frame)
        assert await client.closed() == code, frame
        await other.ask("snapshot", topic="markets")


async def test_frames_in_any_pieces(exchange: Exchange, open_socket: Open) -> None:
    """Frames are read byte by byte, and many at once with pings between them."""
    client = await open_socket()
    texts = [
        Frame(Opcode.TEXT, json.dumps({"type": "dance", "requestId": f"{n}é"}).encode())
        for n in range(20)
    ]
    ping = Frame(Opcode.PING, b"x").serialize(mask=True)
    data = ping.join(frame.serialize(mask=True) for frame in texts)
    for at in range(300):
        client.socket.transport.write(data[at : at + 1])
        await asyncio.sleep(0)
    client.socket.transport.write(data[300:])
    answers = [await client.of("error") for _ in texts]
    assert [one["requestId"] for one in answers] == [f"{n}é" for n in range(20)]


async def test_floods(exchange: Exchange, open_socket: Open) -> None:
    """Too many messages, valid or not, close with 4429; orders have only the limits of REST."""
    ann = await exchange.trader("ann")
    market = await exchange.market()
    exchange.app.realtime.shared.bounds = SocketLimits(burst=100, rate=1)
    for message in ('{"type": "pong"}', "{", '{"type": "order.place", "data": {}}'):
        client = await open_socket(ann)
        for _ in range(120):
            await client.socket.send(message)
        assert await client.closed() == 4429
    for name in ("pong", "order.place", "dance"):  # 60 KiB are 15 tokens
        client = await open_socket(ann)
        for _ in range(8):
            await client.socket.send(f'{{"type": "{name}"}}'.ljust(60 * 1024))
        assert await client.closed() == 4429
    client = await open_socket(ann)
    ids = [await client.send("order.place", **order(market, "BUY", "0.01")) for _ in range(150)]
    answers = [await client.next() for _ in ids]
    assert {one["type"] for one in answers} == {"order.ack"}


async def test_ten_thousand_subscriptions(exchange: Exchange, open_socket: Open) -> None:
    """Ten sockets with a thousand subscriptions each get every snapshot and every change."""
    view, hub = exchange.node.view, exchange.node.hub
    record = MarketRecord(1, "m1", "?", "", MarketStatus.OPEN, None, None, 100, 0, 0, None, 0, 1,
                          None, 0, 0)  # fmt: skip
    records = [replace(record, id=n, slug=f"m{n}") for n in range(1, 501)]
    view.apply(Changes(1, 0, [MarketChange(one, 1, None) for one in records]))
    names = [f"{kind}:{one.id}" for one in records for kind in ("orderbook", "ticker")]
    clients = [await open_socket() for _ in range(10)]
    for client in clients:
        snapshots = await client.subscribe(*names)
        assert [one["topic"] for one in snapshots] == names
    assert sum(map(len, hub.channels.values())) == 10_000
    books = [BookChange(one.id, 0, 1, [(4_000, 100)], []) for one in records]
    changes = Changes(hub.recent.last_batch + 1, 0, books=books)
    hub.committed(changes, encode(changes))
    for client in clients:
        assert [(await client.of("orderbook.delta"))["topic"] for _ in records] == names[::2]
        await client.socket.close()
    async with asyncio.timeout(60):
        while hub.channels:
            await asyncio.sleep(0.01)


async def test_topics_of_a_connection_are_bounded(exchange: Exchange, open_socket: Open) -> None:
    """Subscriptions beyond the bound get an error that changes nothing; a repeat counts once."""
    market = await exchange.market()
    ann = await exchange.trader("ann")
    exchange.app.realtime.shared.bounds = SocketLimits(topics=3)
    client = await open_socket(ann)
    id = market["id"]
    await client.subscribe(f"orderbook:{id}", f"ticker:{id}", f"trades:{id}")
    assert await client.error("subscribe", topics=["markets"]) == "LIMIT_EXCEEDED"
    await client.subscribe(f"orderbook:{id}")
    await client.ask("unsubscribe", topics=[f"trades:{id}"])
    await client.subscribe("markets")
    too_many = [f"orderbook:{id}"] * 1_001
    assert await client.error("subscribe", topics=too_many) == "VALIDATION_FAILED"


async def test_order_limits(exchange: Exchange, open_socket: Open) -> None:
    """Orders over sockets and HTTP share one limit, with RATE_LIMITED; cancels are not limited."""
    from predmarket.server.gateway.limits.orders import UserLimit
    from predmarket.server.setting_types import RateLimit

    market = await exchange.market()
    ann = await exchange.trader("ann")
    object.__setattr__(
        exchange.app.context.limits, "orders", UserLimit("orders", RateLimit(3, 60), None)
    )
    client = await open_socket(ann)
    placed = await client.ask("order.place", **order(market, "BUY", "0.01"))
    assert placed["type"] == "order.ack"
    for _ in range(2):
        body = order(market, "BUY", "0.01")
        assert (await ann.client.post("/v1/orders", json=body)).status_code == 201
    assert await client.error("order.place", **order(market, "BUY", "0.01")) == "RATE_LIMITED"
    answer = await client.ask("order.cancel", orderId=placed["data"]["order"]["id"])
    assert answer["type"] == "order.ack"


async def test_upgrades_at_other_addresses(exchange: Exchange) -> None:
    """An upgrade request at a plain address is answered as a plain request."""
    client = exchange.anonymous
    assert (await client.get("/realtime")).status_code == 404
    upgrade = {"connection": "upgrade", "upgrade": "websocket"}
    assert (await client.get("/v1/markets", headers=upgrade)).status_code == 200
    assert (await client.get("/nowhere", headers=upgrade)).status_code == 404
    assert (await client.post("/realtime", headers=upgrade)).status_code == 404
