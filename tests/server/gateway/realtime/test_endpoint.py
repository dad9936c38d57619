"""Authentication of sockets, and sockets that the server closes."""

import asyncio
import itertools
import json
from collections.abc import Collection
from contextlib import AsyncExitStack, suppress

import pytest
from sqlalchemy import text
from websockets.exceptions import ConnectionClosed

from predmarket.server.gateway.auth.principals import Principal, Principals
from predmarket.server.gateway.realtime.limits import SocketLimits
from predmarket.testing.serving import serving
from tests.support.http_exchange import ON_ONE_DATABASE, PASSWORD, Exchange, Json, User
from tests.support.sockets import Open, opened, order, refused


def hasten(exchange: Exchange, **bounds: float) -> None:
    """Shorten the bounds of sockets that open from now on."""
    exchange.app.realtime.shared.bounds = SocketLimits(look_s=0.02, **bounds)  # type: ignore[arg-type]  # counts are given nowhere


@ON_ONE_DATABASE
async def test_ways_to_authenticate(exchange: Exchange, open_socket: Open) -> None:
    """A header, a query, a cookie from the own origin and an auth message admit the same user."""
    ann = await exchange.trader("ann")
    token = ann.session["accessToken"]
    cookie = {"cookie": f"predmarket_access={token}", "origin": exchange.url}
    for client in (
        await open_socket(ann),
        await open_socket(query=f"?token={token}"),
        await open_socket(additional_headers=cookie),
    ):
        (snapshot,) = await client.subscribe("user:me:balances")
        assert snapshot["topic"] == f"user:{ann.id}:balances"
    client = await open_socket()
    # Messages behind an auth message wait for it.
    await client.socket.send(json.dumps({"type": "auth", "data": {"token": token}}))
    (snapshot,) = await client.subscribe("user:me:balances")
    assert snapshot["topic"] == f"user:{ann.id}:balances"
    ben = await exchange.trader("ben")
    assert await client.error("auth", token=ben.session["accessToken"]) == "FORBIDDEN"
    again = await client.ask("auth", token=token)
    assert again["type"] == "authenticated"


@ON_ONE_DATABASE
async def test_failed_authentication(exchange: Exchange, open_socket: Open) -> None:
    """An invalid token closes with 4401; a foreign page's cookie gets 403."""
    ann = await exchange.trader("ann")
    for query, headers in (
        ("?token=x", {}),
        ("?token=pmk_x", {}),
        ("", {"authorization": "Bearer x"}),
        ("", {"authorization": "Basic x"}),
    ):
        client = await open_socket(query=query, additional_headers=headers)
        assert await client.closed() == 4401
    client = await open_socket()
    await client.send("auth", token="x")
    assert await client.closed() == 4401
    cookie = f"predmarket_access={ann.session['accessToken']}"
    for headers in ({}, {"origin": "https://evil.example"}):
        answer = await refused(exchange.url, additional_headers={"cookie": cookie, **headers})
        assert answer.status_code == 403
        body = json.loads(answer.body or b"")
        assert body["error"]["code"] == "CSRF"
        assert body["requestId"] == answer.headers["x-request-id"]
    # A stale cookie, which browsers send unasked, counts as none.
    client = await open_socket(additional_headers={"cookie": "predmarket_access=x"})
    await client.ask("snapshot", topic="markets")
    assert await client.error("snapshot", topic="user:me:orders") == "UNAUTHENTICATED"


async def ended_by_logout(exchange: Exchange, ann: User) -> None:
    """End the session by a logout."""
    assert (await ann.client.post("/v1/auth/logout")).status_code == 204


async def ended_by_admin(exchange: Exchange, ann: User) -> None:
    """End the session by disabling the user."""
    body = {"disabled": True}
    answer = await exchange.admin.client.patch(f"/v1/users/{ann.id}", json=body)
    assert answer.status_code == 200, answer.text


