"""Two exchanges that differ only in a hidden group's markets look the same to an outsider.

The outsider cannot tell them apart on any route or topic, once times are removed and ids are
replaced by their rank. The test requests every route of the API's document, so that new routes are
covered, and every address of the Kalshi-shaped API. Sockets listen to all public topics from the
beginning. Gaps in ids are accepted; the ranks remove them.
"""

import json
import logging
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar import Litestar
from pydantic import SecretStr
from sqlalchemy import make_url
from websockets.asyncio.client import connect

from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.app import ROUTERS
from predmarket.server.gateway.kalshi import facade, socket_endpoint
from predmarket.server.gateway.openapi.document import document, operations
from predmarket.server.gateway.openapi.examples import EXAMPLES
from predmarket.server.settings import Settings
from tests.support.http_exchange import (
    ON_ONE_DATABASE,
    Exchange,
    Json,
    User,
    database_url,
    settings,
    started,
)
from tests.support.http_groups import leave, member
from tests.support.http_orders import order
from tests.support.kalshi import PATH, Signer, signer
from tests.support.reading import Reading
from tests.support.sockets import Client, opened

__all__ = ["database_url", "settings"]

Step = Callable[[], Awaitable[object]]
Sign = Callable[[str, str], dict[str, str]]
APP = Litestar(ROUTERS, request_class=ApiRequest, openapi_config=None)
KALSHI_FILTERS = ("ticker", "tickers", "market_tickers", "event_ticker", "series_ticker")
HEADERS = ("content-type", "cache-control", "etag", "retry-after", "location", "allow")


@pytest.fixture
def more_settings() -> dict[str, str]:
    """Return the settings of an exchange with the Kalshi-shaped API."""
    return {"kalshi": "on"}


class Answer(NamedTuple):
    """The status and JSON object of an answer; {} stands for other bodies."""

    status: int
    said: Json


