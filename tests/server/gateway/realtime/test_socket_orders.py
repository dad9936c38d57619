"""Orders over a socket behave as over HTTP, and their answer precedes their events."""

import asyncio
import json

import pytest

from predmarket.engine import steps
from predmarket.server.gateway.auth.principals import Principal, Principals
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json
from tests.support.sockets import Client, Open, order, place


async def test_place_amend_cancel(exchange: Exchange, open_socket: Open) -> None:
    """Each order request is answered with the order as REST shows it."""
    market = await exchange.market()
    ann, ben = await exchange.trader("ann"), await exchange.trader("ben")
    socket = await open_socket(ann)
    placed = await socket.ask("order.place", **order(market, "BUY", "0.40", "10"))
    assert placed["type"] == "order.ack"
    id = placed["data"]["order"]["id"]
    shown = (await ann.client.get(f"/v1/orders/{id}")).json()
    shown.pop("queueAhead")
    assert placed["data"]["order"] == shown
    await place(ben, market, "SELL", "0.40", "4")
    amended = await socket.ask("order.amend", orderId=id, qty="8")
    assert amended["data"]["order"]["qtyRemaining"] == "4.00"
    assert [fill["qty"] for fill in amended["data"]["order"]["fills"]] == ["4.00"]
    canceled = await socket.ask("order.cancel", orderId=id)
    assert canceled["data"]["order"]["status"] == "CANCELED"
    assert canceled["data"]["order"] == (await ann.client.get(f"/v1/orders/{id}")).json()
    kept = [
        (await socket.ask("order.place", **order(market, "BUY", price)))["data"]["order"]["id"]
        for price in ("0.10", "0.20")
    ]
    assert (await socket.ask("order.cancelAll", side="SELL"))["data"] == {"canceled": []}
    names = [{"slug": f"race-{letter}", "question": "?"} for letter in "ab"]
    race = {"slug": "race", "title": "Who wins?", "markets": names}
    await exchange.admin.client.post("/v1/events", json=race)
    assert (await socket.ask("order.cancelAll", eventId="race"))["data"] == {"canceled": []}
    assert (await socket.ask("order.cancelAll", marketId="rain"))["data"] == {"canceled": kept}
    no_data = json.dumps({"type": "order.cancelAll", "requestId": "x"})
    await socket.socket.send(no_data)
    assert (await socket.of("order.ack"))["data"] == {"canceled": []}


@ON_ONE_DATABASE
async def test_an_order_by_ones_own_id(exchange: Exchange, open_socket: Open) -> None:
    """An order can be named by "client:" and its client order id, as over HTTP."""
    market = await exchange.market()
    ann, ben = await exchange.trader("ann"), await exchange.trader("ben")
    socket = await open_socket(ann)
    placed = await socket.ask(
        "order.place", **order(market, "BUY", "0.40", "10", clientOrderId="mine")
    )
    id = placed["data"]["order"]["id"]
    amended = await socket.ask("order.amend", orderId="client:mine", qty="8")
    assert (amended["data"]["order"]["id"], amended["data"]["order"]["qty"]) == (id, "8.00")
    another = await open_socket(ben)
    for wrong in ("client:mine", "client:", "client:" + "x" * 65, 0, 2**63):
        refused = await another.ask("order.cancel", orderId=wrong)
        assert (wrong, refused["data"]["code"]) == (wrong, "ORDER_NOT_FOUND")
    assert (await another.ask("order.cancel", orderId=id))["data"]["code"] == "FORBIDDEN"
    canceled = await socket.ask("order.cancel", orderId="client:mine")
    assert canceled["data"]["order"]["status"] == "CANCELED"


