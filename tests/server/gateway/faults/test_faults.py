"""Faults on demand as clients observe them."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from predmarket.client import NewOrder
from predmarket.server.gateway.broadcast import send_buffer
from predmarket.server.gateway.faults import delay_line
from predmarket.testing import Exchange
from tests.support.http_exchange import Json

ORDER = {"marketId": "rain", "side": "BUY", "type": "LIMIT", "qty": "1", "price": "0.10"}


@pytest.fixture(scope="module")
def shared() -> Iterator[Exchange]:
    """Return an exchange with a market and a trader."""
    with Exchange() as made:
        made.market("rain")
        made.deposit("ann", 1_000)
        yield made


@pytest.fixture
def exchange(shared: Exchange) -> Iterator[Exchange]:
    """Return the shared exchange without faults before and after the test."""
    yield shared
    shared.faults("none")


def http(exchange: Exchange, name: str = "ann") -> httpx.Client:
    """Return a client without retries."""
    headers = {"authorization": f"Bearer {exchange.api_key(name)}"}
    return httpx.Client(base_url=exchange.url, headers=headers, timeout=60, verify=False)


def bid(id: str | None = None) -> NewOrder:
    """Return an order that will rest."""
    return NewOrder(market="rain", side="BUY", qty=1, price="0.10", client_order_id=id)


def in_force(exchange: Exchange) -> Json:
    """Return the active faults as an admin sees them."""
    with http(exchange, "admin") as admin:
        answer: Json = admin.get("/v1/faults").json()
        return answer


def resting(exchange: Exchange) -> int:
    """Return the number of executed orders."""
    exchange.faults("none")
    return len(exchange.client("ann").orders(limit=100)["items"])


def test_lost_requests_are_executed_or_not(exchange: Exchange) -> None:
    """A lost request is executed or not; the connection ends without an answer in both cases."""
    before = resting(exchange)
    exchange.faults("loss=0.5,seed=3")
    answered = 0
    with http(exchange) as ann:
        for _ in range(40):
            with suppress(httpx.TransportError):
                answered += ann.post("/v1/orders", json=ORDER).status_code == 201
    lost = in_force(exchange)["injected"]["lost"]
    assert lost == 40 - answered
    carried_out = resting(exchange) - before
    assert answered < carried_out < 40


def test_orders_with_ids_survive_losses(exchange: Exchange) -> None:
    """An order with a client order id exists once after retries of every lost request."""
    before = resting(exchange)
    exchange.faults("loss=0.4,reject=0.2,seed=5")
    with http(exchange) as ann:
        for number in range(10):
            order, status = {**ORDER, "clientOrderId": f"lossy-{number}"}, 0
            while status not in (200, 201):
                with suppress(httpx.TransportError):
                    status = ann.post("/v1/orders", json=order).status_code
    struck = in_force(exchange)["injected"]
    assert struck["lost"] > 0
    assert struck["rejected"] > 0
    assert resting(exchange) == before + 10


def test_rejections_are_those_of_a_full_exchange(exchange: Exchange) -> None:
    """An injected rejection is OVERLOADED for a command and RATE_LIMITED for a read.

    It has Retry-After, and nothing is executed.
    """
    before = resting(exchange)
    exchange.faults("reject=1")
    with http(exchange) as ann:
        orders = [ann.post("/v1/orders", json=ORDER) for _ in range(2)]
        read = ann.get("/v1/user/balance", headers={"x-request-id": "mine"})
    told = [(one.status_code, one.json()["error"]["code"]) for one in (orders[1], read)]
    assert told == [(503, "OVERLOADED"), (429, "RATE_LIMITED")]
    assert orders[1].headers["retry-after"] == read.headers["retry-after"] == "1"
    assert read.headers["x-request-id"] == read.json()["requestId"] == "mine"
    assert in_force(exchange)["injected"] == {"lost": 0, "cut": 0, "rejected": 3}
    assert resting(exchange) == before


def test_latency_delays_answers(exchange: Exchange) -> None:
    """Latency delays answers, except those of health and of the faults' own route."""
    exchange.faults("latency=80ms±20ms")
    with http(exchange, "admin") as admin:
        for path, least, most in (("/v1/status", 0.06, 60.0), ("/v1/faults", 0.0, 0.06)):
            took = []
            for _ in range(3):
                began = time.monotonic()
                assert admin.get(path).status_code == 200
                took.append(time.monotonic() - began)
            assert least <= min(took) < most, path


def test_a_connection_is_cut(exchange: Exchange) -> None:
    """Connections are cut, during an answer too, except those that only read the faults."""
    exchange.faults("cut=20ms,latency=1s")
    with http(exchange) as ann, pytest.raises(httpx.TransportError):
        ann.get("/v1/status")
    assert in_force(exchange)["injected"]["cut"] == 1
    with http(exchange, "admin") as admin:
        assert admin.get("/v1/faults").status_code == 200
        time.sleep(0.05)
        assert admin.get("/healthz").status_code == 200
    assert in_force(exchange)["injected"]["cut"] == 1