class World:
    """An exchange with a group; in one of the two the group has markets and trades."""

    def __init__(self, exchange: Exchange, users: dict[str, User], *, hidden: bool) -> None:
        self.exchange = exchange
        self.users = users
        self.hidden = hidden
        self.reading = Reading()
        self.ids: dict[str, int] = {}
        """The ids of created objects, by the names that ``names`` uses."""

    async def happen(self) -> None:
        """Run the public trading, with hidden steps between its steps."""
        unseen = self._hidden() if self.hidden else iter(())
        for step in self._public():
            await step()
            for hidden in (next(unseen, None), next(unseen, None)):
                if hidden is not None:
                    await hidden()
        for rest in unseen:
            await rest()

    def _public(self) -> Iterator[Step]:
        exchange, (bob, dan) = self.exchange, (self.users["bob"], self.users["dan"])
        admin = exchange.admin.client
        yield lambda: self._made("rain", exchange.market("rain"))
        yield lambda: self._made("cup", self._event("cup"))
        yield lambda: self._made("own", order(bob, "BUY", 5, "0.40"))
        yield lambda: self._made("others", order(dan, "SELL", 2, "0.40"))
        yield lambda: self._made("open", order(dan, "SELL", 3, "0.70", "cup-a"))
        yield lambda: order(bob, "BUY", 1, "0.70", "cup-a")
        yield lambda: admin.patch("/v1/markets/rain", json={"description": "In Oslo."})
        yield lambda: admin.patch("/v1/events/cup", json={"status": "HALTED"})
        yield lambda: exchange.market("last")

    def _hidden(self) -> Iterator[Step]:
        exchange, ann, cat = self.exchange, self.users["ann"], self.users["cat"]
        admin, path = exchange.admin.client, "/v1/markets/secret"
        yield lambda: self._made("secret", exchange.market("secret", group="club", category="x"))
        yield lambda: self._made("poll", self._event("poll", group="club"))
        yield lambda: exchange.market("quiz", group="club", status="DRAFT")
        yield lambda: self._made("unseen", order(ann, "BUY", 5, "0.40", "secret"))
        yield lambda: order(cat, "SELL", 2, "0.40", "secret")
        yield lambda: order(cat, "SELL", 2, "0.30", "poll-a")
        yield lambda: order(ann, "BUY", 1, "0.30", "poll-a")
        yield lambda: order(cat, "SELL", 1, "0.30", "poll-a")
        yield lambda: order(ann, "BUY", 2, "0.30", "poll-a")  # several between two public trades
        yield lambda: admin.patch(path, json={"status": "HALTED"})
        yield lambda: admin.patch(path, json={"status": "OPEN", "question": "Who knows?"})
        yield lambda: leave(exchange, cat)
        yield lambda: ann.client.post("/v1/orders/cancel-all", json={"marketId": "secret"})
        yield lambda: admin.post(f"{path}/resolve", json={"outcome": "YES"})
        yield lambda: admin.post("/v1/events/poll/resolve", json={"outcome": "VOID"})

    async def _made(self, name: str, made: Awaitable[Json]) -> None:
        self.ids[name] = (await made)["id"]

    async def _event(self, slug: str, **fields: object) -> Json:
        markets = [{"slug": f"{slug}-{one}", "question": "Will it?"} for one in "ab"]
        body = {"slug": slug, "title": "Who wins?", "markets": markets, **fields}
        answer = await self.exchange.admin.client.post("/v1/events", json=body)
        assert answer.status_code == 201, answer.text
        made: Json = answer.json()
        return made

    def id(self, name: str) -> str:
        """Return an id; a hidden object's id stands for an unused one in the other exchange."""
        return str(self.ids.get(name, 999_999))

    def names(self, parameter: str) -> list[str]:
        """Return the values to try for a parameter; the first one exists."""
        return {
            "market": ["rain", self.id("rain"), "secret", self.id("secret"), "quiz", "poll-a"],
            "event": ["cup", self.id("cup"), "poll", self.id("poll")],
            "id": [self.id(name) for name in ("own", "others", "open", "unseen")],
            "name": ["RAIN", "SECRET", "POLL-A", self.id("unseen"), self.id("others")],
            "series_ticker": ["CUP", "SECRET", "POLL"],
            "event_ticker": ["CUP", "SECRET", "POLL"],
            "ticker": ["RAIN", "SECRET"],
            "tickers": ["RAIN,SECRET,POLL-A"],
            "market_tickers": ["RAIN,SECRET"],
            "group": ["club", "none"],
            "q": ["r", "secret"],
            "category": ["x"],
            "interval": ["1h"],
        }.get(parameter, [])


def unsigned(method: str, path: str) -> dict[str, str]:
    """Return no headers."""
    del method, path
    return {}


async def listening(stack: AsyncExitStack, world: World) -> list[Client]:
    """Return sockets of the outsider and of an anonymous client, subscribed to all they may see."""
    found = []
    for user in (world.users["bob"], None):
        client = await stack.enter_async_context(opened(world.exchange.url, user))
        kinds = ("orders", "fills", "balances", "positions", "events") if user is not None else ()
        for topic in ("markets", *(f"user:me:{kind}" for kind in kinds)):
            world.reading.note("socket", topic, said=await client.subscribe(topic))
        found.append(client)
    return found


async def hear(world: World, client: Client) -> None:
    """Read messages up to the last market; then request every topic.

    Some topics exist and some do not. Resume the topic of all markets from each number.
    """
    for message in await client.until(lambda one: one.get("data", {}).get("slug") == "last"):
        world.reading.note("heard", said=message)
    topics = [f"{kind}:{name}" for kind in ("orderbook", "trades", "ticker")
              for name in world.names("market")]  # fmt: skip
    for topic in (*topics, *(f"event:{name}" for name in world.names("event"))):
        world.reading.note("snapshot", said=await client.ask("snapshot", topic=topic))
        asked = {"topic": topic, "lastSeq": 0}
        world.reading.note("subscribe", said=await client.ask("subscribe", topics=[asked]))
    for name in ("secret", world.id("secret")):
        body = {"marketId": name, "side": "BUY", "type": "LIMIT", "price": "0.40", "qty": "1"}
        world.reading.note("place", said=await client.ask("order.place", **body))
        world.reading.note("cancel", said=await client.ask("order.cancelAll", marketId=name))
    for last_seq in range(7):
        await client.send("subscribe", topics=[{"topic": "markets", "lastSeq": last_seq}])
        behind = await client.send("snapshot", topic="markets")
        for message in await client.until(lambda one: one.get("requestId") == behind):  # noqa: B023
            world.reading.note("resumed", last_seq, said=message)


