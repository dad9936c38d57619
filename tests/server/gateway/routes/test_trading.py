"""Markets, orders and money over HTTP, as the API specifies."""

import asyncio

from tests.support.http_exchange import ON_ONE_DATABASE, Exchange
from tests.support.http_orders import LATER, TIME, got, limit, placed

pytestmark = ON_ONE_DATABASE


async def test_markets(exchange: Exchange) -> None:
    """Markets are created, shown by id and slug, listed with filters, and changed."""
    fields = {"tickSize": "0.001", "makerFeeRate": 0, "takerFeeRate": 0.07, "closesAt": LATER}
    made = await exchange.market("rain", **fields)
    assert TIME.fullmatch(made.pop("createdAt"))
    assert made == {
        "id": 1,
        "slug": "rain",
        "question": "Will it rain?",
        "description": "",
        "status": "OPEN",
        "outcome": None,
        "settlementPrice": None,
        "tickSize": "0.0010",
        "makerFeeRate": "0.0000",
        "takerFeeRate": "0.0700",
        "closesAt": "2998-12-31T23:00:00.000000Z",
        "creator": {"id": exchange.admin.id, "fullName": "Ann Example"},
        "lastPrice": None,
        "bestBid": None,
        "bestAsk": None,
        "volume": "0.00",
        "openInterest": "0.00",
        "eventId": None,
        "eventSlug": None,
        "label": None,
        "category": None,
        "tags": [],
        "source": None,
        "proposal": None,
        "group": None,
    }
    draft = await exchange.market("snow", status="DRAFT")
    anonymous, admin = exchange.anonymous, exchange.admin.client
    assert (await anonymous.get("/v1/markets/1")).json() == (
        await anonymous.get("/v1/markets/rain")
    ).json()
    listed = (await anonymous.get("/v1/markets")).json()
    assert ([m["slug"] for m in listed["items"]], listed["total"]) == (["rain"], 1)
    listed = (await admin.get("/v1/markets", params={"limit": 1, "offset": 1})).json()
    assert ([m["slug"] for m in listed["items"]], listed["total"]) == (["rain"], 2)
    listed = (await admin.get("/v1/markets", params={"status": "DRAFT", "q": "SN"})).json()
    assert [m["slug"] for m in listed["items"]] == ["snow"]
    for path in (f"/v1/markets/{draft['id']}", "/v1/orderbook/snow", "/v1/trades/snow"):
        assert (await anonymous.get(path)).json()["error"]["code"] == "MARKET_NOT_FOUND"
        assert (await admin.get(path)).status_code == 200
    taken = await admin.post("/v1/markets", json={"slug": "rain", "question": "?"})
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "SLUG_TAKEN")
    changed = await admin.patch("/v1/markets/rain", json={"status": "HALTED", "closesAt": None})
    assert (changed.json()["status"], changed.json()["closesAt"]) == ("HALTED", None)
    again = await admin.patch("/v1/markets/rain", json={"status": "HALTED"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "INVALID_TRANSITION")


async def test_an_order_that_rests(exchange: Exchange) -> None:
    """A resting order shows every field, the cash it locks and its level in the book."""
    await exchange.market()
    ann = await exchange.trader("ann")
    bid = await placed(ann, limit("BUY", "0.60", 10, clientOrderId="mine"))
    assert TIME.fullmatch(bid.pop("createdAt"))
    assert TIME.fullmatch(bid.pop("updatedAt"))
    assert bid == {
        "id": 1,
        "clientOrderId": "mine",
        "marketId": 1,
        "marketSlug": "rain",
        "userId": ann.id,
        "side": "BUY",
        "type": "LIMIT",
        "price": "0.6000",
        "qty": "10.00",
        "qtyFilled": "0.00",
        "qtyRemaining": "10.00",
        "avgFillPrice": None,
        "feesPaid": "0.000000",
        "status": "OPEN",
        "reason": None,
        "timeInForce": "GTC",
        "expiresAt": None,
        "fills": [],
    }
    assert await got(ann, "/v1/user/balance") == {
        "available": "94.000000",
        "locked": "6.000000",
        "total": "100.000000",
    }
    book = await got(ann, "/v1/orderbook/rain?depth=1")
    assert book == {"marketId": 1, "bids": [["0.6000", "10.00"]], "asks": [], "seq": 1}


async def test_a_trade_from_both_sides(exchange: Exchange) -> None:
    """Orders, fills and trades show worked example 1."""
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await placed(ann, limit("BUY", "0.60", 10))
    ask = await placed(bob, limit("SELL", 0.55, "10"))
    fill = {"tradeId": 1, "price": "0.6000", "qty": "10.00", "fee": "0.000000"}
    assert ask["fills"] == [{**fill, "liquidity": "TAKER"}]
    assert (ask["status"], ask["avgFillPrice"]) == ("FILLED", "0.600000")
    stored = await got(ann, "/v1/orders/1")
    assert stored["fills"] == [{**fill, "liquidity": "MAKER"}]
    assert await got(bob, "/v1/orders/2") == ask
    trades = (await exchange.anonymous.get("/v1/trades/rain")).json()
    assert trades["nextCursor"] is None
    assert TIME.fullmatch(trades["items"][0].pop("createdAt"))
    assert trades["items"] == [
        {
            "id": 1,
            "buyOrderId": 1,
            "sellOrderId": 2,
            "marketId": 1,
            "price": "0.6000",
            "qty": "10.00",
            "takerSide": "SELL",
        }
    ]
    fills = (await got(bob, "/v1/user/fills"))["items"]
    assert (fills[0]["orderId"], fills[0]["side"], fills[0]["liquidity"]) == (2, "SELL", "TAKER")


async def test_positions_and_portfolio(exchange: Exchange) -> None:
    """Positions are valued at the midpoint of a two-sided book, else at the last price."""
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await placed(ann, limit("BUY", "0.60", 10))
    await placed(bob, limit("SELL", "0.60", 10))
    positions = (await got(bob, "/v1/user/positions"))["items"]
    assert positions == [
        {
            "marketId": 1,
            "marketSlug": "rain",
            "qtyLong": "0.00",
            "qtyShort": "10.00",
            "avgPrice": "0.600000",
            "realizedPnl": "0.000000",
            "unrealizedPnl": "0.000000",
            "markPrice": "0.6000",
        }
    ]
    await placed(ann, limit("BUY", "0.50", 1))
    await placed(bob, limit("SELL", "0.55", 1))
    assert (await got(ann, "/v1/user/portfolio")) == {
        "cash": "94.000000",
        "positionsValue": "5.250000",
        "totalValue": "99.250000",
        "realizedPnl": "0.000000",
        "unrealizedPnl": "-0.750000",
    }
    position = (await got(ann, "/v1/user/positions?market=rain"))["items"][0]
    assert (position["markPrice"], position["unrealizedPnl"]) == ("0.5250", "-0.750000")


async def test_a_client_order_id(exchange: Exchange) -> None:
    """A client order id names one order for ever; other content under it is refused."""
    await exchange.market()
    ann = await exchange.trader("ann")
    body = limit("BUY", "0.5", 10, clientOrderId="a")
    first = await placed(ann, body)
    same = {**body, "marketId": 1, "price": 0.5, "timeInForce": "GTC", "deadline": LATER}
    assert await placed(ann, same, 200) == first
    canceled = (await ann.client.post("/v1/orders/1/cancel")).json()
    assert await placed(ann, body, 200) == canceled
    refused = await placed(ann, {**body, "qty": 11}, 409)
    assert refused["error"]["code"] == "DUPLICATE_CLIENT_ORDER_ID"
    poor = limit("BUY", "0.5", 1000, clientOrderId="b")
    refusals = [await placed(ann, poor, 422) for _ in range(2)]
    assert [refusal["error"]["details"]["orderId"] for refusal in refusals] == [2, 2]
    assert refusals[0]["error"] == refusals[1]["error"]
    assert (await got(ann, "/v1/orders/2"))["status"] == "REJECTED"
    nowhere = limit("BUY", "0.5", 1, clientOrderId="c", marketId=99)
    assert (await placed(ann, nowhere, 404))["error"]["code"] == "MARKET_NOT_FOUND"
    stored = await got(ann, "/v1/orders/3")
    assert (stored["marketId"], stored["marketSlug"]) == (None, None)


async def test_orders_of_another(exchange: Exchange) -> None:
    """A user cannot see, amend or cancel another's order; an admin may see and cancel it."""
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    for _ in range(2):
        await placed(ann, limit("BUY", "0.5", 1))
    assert (await ann.client.post("/v1/orders/2/cancel")).status_code == 200
    for id in (1, 2):
        shown = await got(bob, f"/v1/orders/{id}", 403)
        cancel = await bob.client.post(f"/v1/orders/{id}/cancel")
        amend = await bob.client.patch(f"/v1/orders/{id}", json={"qty": 2})
        codes = [shown["error"]["code"], *(a.json()["error"]["code"] for a in (cancel, amend))]
        assert codes == ["FORBIDDEN"] * 3
    assert (await got(exchange.admin, "/v1/orders/1"))["userId"] == ann.id
    by_admin = await exchange.admin.client.post("/v1/orders/1/cancel")
    assert (by_admin.json()["status"], by_admin.json()["reason"]) == ("CANCELED", "ADMIN")
    gone = await exchange.admin.client.post("/v1/orders/2/cancel")
    assert (gone.status_code, gone.json()["error"]["code"]) == (409, "ORDER_NOT_OPEN")
    again = await ann.client.post("/v1/orders/2/cancel")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "ORDER_NOT_OPEN")
    assert (await got(bob, "/v1/orders"))["items"] == []