async def ended_elsewhere(exchange: Exchange, ann: User) -> None:
    """End the session in the database, as another process would."""
    async with exchange.node.db.write() as connection:
        revoke = text("UPDATE sessions SET revoked_at = 1 WHERE user_id = :id")
        await connection.execute(revoke, {"id": ann.id})


@ON_ONE_DATABASE
async def test_the_end_of_a_session(exchange: Exchange, open_socket: Open) -> None:
    """The end of a session closes exactly its own sockets, however they were authenticated."""
    hasten(exchange, recheck_s=0.02)
    for number, end in enumerate((ended_by_logout, ended_by_admin, ended_elsewhere)):
        ann = await exchange.trader(f"ann{number}")
        token = ann.session["accessToken"]
        key = {"name": "k", "scopes": ["read"]}
        made = (await ann.client.post("/v1/auth/api-keys", json=key)).json()
        with_key = await open_socket(query=f"?token={made['key']}")
        sockets = [await open_socket(ann), await open_socket()]
        await sockets[1].ask("auth", token=token)
        public = await open_socket()
        await end(exchange, ann)
        for client in sockets:
            assert await client.closed() == 4401
        await public.ask("snapshot", topic="markets")
        if end is ended_by_admin:
            assert await with_key.closed() == 4401
        else:
            await with_key.ask("snapshot", topic="user:me:orders")


@ON_ONE_DATABASE
async def test_disabling_cancels_orders_of_sockets(
    exchange: Exchange, open_socket: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders placed on a socket while its user is being disabled are cancelled with the others."""
    await exchange.market()
    ann = await exchange.trader("ann")
    socket = await open_socket(ann)
    asked, go_on = asyncio.Event(), asyncio.Event()
    standing = Principals.standing

    async def standing_later(
        principals: Principals, asked_for: Collection[Principal]
    ) -> dict[Principal, Principal]:
        asked.set()
        await go_on.wait()
        return await standing(principals, asked_for)

    monkeypatch.setattr(Principals, "standing", standing_later)
    disabling = asyncio.create_task(ended_by_admin(exchange, ann))
    async with asyncio.timeout(60):
        await asked.wait()
    placed = await socket.ask("order.place", **order({"id": "rain"}, "BUY", "0.40"))
    assert placed["type"] == "order.ack"
    go_on.set()
    await disabling
    assert await socket.closed() == 4401
    book = await exchange.admin.client.get("/v1/orderbook/rain")
    assert book.json()["bids"] == []


@ON_ONE_DATABASE
async def test_a_password_and_a_key(exchange: Exchange, open_socket: Open) -> None:
    """A new password closes the other sessions' sockets at once. A deleted key closes its own."""
    hasten(exchange, recheck_s=600)
    ann = await exchange.trader("ann")
    login = {"email": ann.email, "password": PASSWORD}
    other = (await exchange.anonymous.post("/v1/auth/login", json=login)).json()["accessToken"]
    exchange.anonymous.cookies.clear()
    made = (
        await ann.client.post("/v1/auth/api-keys", json={"name": "k", "scopes": ["read"]})
    ).json()
    mine, theirs = await open_socket(ann), await open_socket(query=f"?token={other}")
    with_key = await open_socket(query=f"?token={made['key']}")
    change = {"oldPassword": PASSWORD, "newPassword": f"{PASSWORD}!"}
    assert (await ann.client.post("/v1/auth/password", json=change)).status_code == 204
    assert await theirs.closed() == 4401
    await mine.ask("snapshot", topic="user:me:orders")
    await with_key.ask("snapshot", topic="user:me:orders")
    assert (await ann.client.delete(f"/v1/auth/api-keys/{made['id']}")).status_code == 204
    assert await with_key.closed() == 4401
    await mine.ask("snapshot", topic="user:me:orders")


@ON_ONE_DATABASE
async def test_signs_of_life(exchange: Exchange, open_socket: Open) -> None:
    """A client that answers pings, by any message, stays; a silent one is closed with 4408."""
    hasten(exchange, ping_s=0.05, silence_s=0.4)
    silent, talking = await open_socket(), await open_socket()

    async def pong() -> None:
        while True:
            message = json.loads(await talking.socket.recv())
            if message["type"] == "ping":
                assert message.keys() == {"type", "ts", "data"}
                assert message["data"] == {}
                await talking.socket.send('{"type": "pong"}')

    answering = asyncio.create_task(pong())
    assert await silent.closed() == 4408
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)
    await talking.ask("snapshot", topic="markets")