class Walk:
    """The outsider's requests. ``client`` sends them, with the headers that ``sign`` returns."""

    def __init__(self, world: World, client: httpx.AsyncClient, sign: Sign = unsigned) -> None:
        self._world = world
        self._client = client
        self._sign = sign

    async def ask(self, method: str, path: str, body: Json | None = None) -> Answer:
        """Send a request and record the answer; return its status and JSON object."""
        headers = self._sign(method, path.partition("?")[0])
        answer = await self._client.request(method, path, json=body, headers=headers)
        is_json = "json" in answer.headers.get("content-type", "") and answer.content
        fixed = path in ("/openapi.json", "/docs")  # the ids in its examples are fixed
        said = answer.json() if is_json and not fixed else answer.text
        told = [answer.headers.get(name) for name in HEADERS]
        shown = re.sub(r"cursor=.*|\d+", "#", path)
        self._world.reading.note(method, shown, answer.status_code, told, said=said)
        return Answer(answer.status_code, said if isinstance(said, dict) else {})

    async def pages(self, path: str) -> Answer:
        """Get an address, and a list also in pages of one item."""
        answer = await self.ask("GET", path)
        name = next((one for one in ("nextCursor", "cursor") if one in answer.said), None)
        short = f"{path}{'&' if '?' in path else '?'}limit=1"
        following = "" if name is None else (await self.ask("GET", short)).said.get(name)
        while following and name is not None:
            following = (await self.ask("GET", f"{short}&cursor={following}")).said.get(name)
        return answer

    def paths(self, template: str) -> list[str]:
        """Return an address with each of its parameters' values in turn."""
        names = re.findall(r"\{(\w+)", template)
        others = "id" if "/orders/" not in template else ""  # an id of an object that is no order
        tried = {name: self._world.names(name) or ["1"] for name in names if name != others}
        tried |= {name: ["1"] for name in names if name == others}
        usual = {name: values[0] for name, values in tried.items()}
        shape = re.sub(r"\{(\w+):\w+\}", r"{\1}", template)
        chosen = [usual | {name: value} for name in names for value in tried[name]]
        return [shape.format(**one) for one in chosen or [{}]]


async def walk_document(world: World, client: httpx.AsyncClient) -> None:
    """Request every route of the document with every filter and body, except for the accounts'."""
    walk, paths = Walk(world, client), document(APP)["paths"]
    for one in operations(APP):
        parameters = paths[one.path][one.method.lower()].get("parameters", [])
        filters = [(each["name"], value) for each in parameters if each["in"] == "query"
                   for value in world.names(each["name"])]  # fmt: skip
        bodies = [None] if one.body is None else _bodies(world, one.body[0])
        for path in walk.paths(one.path):
            if one.method.upper() == "GET":
                answer = await walk.pages(path)
                for name, value in filters if answer.status < 403 else ():
                    await walk.ask("GET", f"{path}?{name}={value}")
            elif not path.startswith("/v1/auth/"):
                answers = [await walk.ask(one.method, path, body) for body in bodies]
                answer = answers[0]
            else:
                break
            if answer.status == 403 and path == walk.paths(one.path)[0]:
                break  # only admins may use it


