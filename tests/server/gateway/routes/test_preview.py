"""Previews, deadlines and the dead-man's switch over HTTP: codes and limits."""

from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json, User
from tests.support.http_orders import LATER, got, limit, placed

pytestmark = ON_ONE_DATABASE

EARLIER = "2020-01-01T00:00:00Z"


async def previewed(user: User, body: Json, status: int = 200) -> Json:
    """Preview an order, and check the answer's status."""
    answer = await user.client.post("/v1/orders/preview", json=body)
    assert answer.status_code == status, answer.text
    shown: Json = answer.json()
    return shown


async def test_a_preview(exchange: Exchange) -> None:
    """A preview shows fills at two levels, the fee and the rest's queue; it changes nothing."""
    await exchange.market(takerFeeRate="0.07")
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await placed(bob, limit("SELL", "0.50", 4))
    await placed(bob, limit("SELL", "0.52", 4))
    sequence = exchange.node.core.status().sequence
    body = limit("BUY", "0.53", 10, clientOrderId="mine")
    assert await previewed(ann, body) == {
        "fillQty": "8.00",
        "restQty": "2.00",
        "avgPrice": "0.510000",
        "worstPrice": "0.5200",
        "fees": "0.139888",
        "locked": "1.095000",
        "queueAhead": "0.00",
        "coveredQty": "0.00",
    }
    market = {"marketId": 1, "side": "BUY", "type": "MARKET", "qty": 10, "maxSlippage": "0.01"}
    shown = await previewed(ann, market)
    assert (shown["fillQty"], shown["restQty"], shown["queueAhead"]) == ("4.00", "0.00", None)
    resting = await previewed(bob, limit("SELL", "0.52", 1))
    assert (resting["avgPrice"], resting["worstPrice"]) == (None, None)
    assert (resting["fillQty"], resting["queueAhead"]) == ("0.00", "4.00")
    assert exchange.node.core.status().sequence == sequence
    assert (await got(ann, "/v1/orders"))["items"] == []
    assert (await got(ann, "/v1/user/balance"))["locked"] == "0.000000"
    order = await placed(ann, body)
    assert (order["qtyFilled"], order["feesPaid"]) == ("8.00", "0.139888")
    assert (await got(ann, "/v1/user/balance"))["locked"] == "1.095000"
    assert (await got(ann, f"/v1/orders/{order['id']}"))["queueAhead"] == "0.00"


async def test_previews_that_are_refused(exchange: Exchange) -> None:
    """A preview is refused like a placement, but leaves no record."""
    await exchange.market()
    await exchange.market("draft", status="DRAFT")
    await exchange.market("halted")
    await exchange.admin.client.patch("/v1/markets/halted", json={"status": "HALTED"})
    ann = await exchange.trader("ann")
    await placed(ann, limit("BUY", "0.5", 1, clientOrderId="known"))
    for fields, code in (
        ({"price": None}, "VALIDATION_FAILED"),
        ({"side": "UP"}, "VALIDATION_FAILED"),
        ({"marketId": "nowhere"}, "MARKET_NOT_FOUND"),
        ({"marketId": "draft"}, "MARKET_NOT_FOUND"),
        ({"marketId": "halted"}, "MARKET_NOT_OPEN"),
        ({"deadline": EARLIER}, "DEADLINE_PASSED"),
        ({"timeInForce": "GTD", "expiresAt": EARLIER}, "DEADLINE_PASSED"),
        ({"price": "0.505"}, "PRICE_OFF_TICK"),
        ({"qty": 1000}, "INSUFFICIENT_FUNDS"),
        ({"timeInForce": "FOK"}, "FOK_NOT_FILLABLE"),
        ({"reduceOnly": True}, "NOTHING_TO_REDUCE"),
        ({"type": "MARKET", "price": None}, "NO_LIQUIDITY"),
        ({"side": "SELL", "postOnly": True}, "POST_ONLY_WOULD_CROSS"),
        ({"clientOrderId": "known", "qty": 2}, "DUPLICATE_CLIENT_ORDER_ID"),
    ):
        body = {**limit("BUY", "0.5", 1), **fields}
        answer = await ann.client.post("/v1/orders/preview", json=body)
        preview = answer.json()["error"]
        assert preview["code"] == code, body
        refused = await placed(ann, body, answer.status_code)
        assert refused["error"]["code"] == code
        if code not in ("VALIDATION_FAILED", "DUPLICATE_CLIENT_ORDER_ID"):
            # a refusal in an invisible market leaves no record
            recorded = refused["error"]["details"].pop("orderId", None) is not None
            assert recorded == (body["marketId"] not in {"nowhere", "draft"})
            assert refused["error"] == preview
    assert (await previewed(exchange.admin, limit("BUY", "0.5", 1, marketId="draft"), 409))[
        "error"
    ]["details"] == {"status": "DRAFT"}
    anonymous = await exchange.anonymous.post("/v1/orders/preview", json=limit("BUY", "0.5", 1))
    assert anonymous.status_code == 401


async def test_a_deadline(exchange: Exchange) -> None:
    """An order after its deadline is refused; a repeat may have another deadline."""
    await exchange.market()
    ann = await exchange.trader("ann")
    body = limit("BUY", "0.5", 1, clientOrderId="a")
    late = await placed(ann, {**body, "clientOrderId": "b", "deadline": EARLIER}, 422)
    assert late["error"]["code"] == "DEADLINE_PASSED"
    first = await placed(ann, {**body, "deadline": LATER})
    assert await placed(ann, {**body, "deadline": EARLIER}, 200) == first
    assert await placed(ann, body, 200) == first
    again = await placed(ann, {**body, "clientOrderId": "b"}, 422)
    assert again["error"] == late["error"]


async def test_the_limits_of_the_switch(exchange: Exchange) -> None:
    """The switch takes whole seconds up to a day; other values are refused and arm nothing."""
    ann = await exchange.trader("ann")
    for seconds in (-1, 86_401, 1.5, "5", True, None, 10**30):
        body = {"seconds": seconds}
        answer = await ann.client.post("/v1/orders/cancel-after", json=body)
        assert answer.json()["error"]["details"][0]["path"] == "seconds", body
    assert (await ann.client.post("/v1/orders/cancel-after", json={})).status_code == 400
    assert (await ann.client.post("/v1/orders/cancel-after", json={"seconds": 0})).json() == {
        "cancelAt": None
    }
    answer = await ann.client.post("/v1/orders/cancel-after", json={"seconds": 86_400})
    assert answer.json()["cancelAt"] is not None


async def test_the_words_of_an_enumeration(exchange: Exchange) -> None:
    """The error for an unknown word of an enumeration names the permitted ones."""
    body = {**limit("up", "0.5", 1), "timeInForce": 5}
    problems = (await placed(exchange.admin, body, 400))["error"]["details"]
    assert problems == [
        {"path": "side", "message": "must be BUY or SELL"},
        {"path": "timeInForce", "message": "must be GTC, IOC, FOK or GTD"},
    ]