async def test_the_ack_comes_first(exchange: Exchange, open_socket: Open) -> None:
    """An order's answer precedes its own messages, whether it comes from memory or the database."""
    market = await exchange.market()
    ann, ben = await exchange.trader("ann"), await exchange.trader("ben")
    await place(ben, market, "SELL", "0.50", "100")
    socket = await open_socket(ann)
    await socket.subscribe("user:me:orders", "user:me:fills")
    for _ in range(8):
        ids = [await socket.send("order.place", **order(market, "BUY", "0.50")) for _ in range(3)]
        ids.append(await socket.send("order.place", **order(market, "BUY", "0.30", "2")))
        acked: set[int] = set()
        last = 0
        while ids:
            message = await socket.next()
            if message["type"] == "order.ack":
                assert message["requestId"] == ids.pop(0)
                acked.add(message["data"]["order"]["id"])
                last = message["data"]["order"]["id"]
            elif message["type"] == "order":
                assert message["data"]["id"] in acked
            else:
                assert message["data"]["orderId"] in acked
        await socket.until(lambda one: one["type"] == "order" and one["data"]["id"] == last)  # noqa: B023
        request = await socket.send("order.amend", orderId=last, price="0.50", qty="3")
        *before, ack = await socket.until(lambda one: one.get("requestId") == request)  # noqa: B023
        assert all(one["type"] == "fill" and one["data"]["orderId"] != last for one in before)
        assert len(ack["data"]["order"]["fills"]) == 1
        await socket.until(lambda one: one["type"] == "fill" and one["data"]["orderId"] == last)  # noqa: B023


async def test_the_ack_comes_before_cash_and_shares(exchange: Exchange, open_socket: Open) -> None:
    """An order's answer precedes the messages about cash and shares.

    This holds with and without fills to read.
    """
    market = await exchange.market()
    ann, ben = await exchange.trader("ann"), await exchange.trader("ben")
    await place(ben, market, "SELL", "0.50", "1")
    socket = await open_socket(ann)
    await socket.subscribe(*(f"user:me:{kind}" for kind in ("orders", "balances", "positions")))
    placed = await socket.send("order.place", **order(market, "BUY", "0.50", "2"))
    ack = await socket.of("order.ack")
    assert ack["requestId"] == placed
    assert {(await socket.next())["type"] for _ in range(3)} == {"order", "balance", "position"}
    id = ack["data"]["order"]["id"]
    changes: list[tuple[str, Json]] = [("order.amend", {"qty": "3"}), ("order.cancel", {})]
    for type, more in changes:
        asked = await socket.send(type, orderId=id, **more)
        assert (await socket.of("order.ack"))["requestId"] == asked
        seen = await socket.until(lambda one: one["type"] == "balance")
        assert [one["type"] for one in seen] == ["order", "balance"]
        if type == "order.amend":
            await socket.of("position")


REFUSED: list[tuple[Json, str]] = [
    ({"marketId": "nowhere"}, "MARKET_NOT_FOUND"),
    ({"price": "0.405"}, "PRICE_OFF_TICK"),
    ({"qty": "1000000"}, "INSUFFICIENT_FUNDS"),
    ({"qty": "0"}, "VALIDATION_FAILED"),
    ({"qty": None}, "VALIDATION_FAILED"),
    ({"surprise": 1}, "VALIDATION_FAILED"),
    ({"marketId": 10**30}, "MARKET_NOT_FOUND"),
    ({"type": "MARKET", "price": None}, "NO_LIQUIDITY"),
    ({"timeInForce": "FOK"}, "FOK_NOT_FILLABLE"),
    ({"reduceOnly": True}, "NOTHING_TO_REDUCE"),
    ({"deadline": "2020-01-01T00:00:00Z"}, "DEADLINE_PASSED"),
]