def _bodies(world: World, kind: type) -> list[Json | None]:
    """Return the example of a body, with each market and event as its target."""
    example = json.loads(msgspec.json.encode(EXAMPLES[kind]))
    names = {"marketId": "market", "eventId": "event"}
    found = [{**example, key: value} for key in names if key in example
             for value in world.names(names[key])]  # fmt: skip
    return [*found] or [example]


async def walk_kalshi(world: World, key: Signer, client: httpx.AsyncClient) -> None:
    """Request every address of the Kalshi-shaped API, and its lists with every filter."""
    walk = Walk(world, client, key.headers)
    span = "period_interval=60&start_ts=1&end_ts=2000"
    body = {"ticker": "SECRET", "side": "bid", "count": "1", "price": "0.40", "reduce_by": "1"}
    for route in facade.ROUTER.routes:
        more = f"?{span}&" if "candlesticks" in route.path else "?"
        answer = Answer(0, {})
        for path in walk.paths(route.path):
            if "GET" in route.methods:
                answer = await walk.pages(path + more)
            for method in sorted({"POST", "DELETE"} & route.methods):
                if "api_keys" not in path:
                    await walk.ask(method, path, body)
        if answer.status == 400 or any(
            isinstance(one, list) and one for one in answer.said.values()
        ):
            for name in KALSHI_FILTERS:
                for value in world.names(name):
                    await walk.ask("GET", f"{path}{more}{name}={value}")
    await walk.ask("POST", f"{PATH}/portfolio/events/orders", body)


@asynccontextmanager
async def begun(settings: Settings, folder: Path, *, hidden: bool) -> AsyncIterator[World]:
    """Run a new exchange with a group of two users and two other users."""
    url = make_url(settings.database).set(database=str(folder / "exchange.db"))
    shutil.copy(make_url(settings.database).database or "", folder / "exchange.db")
    given = {"data_dir": folder, "database_url": SecretStr(str(url))}
    async with started(settings.model_copy(update=given)) as exchange:
        users = {name: await exchange.trader(name) for name in ("ann", "bob", "cat", "dan")}
        for name in ("ann", "cat"):
            await member(exchange, users[name])
        yield World(exchange, users, hidden=hidden)


async def read(world: World) -> Reading:
    """Return everything that the outsider and an anonymous client see."""
    private = Ed25519PrivateKey.generate()
    key = await signer(world.exchange, world.users["bob"], private=private)
    async with AsyncExitStack() as stack:
        clients = await listening(stack, world)
        kalshi = await stack.enter_async_context(
            connect(world.exchange.url.replace("http", "ws") + socket_endpoint.PATH)
        )
        channels = {"channels": ["ticker", "trade", "market_lifecycle_v2"]}
        await kalshi.send(json.dumps({"id": 1, "cmd": "subscribe", "params": channels}))
        await world.happen()
        while b'"LAST"' not in (heard := await kalshi.recv(decode=False)):
            world.reading.note("kalshi", said=json.loads(heard))
        for client in clients:
            await hear(world, client)
    app: Any = world.exchange.app  # the library does not name its types
    token = world.users["bob"].client.headers["authorization"]
    far = httpx.ASGITransport(app=app, client=("203.0.113.7", 1))  # not from loopback
    async with httpx.AsyncClient(transport=far, base_url=world.exchange.url) as outsider:
        await walk_kalshi(world, key, outsider)
        outsider.headers["authorization"] = token
        await walk_document(world, outsider)
    return world.reading


@ON_ONE_DATABASE
async def test_an_outsider_cannot_tell(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The outsider sees the same on sockets, on every route and in the Kalshi-shaped API."""
    caplog.set_level(logging.ERROR)  # thousands of log lines would cost more than the requests
    told = []
    for hidden in (False, True):
        folder = tmp_path / str(hidden)
        folder.mkdir()
        async with begun(settings, folder, hidden=hidden) as world:
            told.append((await read(world)).lines)
    for without, with_them in zip(*told, strict=False):
        assert without == with_them
    assert len(told[0]) == len(told[1])
