"""The feed and the exchange agree on messages, permissions and the lives of orders."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect

from predmarket.client import ApiError, AsyncClient, Feed, NewOrder, Session, State
from predmarket.client.messages import OrderChanged, OrdersSnapshot, TopicMessage
from predmarket.client.session import Tokens
from tests.support.cutter import AT_ONCE, Cutter
from tests.support.http_exchange import PASSWORD, Exchange, User

TOPICS = ["markets", "orderbook:1", "trades:1", "ticker:1"] + [
    f"user:me:{name}" for name in ("orders", "fills", "balances", "positions")
]


def token(user: User) -> str:
    """Return a user's access token."""
    return str(user.session["accessToken"])


def limit(side: str, price: str, qty: str = "1", client_order_id: str | None = None) -> NewOrder:
    """Return an order of the first market."""
    return NewOrder(market=1, side=side, price=price, qty=qty, client_order_id=client_order_id)


async def bare(url: str, key: str, heard: list[bytes]) -> None:
    """Record every message of a topic that a bare socket receives."""
    address = url.replace("http", "ws") + "/realtime"
    headers = {"Authorization": f"Bearer {key}"}
    async with connect(address, additional_headers=headers, proxy=None) as socket:
        await socket.send(json.dumps({"type": "subscribe", "data": {"topics": TOPICS}}))
        while True:
            text = await socket.recv(decode=False)
            if "topic" in json.loads(text):
                heard.append(text)


async def library(feed: Feed, heard: list[bytes]) -> None:
    """Record every message of a topic that the feed yields."""
    async for message in feed:
        match message:
            case TopicMessage(raw=raw):
                heard.append(raw)


async def to_the_end(feed: Feed) -> None:
    """Read until the feed ends."""
    async with asyncio.timeout(60):
        async for _ in feed:
            pass


async def test_the_library_yields_what_the_socket_says(exchange: Exchange) -> None:
    """The feed yields every message of every topic, in the same order, byte for byte."""
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    plain, yielded = list[bytes](), list[bytes]()
    async with (
        Feed(exchange.url, api_key=token(bob)) as other,
        Feed(exchange.url, api_key=token(ann), topics=TOPICS) as feed,
        asyncio.TaskGroup() as group,
    ):
        tasks = [
            group.create_task(bare(exchange.url, token(ann), plain)),
            group.create_task(library(feed, yielded)),
        ]
        await other.live()
        while min(len(plain), len(yielded)) < len(TOPICS):
            await asyncio.sleep(0.001)
        for number in range(10):
            await other.place(limit("SELL", f"0.{50 + number % 3}", "2"))
            await feed.place(limit("BUY", f"0.{49 + number % 4}", "3"))
        await feed.cancel_all()
        await exchange.market("snow")
        last = b'"snow"'
        async with asyncio.timeout(60):
            while not (last in plain[-1] and last in yielded[-1]):
                await asyncio.sleep(0.001)
        for task in tasks:
            task.cancel()
    begun = len(TOPICS)  # each snapshot has its own time
    assert yielded[begun:] == plain[begun:]
    assert len(yielded) > begun + 60


