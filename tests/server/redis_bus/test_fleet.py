"""Two gateways, a core and a standby as real processes, with and without disturbances.

`make crash` disturbs them for longer (tests/crash/fleet.py).
"""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.crash.fleet import flow, leads, loaded, until
from tests.support.fleet import Fleet, fleet
from tests.support.http_exchange import User
from tests.support.load import MARKET
from tests.support.postgres import fresh_database
from tests.support.redis import RedisServer
from tests.support.sockets import Client, opened

CREDENTIALS = {"email": "user@example.com", "password": "password123"}
ADMIN = {"email": "admin@example.com", "password": "admin123"}


@pytest.fixture(scope="module")
def shared_fleet(
    postgres_server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Return a fleet for this module alone, because its servers are killed."""
    folder = tmp_path_factory.mktemp("fleet")
    with (
        RedisServer() as redis,
        fresh_database(postgres_server_url) as url,
        fleet(folder, url, redis) as running,
    ):
        yield running


@pytest.fixture
def running(shared_fleet: Fleet) -> Fleet:
    """Return the fleet with all processes running."""
    shared_fleet.start()
    shared_fleet.leader()
    return shared_fleet


@asynccontextmanager
async def user_at(url: str, credentials: dict[str, str]) -> AsyncIterator[User]:
    """Log in at a gateway."""
    async with httpx.AsyncClient(base_url=url, timeout=60, verify=False) as client:
        answer = await client.post("/v1/auth/login", json=credentials)
        session = answer.json()
        client.cookies.clear()
        client.headers["authorization"] = f"Bearer {session['accessToken']}"
        yield User(session["user"]["id"], credentials["email"], client, session)


async def test_an_order_at_one_gateway_trades_with_one_at_the_other(running: Fleet) -> None:
    """Orders at two gateways trade, and both announce the trade with the same numbers.

    When a gateway dies, exactly the orders tied to its connections are cancelled.
    """
    one, other = running.gateways
    topics = (f"orderbook:{MARKET}", f"trades:{MARKET}", f"ticker:{MARKET}")
    async with AsyncExitStack() as stack:
        buyer = await stack.enter_async_context(user_at(one.url, CREDENTIALS))
        seller = await stack.enter_async_context(user_at(other.url, ADMIN))
        feeds = [
            await stack.enter_async_context(opened(gateway.url, buyer)) for gateway in (one, other)
        ]
        snapshots = [await feed.subscribe(*topics) for feed in feeds]
        assert [m["seq"] for m in snapshots[0]] == [m["seq"] for m in snapshots[1]]
        tied = await stack.enter_async_context(opened(one.url, buyer, "?cancelOnDisconnect=1"))
        body = {"marketId": MARKET, "side": "BUY", "type": "LIMIT", "price": "0.40", "qty": "2"}
        ack = await tied.ask("order.place", **body, clientOrderId="tied")
        assert ack["type"] == "order.ack", ack
        resting = (
            await buyer.client.post(
                "/v1/orders", json={**body, "price": "0.39", "clientOrderId": "free"}
            )
        ).json()
        sold = await seller.client.post(
            "/v1/orders", json={**body, "side": "SELL", "qty": "1", "clientOrderId": "sold"}
        )
        assert [fill["qty"] for fill in sold.json()["fills"]] == ["1.00"]
        books = [
            (await user.client.get(f"/v1/orderbook/{MARKET}")).json() for user in (buyer, seller)
        ]
        told = [await told_of_trades(feed) for feed in feeds]
        assert told[0] == told[1]
        assert len(told[0]) == 1
        assert books[1]["seq"] >= books[0]["seq"]
        await asyncio.to_thread(one.kill)
        orders = buyer.client.headers["authorization"], other.url
        await until(lambda: status(*orders, ack["data"]["order"]["id"]) == "CANCELED")
        assert await asyncio.to_thread(status, *orders, resting["id"]) == "OPEN"


async def told_of_trades(feed: Client) -> dict[tuple[str, int], Any]:
    """Return a feed's trades by topic and number, up to the ticker's message."""
    messages = await feed.until(
        lambda m: m["type"] == "ticker" and m["data"]["lastPrice"] == "0.4000"
    )
    return {(m["topic"], m["seq"]): m["data"] for m in messages if m["type"] == "trade"}


def status(authorization: str, url: str, order_id: int) -> str:
    """Return an order's status as a gateway shows it."""
    headers = {"authorization": authorization}
    with httpx.Client(base_url=url, headers=headers, timeout=60, verify=False) as client:
        return str(client.get(f"/v1/orders/{order_id}").json()["status"])


async def test_the_leader_killed_under_load(running: Fleet) -> None:
    """The standby takes over from a killed leader under load.

    Each acknowledged order exists once, and unknown outcomes can be found.
    """
    async with loaded(running, "kill") as loads:
        await asyncio.to_thread((await asyncio.to_thread(running.leader)).kill)
        await flow(loads)


async def test_the_leader_paused_past_its_lease(running: Fleet) -> None:
    """A leader paused past its lease finds itself deposed, does nothing more and exits."""
    async with loaded(running, "stop") as loads:
        paused = await asyncio.to_thread(running.leader)
        os.kill(paused.pid, signal.SIGSTOP)
        (other,) = (core for core in running.cores if core is not paused)
        await until(lambda: leads(other))
        await flow(loads)
        os.kill(paused.pid, signal.SIGCONT)
        assert await asyncio.to_thread(paused.ended) == 1
        await flow(loads)
    told = [json.loads(line) for line in (paused.folder / "log").read_text().splitlines()]
    (stopping,) = [line for line in told if line["event"] == "stopping"]
    assert (stopping["why"], stopping["error"][:8]) == ("lease lost", "Deposed:")
    assert told[-1]["event"] == "stopped"


async def test_redis_killed_and_back_empty_under_load(running: Fleet) -> None:
    """The fleet continues after a Redis that returns empty, and no acknowledged order is lost."""
    async with loaded(running, "redis") as loads:
        await asyncio.to_thread(running.redis.stop, "kill")
        health = f"{running.gateways[0].url}/healthz"
        await until(lambda: httpx.get(health, verify=False).status_code == 503)
        await asyncio.to_thread(running.redis.start)
        await flow(loads)
        await until(lambda: httpx.get(health, verify=False).status_code == 200)
    log = "".join((core.folder / "log").read_text() for core in running.cores)
    assert "command_stream_lost" in log
