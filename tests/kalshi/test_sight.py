"""Only members see a group's markets in the Kalshi-shaped API, on routes and sockets."""

import asyncio
import json

from websockets.asyncio.client import ClientConnection, connect

from tests.support.http_exchange import ON_ONE_DATABASE, Exchange
from tests.support.http_groups import leave, member
from tests.support.http_orders import order
from tests.support.kalshi import signer

PATH = "/trade-api/ws/v2"
CHANNELS = ["ticker", "trade", "market_lifecycle_v2"]


async def heard(socket: ClientConnection, *last: str) -> list[tuple[str, str]]:
    """Return type and ticker of the messages up to the given one."""
    found: list[tuple[str, str]] = []
    while not found or found[-1] != last:
        message = json.loads(await asyncio.wait_for(socket.recv(), 30))
        found.append((message["type"], message["msg"].get("market_ticker", "")))
    return found


@ON_ONE_DATABASE
async def test_only_members_see_the_market(exchange: Exchange) -> None:
    """Members see the market, its event and its book until they leave and hold nothing."""
    ann, bob = [await exchange.trader(name) for name in ("ann", "bob")]
    await member(exchange, ann)
    key, other = await signer(exchange, ann), await signer(exchange, bob)
    url = exchange.url.replace("http", "ws") + PATH
    async with (
        connect(url, additional_headers=key.headers("GET", PATH)) as inside,
        connect(url, additional_headers=other.headers("GET", PATH)) as outside,
    ):
        subscribe = json.dumps({"id": 1, "cmd": "subscribe", "params": {"channels": CHANNELS}})
        for socket in (inside, outside):
            await socket.send(subscribe)
            for _ in CHANNELS:
                assert json.loads(await socket.recv())["type"] == "subscribed"
        await exchange.market("secret", group="club")
        assert (await key.get("/markets/SECRET"))["market"]["ticker"] == "SECRET"
        assert (await key.get("/events/SECRET"))["event"]["event_ticker"] == "SECRET"
        for path in ("/markets/SECRET", "/events/SECRET", "/markets/SECRET/orderbook"):
            await other.get(path, 404)
        assert (await other.get("/markets"))["markets"] == []
        bid = await order(ann, "BUY", 1, "0.40", "secret")
        book = {"channels": ["orderbook_delta"], "market_ticker": "SECRET"}
        await inside.send(json.dumps({"id": 2, "cmd": "subscribe", "params": book}))
        assert ("orderbook_snapshot", "SECRET") in await heard(
            inside, "orderbook_snapshot", "SECRET"
        )
        await leave(exchange, ann)
        await ann.client.post(f"/v1/orders/{bid['id']}/cancel")
        await key.get("/markets/SECRET", 404)
        await member(exchange, exchange.admin)
        body = {"userId": exchange.admin.id, "amount": "10", "reason": "test"}
        assert (await exchange.admin.client.post("/v1/user/transfer", json=body)).is_success
        await order(exchange.admin, "BUY", 1, "0.41", "secret")
        await exchange.market("rain")
        last = ("market_lifecycle_v2", "RAIN")
        assert ("orderbook_delta", "SECRET") in (told := await heard(inside, *last))
        assert told.count(("orderbook_delta", "SECRET")) == 1  # the cancel's, none after it
        assert {name for _, name in await heard(outside, *last)} == {"RAIN"}