async def test_orders_by_their_client_order_ids(exchange: Exchange) -> None:
    """client:ID shows, amends and cancels the user's own order.

    The id may hold anything but a slash.
    """
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    ref = "client:a%20%3Fid:é%25"
    order = await placed(ann, limit("BUY", "0.5", 10, clientOrderId="a ?id:é%"))
    assert (await got(ann, f"/v1/orders/{ref}"))["id"] == order["id"]
    amended = await ann.client.patch(f"/v1/orders/{ref}", json={"qty": 5})
    assert (amended.status_code, amended.json()["qty"]) == (200, "5.00")
    canceled = await ann.client.post(f"/v1/orders/{ref}/cancel")
    assert (canceled.status_code, canceled.json()["status"]) == (200, "CANCELED")
    for user, path in (
        (bob, ref), (exchange.admin, ref), (ann, "client:"), (ann, "client:no"),
        (ann, "client:%00"), (ann, f"client:{'x' * 65}"), (ann, f"client:{'é' * 64}"),
    ):  # fmt: skip
        missing = await got(user, f"/v1/orders/{path}", 404)
        assert missing["error"]["code"] == "ORDER_NOT_FOUND"


async def test_orders_that_cannot_exist(exchange: Exchange) -> None:
    """Any text in place of an order's id gets 404 if no order has it."""
    ann = await exchange.trader("ann")
    for id in ("0", "99", "-1", "abc", "1.5", str(2**63), "9" * 400, "%00", "%E2%91%A0", "１"):
        for method, path in (("GET", ""), ("PATCH", ""), ("POST", "/cancel")):
            body = {"qty": 1} if method == "PATCH" else None
            answer = await ann.client.request(method, f"/v1/orders/{id}{path}", json=body)
            error = answer.json()["error"]["code"]
            assert (id, answer.status_code, error) == (id, 404, "ORDER_NOT_FOUND")
    for ref in ("nowhere", "0", str(2**63), "9" * 400, "%00", "１", "-1"):
        answer = await ann.client.get(f"/v1/markets/{ref}")
        code = answer.json()["error"]["code"]
        assert (ref, answer.status_code, code) == (ref, 404, "MARKET_NOT_FOUND")