def test_an_admin_changes_and_ends_them_in_any_case(exchange: Exchange) -> None:
    """An admin can change and end the faults, in any case of letters, with an admin log entry.

    An invalid change changes nothing, and other users cannot read the faults.
    """
    exchange.faults("loss=1")
    with http(exchange, "admin") as admin:
        assert admin.get("/healthz").status_code == 200
        wrong = admin.put("/v1/faults", json={"faults": "loss=2"})
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "VALIDATION_FAILED")
        assert in_force(exchange)["faults"].startswith("loss=1,seed=")
        asked = "cut=1m,latency=1s+-1s,loss=1,seed=4"
        answer = admin.put("/v1/faults", json={"faults": asked}).json()
        assert answer["faults"] == "latency=1s±1s,loss=1,cut=60s,seed=4"
        assert admin.put("/v1/faults", json={"faults": "none"}).json()["faults"] == "none"
        acts = admin.get("/v1/admin/log?action=FAULTS_SET").json()["items"]
    assert [(act["details"], act["target"]) for act in acts] == [
        ({"faults": "none"}, "exchange:1"),
        ({"faults": asked}, "exchange:1"),
    ]
    with http(exchange) as ann:
        assert ann.get("/v1/faults").status_code == 403
        assert ann.put("/v1/faults", json={"faults": "none"}).status_code == 403


def test_an_exchange_without_them_does_not_know_them() -> None:
    """An exchange without fault injection has no route for it, even for its admin."""
    with Exchange(settings={"fault": None}) as plain, http(plain, "admin") as admin:
        assert admin.put("/v1/faults", json={"faults": "none"}).status_code == 404


# sockets


async def opened(exchange: Exchange, name: str = "ann") -> ClientConnection:
    """Return a socket of a user."""
    url = exchange.url.replace("http", "ws") + "/realtime"
    headers = {"authorization": f"Bearer {exchange.api_key(name)}"}
    return await connect(url, additional_headers=headers, compression=None)


async def place(socket: ClientConnection) -> Json:
    """Place an order; return its answer."""
    await socket.send(json.dumps({"type": "order.place", "data": ORDER, "requestId": "one"}))
    while True:
        answer: Json = json.loads(await asyncio.wait_for(socket.recv(), 30))
        if answer.get("requestId") == "one":
            return answer


async def test_a_socket_has_the_same_faults(exchange: Exchange) -> None:
    """Sockets have the same faults: lost requests, refusals of orders only, and cuts.

    A lost request ends the socket without a close frame.
    """
    exchange.faults("reject=1")
    socket = await opened(exchange)
    answer = await place(socket)
    assert (answer["type"], answer["data"]["code"]) == ("error", "OVERLOADED")
    subscription = {"type": "subscribe", "data": {"topics": ["trades:rain"]}, "requestId": "two"}
    await socket.send(json.dumps(subscription))
    assert json.loads(await socket.recv())["type"] == "subscribed"
    before = resting(exchange)
    exchange.faults("latency=80ms±20ms")
    began = time.monotonic()
    assert (await place(socket))["type"] == "order.ack"
    assert time.monotonic() - began >= 0.06
    for seed in range(12):
        exchange.faults(f"loss=1,seed={seed}")
        with pytest.raises(ConnectionClosed) as caught:
            await place(socket)
        assert caught.value.rcvd is None
        exchange.faults("none")
        socket = await opened(exchange)
    assert before + 1 < resting(exchange) < before + 13
    exchange.faults("cut=20ms")
    with pytest.raises(ConnectionClosed) as caught:
        await asyncio.wait_for(socket.recv(), 30)
    assert caught.value.rcvd is None


async def test_a_slow_feed_ends_as_a_slow_client_does(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow feed delivers everything with a delay; too long a backlog closes it with 1013."""
    monkeypatch.setattr(delay_line, "FULL_BYTES", 1_000)
    monkeypatch.setattr(send_buffer, "MAX_WAITING_BYTES", 4_000)
    socket = await opened(exchange)
    topics = {"type": "subscribe", "data": {"topics": ["user:me:orders"]}}
    await socket.send(json.dumps(topics))
    while json.loads(await socket.recv())["type"] != "orders.snapshot":
        pass
    exchange.faults("slow-feed=2kB/s")
    async with exchange.async_client("ann") as ann:
        first = await ann.place_order(bid())
        assert json.loads(await socket.recv())["data"]["id"] == first["id"]
        for _ in range(20):
            await ann.place_order(bid())
        with suppress(ConnectionClosed):
            while True:
                await asyncio.wait_for(socket.recv(), 30)
    assert socket.close_code == 1013