async def test_orders_over_the_socket(exchange: Exchange) -> None:
    """Orders over the socket are placed, repeated, refused, amended and cancelled as over REST."""
    await exchange.market()
    ann = await exchange.trader("ann")
    async with (
        AsyncClient(exchange.url, api_key=token(ann)) as rest,
        Feed(exchange.url, api_key=token(ann), topics=["user:me:orders"]) as feed,
    ):
        async with asyncio.timeout(60):
            async for message in feed:  # the snapshot may contain orders placed before it
                if isinstance(message, OrdersSnapshot):
                    break
        order = await feed.place(limit("BUY", "0.5", "10", "once"))
        assert (order["status"], order["fills"], order["qty"]) == ("OPEN", [], "10.00")
        assert await feed.place(limit("BUY", "0.5", "10", "once")) == order
        with pytest.raises(ApiError) as caught:
            await feed.place(limit("BUY", "0.5", "11", "once"))
        assert (caught.value.status, caught.value.code) == (409, "DUPLICATE_CLIENT_ORDER_ID")
        with pytest.raises(ApiError) as caught:
            await feed.place(limit("BUY", "0.5", "10.001"))
        assert (caught.value.status, caught.value.code) == (400, "VALIDATION_FAILED")
        assert isinstance(caught.value.details, list)
        assert (await feed.amend(order["id"], qty="5"))["qty"] == "5.00"
        assert (await feed.cancel(order["id"]))["status"] == "CANCELED"
        with pytest.raises(ApiError, match="ORDER_NOT_OPEN"):
            await feed.cancel(order["id"])
        others = [(await feed.place(limit("BUY", f"0.{n}")))["id"] for n in (10, 11)]
        assert await feed.cancel_all(market="rain", side="BUY") == {"canceled": others}
        told: dict[int, list[str]] = {}
        async with asyncio.timeout(60):
            async for message in feed:
                if isinstance(message, OrderChanged):
                    told.setdefault(message.data["id"], []).append(message.data["status"])
                    if told.get(others[1]) == ["OPEN", "CANCELED"]:
                        break
        assert told[order["id"]] == ["OPEN", "OPEN", "CANCELED"]
        assert {one["status"] for one in (await rest.orders())["items"]} == {"CANCELED"}


async def test_orders_end_with_their_connection(exchange: Exchange, cutter: Cutter) -> None:
    """Orders placed with that option end with their connection, and no others."""
    await exchange.market()
    ann = await exchange.trader("ann")
    async with (
        AsyncClient(exchange.url, api_key=token(ann)) as rest,
        Feed(cutter.url, api_key=token(ann), cancel_on_disconnect=True, backoff=AT_ONCE) as careful,
        Feed(cutter.url, api_key=token(ann), backoff=AT_ONCE) as careless,
    ):
        await careful.live()
        await careless.live()
        gone = await careful.place(limit("BUY", "0.4"))
        stays = await careless.place(limit("BUY", "0.4"))
        cutter.cut()
        async with asyncio.timeout(60):
            while (ended := await rest.order(gone["id"]))["status"] == "OPEN":
                await asyncio.sleep(0.001)
        assert (ended["status"], ended["reason"]) == ("CANCELED", "DISCONNECT")
        assert (await rest.order(stays["id"]))["status"] == "OPEN"


async def test_a_session_is_renewed_and_ends(exchange: Exchange) -> None:
    """An expired token costs one renewal; a logout ends the feed with a reason."""
    ann = await exchange.trader("ann")
    session = Session()
    async with AsyncClient(exchange.url, session=session) as rest:
        await rest.login(ann.email, PASSWORD)
        fresh = session.load()
        assert fresh is not None
        session.keep(Tokens("expired", fresh.refresh))
        topics = ["user:me:balances"]
        async with Feed(exchange.url, session=session, topics=topics, backoff=AT_ONCE) as feed:
            await feed.live()
            renewed = session.load()
            assert renewed is not None
            assert renewed.access not in ("expired", fresh.access)
            await rest.logout()
            with pytest.raises(ApiError, match="UNAUTHENTICATED"):
                await to_the_end(feed)
            assert feed.state is State.CLOSED


async def test_what_is_not_allowed(exchange: Exchange) -> None:
    """Topics of another user, private ones without a login, and an invalid key are refused."""
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    async with Feed(exchange.url, api_key=token(ann)) as feed:
        await feed.live()
        with pytest.raises(ApiError, match="FORBIDDEN"):
            await feed.subscribe(f"user:{bob.id}:orders")
        with pytest.raises(ApiError, match="MARKET_NOT_FOUND"):
            await feed.subscribe("trades:nowhere", "markets")
        await feed.subscribe("markets")
    for key, topics in ((None, ["user:me:orders"]), ("nonsense", []), ("nonsense", ["markets"])):
        async with Feed(exchange.url, api_key=key, topics=topics, backoff=AT_ONCE) as feed:
            with pytest.raises(ApiError, match="UNAUTHENTICATED"):
                await to_the_end(feed)