async def test_amending_and_cancelling(exchange: Exchange) -> None:
    """An answer to an amend or cancel shows the changed order with all its fills."""
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await placed(ann, limit("BUY", "0.5", 10))
    await placed(bob, limit("SELL", "0.5", 4))
    amended = (await ann.client.patch("/v1/orders/1", json={"price": "0.45"})).json()
    assert (amended["price"], amended["qtyFilled"]) == ("0.4500", "4.00")
    assert [fill["qty"] for fill in amended["fills"]] == ["4.00"]
    below = await ann.client.patch("/v1/orders/1", json={"qty": 4})
    assert (below.status_code, below.json()["error"]["code"]) == (422, "QTY_BELOW_FILLED")
    canceled = (await ann.client.post("/v1/orders/1/cancel")).json()
    assert (canceled["status"], canceled["reason"]) == ("CANCELED", "USER")
    assert [fill["liquidity"] for fill in canceled["fills"]] == ["MAKER"]
    await placed(ann, limit("BUY", "0.4", 1))
    await placed(ann, limit("SELL", "0.6", 1))
    one = await ann.client.post("/v1/orders/cancel-all", json={"marketId": "rain", "side": "SELL"})
    assert one.json() == {"canceled": [4]}
    assert (await ann.client.post("/v1/orders/cancel-all")).json() == {"canceled": [3]}
    armed = await ann.client.post("/v1/orders/cancel-after", json={"seconds": 60})
    assert TIME.fullmatch(armed.json()["cancelAt"])
    off = await ann.client.post("/v1/orders/cancel-after", json={"seconds": 0})
    assert off.json() == {"cancelAt": None}


async def test_pages(exchange: Exchange) -> None:
    """Cursors page through all orders, trades and fills once, newest first."""
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    for _ in range(5):
        await placed(ann, limit("BUY", "0.5", 1))
        await placed(bob, limit("SELL", "0.5", 1))
    for path, key, expected in (
        ("/v1/orders", "id", [9, 7, 5, 3, 1]),
        ("/v1/trades/rain", "id", [5, 4, 3, 2, 1]),
        ("/v1/user/fills", "tradeId", [5, 4, 3, 2, 1]),
    ):
        seen: list[int] = []
        params: dict[str, object] = {"limit": 2}
        while True:
            page = (await ann.client.get(path, params=params)).json()  # type: ignore[arg-type]
            seen += [item[key] for item in page["items"]]
            if page["nextCursor"] is None:
                break
            params["cursor"] = page["nextCursor"]
        assert seen == expected
    done = await got(ann, "/v1/orders?status=FILLED,OPEN&market=rain&limit=1")
    assert [fill["liquidity"] for fill in done["items"][0]["fills"]] == ["MAKER"]
    assert (await got(ann, "/v1/orders?clientOrderId=none"))["items"] == []


