"""The socket's commands and their errors that no third-party client covers."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from predmarket.server.gateway.broadcast.hub import Hub
from predmarket.server.gateway.limits.reads import Reader
from predmarket.server.read_model.changes import Changes
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, User
from tests.support.kalshi import signer

PATH = "/trade-api/ws/v2"


def _open(exchange: Exchange, headers: dict[str, str] | None = None) -> connect:
    return connect(exchange.url.replace("http", "ws") + PATH, additional_headers=headers)


async def _say(socket: ClientConnection, cmd: str, **params: object) -> Any:  # noqa: ANN401 -- JSON
    await socket.send(json.dumps({"id": 1, "cmd": cmd, "params": params}))
    return await _hear(socket)


async def _hear(socket: ClientConnection) -> Any:  # noqa: ANN401 -- JSON
    return json.loads(await asyncio.wait_for(socket.recv(), 10))


async def _order(exchange: Exchange, slug: str, price: str) -> None:
    body = {"marketId": slug, "side": "BUY", "type": "LIMIT", "price": price, "qty": "1"}
    answer = await exchange.admin.client.post("/v1/orders", json=body)
    assert answer.status_code == 201, answer.text


async def _funded(exchange: Exchange) -> None:
    for slug in ("rain", "snow"):
        await exchange.market(slug)
    body = {"userId": exchange.admin.id, "amount": "100", "reason": "test"}
    assert (await exchange.admin.client.post("/v1/user/transfer", json=body)).is_success


async def test_a_subscription_changes_its_markets_and_numbers_its_messages(
    exchange: Exchange,
) -> None:
    """A subscription needs no signature, can change its markets, and numbers all its messages."""
    await _funded(exchange)
    async with _open(exchange) as socket:
        told = await _say(socket, "subscribe", channels=["orderbook_delta"], market_ticker="RAIN")
        assert told == {"id": 1, "type": "subscribed", "msg": told["msg"]}
        sid = told["msg"]["sid"]
        first = await _hear(socket)
        assert (first["type"], first["seq"]) == ("orderbook_snapshot", 1)
        await _order(exchange, "rain", "0.40")
        delta = await _hear(socket)
        assert (delta["seq"], delta["msg"]["price_dollars"], delta["msg"]["delta_fp"]) == (
            2,
            "0.4000",
            "1.00",
        )
        more = {"sid": sid, "action": "add_markets", "market_tickers": ["SNOW"]}
        told = await _say(socket, "update_subscription", **more)
        assert (told["type"], told["seq"]) == ("ok", 3)
        assert told["msg"] == {"market_tickers": ["RAIN", "SNOW"]}
        assert (await _hear(socket))["msg"]["market_ticker"] == "SNOW"
        less = {"sids": [sid], "action": "delete_markets", "market_ticker": "rain"}
        assert (await _say(socket, "update_subscription", **less))["msg"] == {
            "market_tickers": ["SNOW"]
        }
        await _order(exchange, "rain", "0.41")
        await _order(exchange, "snow", "0.30")
        assert (await _hear(socket))["msg"]["market_ticker"] == "SNOW"
        shown = {"sid": sid, "action": "get_snapshot", "market_ticker": "SNOW"}
        assert (await _say(socket, "update_subscription", **shown))["type"] == "ok"
        book = await _hear(socket)
        assert (book["seq"], book["msg"]["yes_dollars_fp"]) == (8, [["0.3000", "1.00"]])
        listed = await _say(socket, "list_subscriptions")
        assert listed["msg"] == [{"channel": "orderbook_delta", "sid": sid}]
        assert (await _say(socket, "unsubscribe", sids=[sid]))["type"] == "unsubscribed"
        assert (await _say(socket, "list_subscriptions"))["msg"] == []


@ON_ONE_DATABASE
async def test_books_are_paid_for_and_sent_in_turns(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each level of a book counts as a row, and another task runs between two books.

    A connection that closes meanwhile leaves no task behind.
    """
    paid: list[tuple[int, int]] = []
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    await _funded(exchange)
    await _order(exchange, "rain", "0.40")
    await _order(exchange, "rain", "0.41")
    monkeypatch.setattr(Reader, "charge", lambda _, rows: paid.append((rows, turns)))
    counting = asyncio.create_task(count_turns())
    async with _open(exchange) as socket:
        books = {"channels": ["orderbook_delta"], "market_tickers": ["RAIN", "SNOW"]}
        await _say(socket, "subscribe", **books)
        assert [(await _hear(socket))["type"] for _ in range(2)] == ["orderbook_snapshot"] * 2
    counting.cancel()
    assert [rows for rows, _ in paid] == [2, 0]
    assert paid[0][1] < paid[1][1]


@ON_ONE_DATABASE
async def test_a_wrong_command_has_the_venues_code(exchange: Exchange) -> None:
    """A wrong command gets the venue's error code, and the socket stays open."""
    await _funded(exchange)
    async with _open(exchange) as socket:
        for raw, code in (
            ("{", 1),
            ("[]", 1),
            ('{"id": 1, "cmd": "subscribe"}', 2),
            ('{"id": 1, "cmd": "subscribe", "params": {}}', 3),
            ('{"id": 1, "cmd": "unsubscribe", "params": {}}', 4),
            ('{"id": 1, "cmd": "dance", "params": {}}', 5),
            ('{"id": 1, "cmd": "unsubscribe", "params": {"sids": [9]}}', 7),
            ('{"id": 1, "cmd": "subscribe", "params": {"channels": ["odd"]}}', 8),
            ('{"id": 1, "cmd": "subscribe", "params": {"channels": ["fill"]}}', 9),
            ('{"id": 1, "cmd": "update_subscription", "params": {"sids": [1, 2]}}', 12),
            ('{"id": 1, "cmd": "subscribe", "params": {"channels": ["orderbook_delta"]}}', 14),
        ):
            await socket.send(raw)
            told = await _hear(socket)
            assert (told["type"], told["msg"]["code"]) == ("error", code), raw
        told = await _say(socket, "subscribe", channels=["ticker"], market_ticker="NONE")
        assert (told["msg"]["code"], told["msg"]["market_ticker"]) == (11, "NONE")
        many = ["RAIN", "SNOW"] * 501
        told = await _say(socket, "subscribe", channels=["ticker"], market_tickers=many)
        assert told["msg"]["code"] == 26
        told = await _say(socket, "subscribe", channels=["ticker"])
        sid = told["msg"]["sid"]
        told = await _say(socket, "update_subscription", sid=sid)
        assert told["msg"]["code"] == 15
        told = await _say(socket, "update_subscription", sid=sid, action="turn")
        assert told["msg"]["code"] == 13