@ON_ONE_DATABASE
async def test_refusals_are_those_of_rest(exchange: Exchange, open_socket: Open) -> None:
    """A refusal has the code, message and details of REST, except for the record's id."""
    market = await exchange.market()
    ann = await exchange.trader("ann")
    socket = await open_socket(ann)
    for changes, code in REFUSED:
        body = {**order(market, "BUY", "0.40"), **changes}
        answer = await socket.ask("order.place", **body)
        rest = (await ann.client.post("/v1/orders", json=body)).json()["error"]
        assert answer["type"] == "error", answer
        for error in (answer["data"], rest):
            if isinstance(error["details"], dict):
                error["details"].pop("orderId", None)
        assert answer["data"] == rest
        assert rest["code"] == code, body
    other = await exchange.trader("ben")
    theirs = (await place(other, market, "BUY", "0.10"))["id"]
    assert await socket.error("order.cancel", orderId=theirs) == "FORBIDDEN"
    assert await socket.error("order.cancel", orderId=theirs + 1000) == "ORDER_NOT_FOUND"
    assert await socket.error("order.cancel", orderId=10**40) == "ORDER_NOT_FOUND"
    assert await socket.error("order.cancel", orderId="1") == "VALIDATION_FAILED"
    assert await socket.error("order.amend", orderId=theirs, qty="3") == "FORBIDDEN"
    assert await socket.error("order.cancelAll", marketId="nowhere") == "MARKET_NOT_FOUND"
    assert await socket.error("order.cancelAll", eventId="nowhere") == "EVENT_NOT_FOUND"
    mine = (await place(ann, market, "BUY", "0.10"))["id"]
    await ann.client.post(f"/v1/orders/{mine}/cancel")
    assert await socket.error("order.cancel", orderId=mine) == "ORDER_NOT_OPEN"


async def test_a_repeat_is_answered_with_the_original(
    exchange: Exchange, open_socket: Open
) -> None:
    """A repeat under a client order id gets the original, over socket and HTTP.

    Other content under the id is refused.
    """
    market = await exchange.market()
    ann = await exchange.trader("ann")
    socket = await open_socket(ann)
    body = order(market, "BUY", "0.40", clientOrderId="mine")
    ids = [await socket.send("order.place", **body) for _ in range(5)]
    answers = [await socket.next() for _ in ids]
    assert {one["requestId"] for one in answers} == set(ids)
    assert len({one["data"]["order"]["id"] for one in answers}) == 1
    rest = await ann.client.post("/v1/orders", json=body)
    assert rest.status_code == 200
    assert rest.json() == (await socket.ask("order.place", **body))["data"]["order"]
    other = await socket.error("order.place", **{**body, "qty": "2"})
    assert other == "DUPLICATE_CLIENT_ORDER_ID"


@ON_ONE_DATABASE
async def test_permissions_of_orders(exchange: Exchange, open_socket: Open) -> None:
    """An order needs a token, and a key needs the trade scope."""
    market = await exchange.market()
    ann = await exchange.trader("ann")
    nobody = await open_socket()
    assert await nobody.error("order.place", **order(market, "BUY", "0.40")) == "UNAUTHENTICATED"
    keys = {}
    for scopes in (["read"], ["trade"]):
        made = await ann.client.post("/v1/auth/api-keys", json={"name": "k", "scopes": scopes})
        keys[scopes[0]] = made.json()["key"]
    reader = await open_socket(query=f"?token={keys['read']}")
    await reader.subscribe("user:me:orders")
    assert await reader.error("order.place", **order(market, "BUY", "0.40")) == "FORBIDDEN"
    trader = await open_socket(additional_headers={"authorization": f"Bearer {keys['trade']}"})
    assert await trader.error("subscribe", topics=["user:me:orders"]) == "FORBIDDEN"
    assert (await trader.ask("order.place", **order(market, "BUY", "0.40")))["type"] == "order.ack"


async def test_cancel_on_disconnect(exchange: Exchange, open_socket: Open) -> None:
    """The end of a socket cancels exactly its own orders, for both ways to request it."""
    market = await exchange.market()
    ann = await exchange.trader("ann")
    watching, plain = await open_socket(ann), await open_socket(ann)
    kept = [await placed(plain, market), (await place(ann, market, "BUY", "0.10"))["id"]]
    by_query = await open_socket(ann, "?cancelOnDisconnect=1")
    by_message = await open_socket()
    token = ann.session["accessToken"]
    answer = await by_message.ask("auth", token=token, cancelOnDisconnect=True)
    assert answer["data"] == {"userId": ann.id}
    await plain.socket.close()
    for tied in (by_query, by_message):
        gone = [await placed(tied, market) for _ in range(2)]
        await watching.subscribe("user:me:orders")
        tied.socket.transport.abort()
        for id in gone:
            message = await watching.of("order")
            assert message["data"]["id"] == id
            assert message["data"]["reason"] == "DISCONNECT"
        await watching.ask("unsubscribe", topics=["user:me:orders"])
    page = (await ann.client.get("/v1/orders?status=OPEN")).json()
    assert [one["id"] for one in page["items"]] == kept[::-1]