async def test_transfers(exchange: Exchange) -> None:
    """An admin transfers by id or e-mail, within limits, once per idempotency key."""
    ann = await exchange.register("ann@example.com")
    admin = exchange.admin.client
    body = {"email": " ANN@example.com", "amount": "10.5", "reason": "gift"}
    key = {"idempotency-key": "k1"}
    first = await admin.post("/v1/user/transfer", json=body, headers=key)
    assert first.status_code == 201
    balance = {"available": "10.500000", "locked": "0.000000", "total": "10.500000"}
    assert first.json()["balance"] == balance
    await admin.post("/v1/user/transfer", json={"userId": ann.id, "amount": -1, "reason": "x"})
    again = await admin.post("/v1/user/transfer", json=body, headers=key)
    assert (again.status_code, again.json()) == (200, first.json())
    other = await admin.post("/v1/user/transfer", json={**body, "amount": 11}, headers=key)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    for fields, status, code in (
        ({"amount": "-10"}, 422, "INSUFFICIENT_FUNDS"),
        ({"amount": "1000000000.000001"}, 422, "LIMIT_EXCEEDED"),
        ({"amount": "1e20"}, 422, "LIMIT_EXCEEDED"),
        ({"amount": "-1e20"}, 422, "LIMIT_EXCEEDED"),
        ({"email": "nobody@example.com"}, 404, "USER_NOT_FOUND"),
        ({"email": None, "userId": 99}, 404, "USER_NOT_FOUND"),
        ({"email": None, "userId": 10**30}, 404, "USER_NOT_FOUND"),
        ({"userId": ann.id}, 400, "VALIDATION_FAILED"),
        ({"email": None}, 400, "VALIDATION_FAILED"),
        ({"amount": 0}, 400, "VALIDATION_FAILED"),
        ({"amount": "0.0000001"}, 400, "VALIDATION_FAILED"),
        ({"reason": "\x00"}, 400, "VALIDATION_FAILED"),
    ):
        answer = await admin.post("/v1/user/transfer", json={**body, **fields})
        error = answer.json()["error"]["code"]
        assert (fields, answer.status_code, error) == (fields, status, code)
    denied = await ann.client.post("/v1/user/transfer", json=body)
    assert (denied.status_code, denied.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert (await got(ann, "/v1/user/balance"))["total"] == "9.500000"


async def test_resolution(exchange: Exchange) -> None:
    """A resolution pays and reports the amounts, and cannot be repeated."""
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await placed(ann, limit("BUY", "0.6", 10))
    await placed(bob, limit("SELL", "0.6", 10))
    admin = exchange.admin.client
    for body in ({"outcome": "SCALAR"}, {"outcome": "YES", "settlementPrice": 1}):
        answer = await admin.post("/v1/markets/rain/resolve", json=body)
        assert answer.json()["error"]["details"][0]["path"] == "settlementPrice"
    body = {"outcome": "SCALAR", "settlementPrice": "0.25"}
    answer = await admin.post("/v1/markets/rain/resolve", json=body)
    assert answer.status_code == 200
    resolution = answer.json()
    assert resolution["payouts"] == {"accounts": 2, "total": "10.000000"}
    market = resolution["market"]
    assert (market["status"], market["outcome"]) == ("RESOLVED", "SCALAR")
    assert market["settlementPrice"] == "0.2500"
    assert (await got(ann, "/v1/user/balance"))["total"] == "96.500000"
    again = await admin.post("/v1/markets/rain/resolve", json={"outcome": "VOID"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "INVALID_TRANSITION")
    flat = (await got(bob, "/v1/user/positions"))["items"][0]
    assert (flat["avgPrice"], flat["qtyShort"], flat["realizedPnl"]) == (
        None,
        "0.00",
        "3.500000",
    )


async def test_many_at_once(exchange: Exchange) -> None:
    """Concurrent orders of many connections are all answered, each with its own id."""
    await exchange.market()
    ann = await exchange.trader("ann")
    orders = await asyncio.gather(*(placed(ann, limit("BUY", "0.1", 1)) for _ in range(50)))
    assert sorted(order["id"] for order in orders) == list(range(1, 51))
    assert (await got(ann, "/v1/orderbook/rain"))["bids"] == [["0.1000", "50.00"]]