@ON_ONE_DATABASE
@pytest.mark.parametrize("more_settings", [{"trusted_proxies": "127.0.0.0/8"}])
async def test_metrics_and_addresses(
    exchange: Exchange, open_socket: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """A metric counts open sockets, and log lines record each one's beginning and end.

    The line has the address that a trusted proxy forwarded, and no token.
    """
    caplog.set_level("INFO", logger="predmarket")
    ann = await exchange.trader("ann")
    token = ann.session["accessToken"]
    gauge = "ws_connections_active"
    headers = {"x-forwarded-for": "203.0.113.9", "x-request-id": "mine"}
    async with opened(exchange.url, query=f"?token={token}", additional_headers=headers) as one:
        assert one.socket.response is not None
        assert one.socket.response.headers["x-request-id"] == "mine"
        async with opened(exchange.url):
            metrics = (await exchange.anonymous.get("/metrics")).text
            assert f"{gauge} 2.0" in metrics
    async with asyncio.timeout(60):
        while f"{gauge} 0.0" not in (await exchange.anonymous.get("/metrics")).text:
            await asyncio.sleep(0.01)
    first = next(record for record in caplog.records if record.message == "socket_opened")
    assert first.address == "203.0.113.9"  # type: ignore[attr-defined]  # from extra
    assert sum(record.message == "socket_closed" for record in caplog.records) == 2
    assert all(
        token not in str(vars(record))
        for record in caplog.records
        if record.name.startswith("predmarket")
    )


async def test_a_stop_in_the_middle(exchange: Exchange) -> None:
    """At a stop, accepted requests are answered and sockets are closed with 1012.

    Orders with cancelOnDisconnect are cancelled before the core stops.
    """
    market = await exchange.market()
    ann = await exchange.trader("ann")
    stack = AsyncExitStack()
    url, _ = await stack.enter_async_context(serving(exchange.node))
    async with (
        opened(url, ann) as one,
        opened(url) as idle,
        opened(url, ann, "?cancelOnDisconnect=1") as tied,
    ):
        gone = (await tied.ask("order.place", **order(market, "BUY", "0.02")))["data"]["order"]

        answers: list[Json] = []

        async def place_on() -> None:
            with suppress(ConnectionClosed):
                for sent in itertools.count():
                    await one.send("order.place", **order(market, "BUY", "0.01", "0.1"))
                    while sent > len(answers) + 50:  # no more than a slow machine answers in time
                        await asyncio.sleep(0.001)

        placing = asyncio.create_task(place_on())
        answers.append(await one.next())
        stopping = asyncio.create_task(stack.aclose())
        with suppress(ConnectionClosed):
            while True:
                answers.append(await one.next())
        await placing
        assert one.socket.close_code == 1012
        assert await idle.closed() == 1012
        assert await tied.closed() == 1012
        await stopping
    acked = {a["data"]["order"]["id"] for a in answers if a["type"] == "order.ack"}
    assert len(acked) == len(answers), {str(a)[:200] for a in answers if a["type"] != "order.ack"}
    async with exchange.node.db.read() as connection:
        rows = await connection.execute(text("SELECT id FROM orders WHERE status = 'OPEN'"))
        kept = set(rows.scalars())
    assert kept == acked
    ended = (await ann.client.get(f"/v1/orders/{gone['id']}")).json()
    assert ended["reason"] == "DISCONNECT"
