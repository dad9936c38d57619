"""A lagging gateway never reports another gateway's new market as missing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeAlias

import httpx
import pytest

from predmarket.engine.commands import CreateMarket, OpenAccount
from predmarket.enums import MarketStatus, Role
from predmarket.server.gateway.app import create_app
from predmarket.server.gateway.auth.principals import Principal, Principals
from predmarket.server.process.roles.gateway import Gateway
from predmarket.server.redis_bus import follower, view_loader
from predmarket.server.redis_bus.connection import Entry
from tests.support.http_exchange import Json
from tests.support.redis_halves import Halves

Ask: TypeAlias = Callable[..., Awaitable[httpx.Response]]

ORDER: Json = {"side": "BUY", "type": "LIMIT", "price": "0.40", "qty": "1"}


@asynccontextmanager
async def asking(running: Gateway, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    """Yield a function that sends requests to a gateway as user 1, a trader and admin."""
    somebody = Principal(1, 1, Role.ADMIN)

    async def let_in(*_: object) -> Principal:
        return somebody

    monkeypatch.setattr(Principals, "principal", let_in)
    transport = httpx.ASGITransport(create_app(running.services))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://exchange") as client:

        async def ask(method: str, path: str, body: Json | None = None) -> httpx.Response:
            headers = {"authorization": "Bearer x"}
            return await client.request(method, path, json=body, headers=headers)

        yield ask


class Lagging:
    """Delays a gateway's batches until it may hear them or reads the database."""

    def __init__(self, running: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
        take = running.follower.take
        self._gate = asyncio.Event()

        async def late(entry: Entry) -> None:
            await self._gate.wait()
            await take(entry)

        monkeypatch.setattr(running.follower, "take", late)

    def hear(self) -> None:
        """Let the gateway hear its batches."""
        self._gate.set()


async def made_elsewhere(halves: Halves, slug: str, status: MarketStatus) -> None:
    """Make a market at another gateway."""
    other = await halves.gateway()
    await other.services.bus.submit(OpenAccount(1, 100_000_000))
    await other.services.bus.submit(CreateMarket(slug, "?", "", 100, 0, 0, None, status, 1))


READS = (
    "/v1/markets/rain",
    "/v1/markets/1",
    "/v1/orderbook/rain",
    "/v1/trades/rain",
    "/v1/candles/rain?interval=1h",
    "/v1/orders?market=rain",
    "/v1/user/positions?market=rain",
)
WRITES: list[tuple[str, Json, int]] = [
    ("/v1/orders", {**ORDER, "marketId": "rain", "clientOrderId": "a"}, 201),
    ("/v1/orders", {**ORDER, "marketId": 1, "clientOrderId": "b"}, 201),
    ("/v1/orders/batch", {"orders": [{**ORDER, "marketId": "rain"}]}, 200),
    ("/v1/orders/preview", {**ORDER, "marketId": "rain"}, 200),
    ("/v1/orders/cancel-all", {"marketId": "rain"}, 200),
]


@pytest.mark.parametrize("what", [*READS, *WRITES])
async def test_a_market_made_elsewhere_is_found(
    halves: Halves, monkeypatch: pytest.MonkeyPatch, what: str | tuple[str, Json, int]
) -> None:
    """A request for another gateway's market waits for its batch, or the core decides."""
    await halves.leader()
    running = await halves.gateway()
    lagging = Lagging(running, monkeypatch)
    await made_elsewhere(halves, "rain", MarketStatus.OPEN)
    assert running.services.view.find("rain") is None
    async with AsyncExitStack() as stack:
        ask = await stack.enter_async_context(asking(running, monkeypatch))
        method, path, body, status = (
            ("GET", what, None, 200) if isinstance(what, str) else ("POST", *what)
        )
        asked = asyncio.ensure_future(ask(method, path, body))
        await asyncio.wait((asked,), timeout=0.2)
        lagging.hear()
        answer = await asked
    assert answer.status_code == status, answer.text
    if path == "/v1/orders/batch":
        assert "order" in answer.json()["results"][0]


async def test_an_unknown_market_is_not_refused_for_ever(
    halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a bounded wait an unknown market gets 404. A later repeat of the order is placed."""
    monkeypatch.setattr(follower, "CATCH_UP_S", 0.2)
    await halves.leader()
    running = await halves.gateway()
    lagging = Lagging(running, monkeypatch)
    await made_elsewhere(halves, "rain", MarketStatus.OPEN)
    order = {**ORDER, "marketId": "rain", "clientOrderId": "mine"}
    async with asking(running, monkeypatch) as ask:
        refused = await ask("POST", "/v1/orders", order)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "MARKET_NOT_FOUND")
        lagging.hear()
        again = await ask("POST", "/v1/orders", order)
        assert again.status_code == 201, again.text


async def test_concurrent_requests_share_queries(
    halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of requests for unknown names shares one query at a time."""
    await halves.leader()
    running = await halves.gateway()
    asked = 0
    last_batch: Any = view_loader.last_batch

    async def counted(db: object) -> int:
        nonlocal asked
        asked += 1
        number: int = await last_batch(db)
        return number

    monkeypatch.setattr(view_loader, "last_batch", counted)
    await asyncio.gather(*(running.services.catch_up() for _ in range(500)))
    assert asked == 1