async def placed(client: Client, market: Json) -> int:
    """Place an order over a socket; return its id."""
    ack = await client.ask("order.place", **order(market, "BUY", "0.20"))
    return int(ack["data"]["order"]["id"])


@ON_ONE_DATABASE
async def test_orders_in_flight_when_the_socket_ends(exchange: Exchange, open_socket: Open) -> None:
    """Orders that reached the core before the end of their socket are cancelled too."""
    market = await exchange.market()
    ann = await exchange.trader("ann")
    watching = await open_socket(ann)
    await watching.subscribe("user:me:orders")
    tied = await open_socket(ann, "?cancelOnDisconnect=1")
    for _ in range(50):
        await tied.send("order.place", **order(market, "BUY", "0.20"))
    await tied.socket.close()
    states: dict[int, str] = {}
    async with asyncio.timeout(60):
        while len(states) < 50 or set(states.values()) != {"CANCELED"}:
            message = await watching.of("order")
            states[message["data"]["id"]] = message["data"]["status"]
    assert (await ann.client.get("/v1/user/balance")).json()["locked"] == "0.000000"


async def test_the_ack_follows_the_first_step(
    exchange: Exchange, open_socket: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order with several steps is answered after its first step.

    Its later steps arrive as events, in order.
    """
    monkeypatch.setattr(steps, "STEP", 2)
    market = await exchange.market()
    ann, ben = await exchange.trader("ann"), await exchange.trader("ben")
    for _ in range(5):
        await place(ben, market, "SELL", "0.50", "1")
    socket = await open_socket(ann)
    await socket.subscribe("user:me:orders")
    ack = await socket.ask("order.place", **order(market, "BUY", "0.50", "5"))
    assert ack["type"] == "order.ack"
    filled = [ack["data"]["order"]["qtyFilled"]]
    while filled[-1] != "5.00":
        message = await socket.of("order")
        filled.append(message["data"]["qtyFilled"])
    assert filled[0] == "2.00"
    assert [*dict.fromkeys(filled)] == ["2.00", "4.00", "5.00"]


@ON_ONE_DATABASE
async def test_orders_before_a_close_are_executed(
    exchange: Exchange, open_socket: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders sent before a Close are executed, also if they wait for a look-up.

    Then the disconnect cancels the tied ones.
    """
    market = await exchange.market()
    look_up = Principals.principal

    async def late(
        self: Principals, token: str, credential: str, client: tuple[str, int] | None
    ) -> Principal | None:
        await asyncio.sleep(0.05)
        return await look_up(self, token, credential, client)

    monkeypatch.setattr(Principals, "principal", late)
    for name, wanted in (("ann", False), ("ben", True)):
        user = await exchange.trader(name)
        client = await open_socket()
        # The orders wait for the token's look-up, and the Close waits for the orders.
        token = user.session["accessToken"]
        await client.send("auth", token=token, cancelOnDisconnect=wanted)
        for price in ("0.40", "0.30"):
            await client.send("order.place", **order(market, "BUY", price))
        await client.socket.close()
        assert client.socket.close_code == 1000
        async with asyncio.timeout(10):
            while True:
                orders = (await user.client.get("/v1/orders")).json()["items"]
                if not wanted or {one["reason"] for one in orders} == {"DISCONNECT"}:
                    break
        assert [one["price"] for one in orders] == ["0.3000", "0.4000"]
        assert {one["status"] for one in orders} == {"CANCELED" if wanted else "OPEN"}