@ON_ONE_DATABASE
async def test_a_socket_ends_with_its_key(exchange: Exchange) -> None:
    """A wrong signature opens no socket, and the revocation of its key closes one."""
    bot = await signer(exchange, exchange.admin)
    with pytest.raises(InvalidStatus, match="401"):
        await _open(exchange, bot.headers("GET", "/trade-api/v2/other"))
    async with _open(exchange, bot.headers("GET", PATH)) as socket:
        assert (await _say(socket, "subscribe", channels=["fill"]))["type"] == "subscribed"
        (key,) = (await exchange.admin.client.get("/v1/auth/api-keys")).json()["items"]
        await exchange.admin.client.delete(f"/v1/auth/api-keys/{key['id']}")
        await asyncio.wait_for(socket.wait_closed(), 10)
        assert socket.close_code == 4401


@ON_ONE_DATABASE
async def test_a_failing_observer_affects_no_other(exchange: Exchange) -> None:
    """A failing observer of the hub costs other subscribers no message."""

    class Broken:
        def committed(self, changes: Changes) -> None:
            raise RuntimeError("a defect")

        def interrupted(self) -> None:
            raise RuntimeError("another")

    hub = exchange.node.services.hub
    assert isinstance(hub, Hub)
    hub.observers.insert(0, Broken())
    await _funded(exchange)
    async with (
        _open(exchange) as ours,
        connect(exchange.url.replace("http", "ws") + "/realtime") as plain,
    ):
        await _say(ours, "subscribe", channels=["orderbook_delta"], market_ticker="RAIN")
        await _hear(ours)
        await plain.send(json.dumps({"type": "subscribe", "data": {"topics": ["orderbook:rain"]}}))
        for _ in range(2):
            await _hear(plain)
        await _order(exchange, "rain", "0.40")
        assert (await _hear(plain))["type"] == "orderbook.delta"
        assert (await _hear(ours))["type"] == "orderbook_delta"


async def test_orders_and_positions_show_the_sums_of_fills(exchange: Exchange) -> None:
    """Orders and positions on the socket show the same sums as REST, earlier fills included."""
    await exchange.market("rain", makerFeeRate="0.03", takerFeeRate="0.07")
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    bot = await signer(exchange, ann)

    async def place(user: User, side: str, qty: str, price: str) -> str:
        body = {"marketId": "rain", "side": side, "type": "LIMIT", "price": price, "qty": qty}
        answer = await user.client.post("/v1/orders", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def heard(type: str) -> Any:  # noqa: ANN401 -- JSON
        while (told := await _hear(socket))["type"] != type:
            pass
        return told["msg"]

    async def check(order: str, cost: str, **sums: str) -> None:
        told, position = await heard("user_order"), await heard("market_position")
        shown = (await bot.get(f"/portfolio/orders/{order}"))["order"]
        for name in ("taker_fill_cost", "maker_fill_cost", "taker_fees", "maker_fees"):
            assert told[f"{name}_dollars"] == shown[f"{name}_dollars"], name
        assert (told["order_id"], told["maker_fill_cost_dollars"]) == (order, cost)
        (held,) = (await bot.get("/portfolio/positions"))["market_positions"]
        assert position["fees_paid_dollars"] == held["fees_paid_dollars"]
        assert {name: position[name] for name in sums} == sums

    resting = await place(ann, "BUY", "10", "0.40")
    await place(bob, "SELL", "2", "0.40")
    async with _open(exchange, bot.headers("GET", PATH)) as socket:
        channels = ["user_orders", "market_positions"]
        assert (await _say(socket, "subscribe", channels=channels))["type"] == "subscribed"
        assert (await _hear(socket))["type"] == "subscribed"
        await place(bob, "SELL", "3", "0.40")
        await check(resting, "2.0000", volume_fp="5.00", position_fp="5.00")
        await place(bob, "SELL", "5", "0.40")
        await check(resting, "4.0000", volume_fp="10.00")
        await place(bob, "SELL", "1", "0.60")
        taken = await place(ann, "BUY", "1", "0.60")
        await check(taken, "0.0000", volume_fp="11.00", position_fp="11.00")
        await place(bob, "BUY", "9", "0.30")
        # fees of 0.072 for ten at 0.40, and 0.0168 for one at 0.60; sales reduce them in proportion
        for qty, cost in (("5.5", "0.0444"), ("1", "0.036328"), ("2", "0.020183")):
            await place(ann, "SELL", qty, "0.30")
            assert (await heard("market_position"))["position_fee_cost_dollars"] == cost
    async with _open(exchange, bot.headers("GET", PATH)) as socket:
        await _say(socket, "subscribe", channels=["market_positions"])
        await place(ann, "SELL", "0.5", "0.30")
        again = (await heard("market_position"))["position_fee_cost_dollars"]
        assert again == "0.016147"
