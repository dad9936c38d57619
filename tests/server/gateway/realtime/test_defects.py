"""A defect within the exchange costs one answer or message, and nobody waits for ever."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from predmarket.server.gateway import presenters
from predmarket.server.gateway.broadcast.send_buffer import SendBuffer
from predmarket.server.gateway.broadcast.subscription import Subscription
from predmarket.server.gateway.broadcast.topics import Topic, TopicKind
from predmarket.server.gateway.limits.reads import Reader, ReadLimit
from predmarket.server.gateway.realtime import history, snapshots
from predmarket.server.gateway.realtime.limits import SocketLimits
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange
from tests.support.sockets import Open, order, place

pytestmark = ON_ONE_DATABASE


def broken(*_args: object, **_more: object) -> Any:  # noqa: ANN401
    """Raise an error."""
    raise KeyError("a defect")


async def test_an_answer_that_cannot_be_rendered(
    exchange: Exchange, open_socket: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that cannot be rendered becomes an error; the next request is answered."""
    market = await exchange.market()
    ann = await exchange.trader("ann")
    id = (await place(ann, market, "BUY", "0.10"))["id"]
    socket = await open_socket(ann)
    with monkeypatch.context() as patch:
        patch.setattr(presenters, "order", broken)
        assert await socket.error("order.place", **order(market, "BUY", "0.10")) == "INTERNAL"
        assert await socket.error("order.amend", orderId=id, qty="2") == "INTERNAL"
        assert await socket.error("order.cancel", orderId=id) == "INTERNAL"
    assert (await socket.ask("order.cancelAll"))["type"] == "order.ack"


async def test_a_change_that_cannot_be_rendered(
    exchange: Exchange, open_socket: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that cannot be rendered is missing on its topic, and the sequence shows the gap.

    Other topics and answers are not affected.
    """
    market = await exchange.market()
    ann = await exchange.trader("ann")
    socket = await open_socket(ann)
    id = market["id"]
    book, ticker = await socket.subscribe(f"orderbook:{id}", f"ticker:{id}")
    await place(ann, market, "BUY", "0.10")
    assert [(await socket.next())["type"] for _ in range(2)] == ["orderbook.delta", "ticker"]
    with monkeypatch.context() as patch:
        patch.setattr(presenters, "ticker", broken)
        await place(ann, market, "BUY", "0.20")
        assert (await socket.of("orderbook.delta"))["lastSeq"] == book["seq"] + 1
    await place(ann, market, "BUY", "0.30")
    assert (await socket.of("orderbook.delta"))["lastSeq"] == book["seq"] + 2
    assert (await socket.of("ticker"))["lastSeq"] == ticker["seq"] + 2
    assert (await socket.ask("unsubscribe", topics=["markets"]))["type"] == "unsubscribed"


async def test_the_check_of_sockets_survives_a_defect(
    exchange: Exchange, open_socket: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task that checks sockets survives a defect."""
    exchange.app.realtime.shared.bounds = SocketLimits(ping_s=0.05, look_s=0.02, recheck_s=0.0)
    ann = await exchange.trader("ann")
    failed = asyncio.Event()

    def fail(*_args: object) -> Any:  # noqa: ANN401
        failed.set()
        broken()

    with monkeypatch.context() as patch:
        patch.setattr(exchange.app.context.principals, "standing", fail)
        socket = await open_socket(ann)
        await failed.wait()
    pings = 0
    async with asyncio.timeout(60):
        while pings < 20:
            pings += '"ping"' in str(await socket.socket.recv())


async def test_subscribing_again_and_again(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that does not read keeps only its current subscriptions in the snapshot queue."""
    monkeypatch.setattr(snapshots, "MANY", 10)
    sink: Any = None
    out = SendBuffer(sink, broken)
    out.paused()
    hub, db = exchange.node.hub, exchange.node.db
    reader = Reader(ReadLimit(None, None), "")
    waiting = snapshots.Snapshots(hub, db, out, reader, lambda: None, broken)
    topic = Topic(TopicKind.MARKETS, 0)
    last = Subscription(topic, out)
    for _ in range(1_000):
        hub.detach(last)
        last = Subscription(topic, out)
        waiting.add(snapshots.Beginning(topic, last))
    assert len(waiting) <= 11
    waiting.clear()
    out.end()


async def test_a_session_in_two_states(exchange: Exchange) -> None:
    """Both sockets of a session stay, although one was opened before its user's role changed."""
    ann = await exchange.register("ann@example.com")
    token = ann.session["accessToken"]
    principals = exchange.app.context.principals
    now = await principals.principal(token, token)
    assert now is not None
    before = now._replace(role=type(now.role).ADMIN)
    assert await principals.standing({before, now}) == {before: now, now: now}


async def test_a_snapshot_that_fails(
    exchange: Exchange, open_socket: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot that fails becomes an error, and the subscription stays as it was."""
    market = await exchange.market()
    ann = await exchange.trader("ann")
    socket = await open_socket(ann)
    (orders,) = await socket.subscribe("user:me:orders")
    with monkeypatch.context() as patch:
        patch.setattr(history, "read", broken)
        assert await socket.error("snapshot", topic="user:me:orders") == "INTERNAL"
    await place(ann, market, "BUY", "0.10")
    assert (await socket.of("order"))["lastSeq"] == orders["seq"]


async def test_a_subscription_that_ends_while_names_are_looked_up(
    exchange: Exchange, open_socket: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A subscription that ends before its snapshot was begun gets no messages any more."""
    market = await exchange.market()
    socket = await open_socket(await exchange.trader("ann"))
    asked, go_on = asyncio.Event(), asyncio.Event()
    learn = exchange.node.hub.names.learn

    async def learn_late(creators: Collection[int]) -> None:
        asked.set()
        await go_on.wait()
        await learn(creators)

    monkeypatch.setattr(exchange.node.hub.names, "learn", learn_late)
    await socket.send("subscribe", topics=["markets"])
    await socket.of("subscribed")
    async with asyncio.timeout(60):
        await asked.wait()
    assert (await socket.ask("unsubscribe", topics=["markets"]))["type"] == "unsubscribed"
    go_on.set()
    await socket.subscribe(f"orderbook:{market['id']}")  # its snapshot comes after that one's turn
    assert Topic(TopicKind.MARKETS, 0) not in exchange.node.hub.channels
