"""Order groups over HTTP: created, tripped, reset, deleted and refused."""

from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json, User
from tests.support.http_orders import TIME, error_of, got, limit, placed


async def made(user: User, contracts: object = "10") -> Json:
    """Create an order group."""
    answer = await user.client.post("/v1/order-groups", json={"limit": contracts})
    assert answer.status_code == 201, answer.text
    group: Json = answer.json()
    return group


async def act(user: User, id: int, what: str) -> Json:
    """Reset or trigger a group."""
    answer = await user.client.post(f"/v1/order-groups/{id}/{what}")
    assert answer.status_code == 200, answer.text
    group: Json = answer.json()
    return group


async def test_a_group_trips_and_is_reset(exchange: Exchange) -> None:
    """Fills of 6 and 6 trip a group with limit 10.

    Its third order is cancelled and a fourth refused.
    """
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    group = await made(ann)
    assert TIME.fullmatch(group.pop("createdAt"))
    assert TIME.fullmatch(group.pop("updatedAt"))
    assert group == {"id": 1, "limit": "10.00", "status": "ACTIVE"}
    orders = [
        await placed(ann, limit("SELL", price, "6", orderGroupId=1))
        for price in ("0.50", "0.51", "0.52")
    ]
    assert [one["orderGroupId"] for one in orders] == [1, 1, 1]
    plain = await placed(ann, limit("SELL", "0.60", "1"))
    assert "orderGroupId" not in plain
    await placed(bob, limit("BUY", "0.50", "6"))
    seen = await ann.client.post(
        "/v1/orders/preview", json=limit("BUY", "0.60", "6", orderGroupId=1)
    )
    assert seen.status_code == 200, seen.text
    await placed(bob, limit("BUY", "0.51", "6"))
    assert (await got(ann, "/v1/order-groups/1"))["status"] == "TRIPPED"
    third = await got(ann, f"/v1/orders/{orders[2]['id']}")
    assert (third["status"], third["reason"], third["orderGroupId"]) == ("CANCELED", "GROUP", 1)
    body = limit("SELL", "0.60", "1", orderGroupId=1, clientOrderId="mine")
    for path in ("/v1/orders/preview", "/v1/orders", "/v1/orders"):
        refused = await ann.client.post(path, json=body)
        assert refused.status_code == 409
        error = error_of(refused)
        assert (error["code"], error["details"]["orderGroupId"]) == ("GROUP_TRIPPED", 1)
    assert (await act(ann, 1, "reset"))["status"] == "ACTIVE"
    await placed(ann, limit("SELL", "0.60", "1", orderGroupId=1))
    listed = await got(ann, "/v1/orders?orderGroupId=1&status=LIVE")
    assert [one["id"] for one in listed["items"]] == [8]
    every = await got(ann, "/v1/orders?orderGroupId=1&limit=2")
    rest = await got(ann, f"/v1/orders?orderGroupId=1&limit=9&cursor={every['nextCursor']}")
    assert [one["id"] for one in (*every["items"], *rest["items"])] == [8, 7, 3, 2, 1]
    ended = await got(ann, "/v1/orders?orderGroupId=1&status=CANCELED")
    assert [one["id"] for one in ended["items"]] == [3]


@ON_ONE_DATABASE
async def test_a_preview_counts_what_the_group_has_filled(exchange: Exchange) -> None:
    """A preview shows no resting quantity of an order whose fills would trip its group."""
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await made(ann, "8")
    await placed(ann, limit("BUY", "0.50", "5", orderGroupId=1))
    await placed(bob, limit("SELL", "0.50", "5"))
    await placed(bob, limit("SELL", "0.60", "4"))
    body = limit("BUY", "0.60", "6", orderGroupId=1)
    for order in ({**body, "qty": "4"}, body):
        seen = (await ann.client.post("/v1/orders/preview", json=order)).json()
        assert (seen["fillQty"], seen["restQty"], seen["locked"]) == ("4.00", "0.00", "0.000000")
    await act(ann, 1, "reset")
    seen = (await ann.client.post("/v1/orders/preview", json=body)).json()
    assert (seen["fillQty"], seen["restQty"]) == ("4.00", "2.00")
    made_now = await placed(ann, body)
    assert (made_now["qtyFilled"], made_now["status"]) == ("4.00", "PARTIALLY_FILLED")


async def test_changes_of_groups(exchange: Exchange) -> None:
    """A group's limit can be changed, and the group can be triggered, listed and deleted."""
    await exchange.market()
    ann = await exchange.trader("ann")
    for contracts in ("10", 2, "0.01"):
        await made(ann, contracts)
    await placed(ann, limit("SELL", "0.50", "6", orderGroupId=2))
    changed = await ann.client.patch("/v1/order-groups/1", json={"limit": "1000000"})
    assert changed.json()["limit"] == "1000000.00"
    assert (await act(ann, 2, "trigger"))["status"] == "TRIPPED"
    assert (await got(ann, "/v1/orders/1"))["reason"] == "GROUP"
    assert (await act(ann, 2, "trigger"))["status"] == "TRIPPED"
    groups = await got(ann, "/v1/order-groups")
    assert groups["nextCursor"] is None
    assert [(one["id"], one["limit"], one["status"]) for one in groups["items"]] == [
        (1, "1000000.00", "ACTIVE"), (2, "2.00", "TRIPPED"), (3, "0.01", "ACTIVE"),
    ]  # fmt: skip
    assert (await ann.client.delete("/v1/order-groups/2")).status_code == 204
    assert (await ann.client.delete("/v1/order-groups/2")).status_code == 404
    groups = await got(ann, "/v1/order-groups")
    assert [one["id"] for one in groups["items"]] == [1, 3]


@ON_ONE_DATABASE
async def test_the_group_is_part_of_the_content(exchange: Exchange) -> None:
    """A repeat with the same client order id must name the same group, or it is refused."""
    await exchange.market()
    ann = await exchange.trader("ann")
    for _ in range(2):
        await made(ann)
    body = limit("BUY", "0.50", "1", orderGroupId=1, clientOrderId="mine")
    first = await placed(ann, body)
    assert await placed(ann, body, status=200) == first
    for other in ({**body, "orderGroupId": 2}, limit("BUY", "0.50", "1", clientOrderId="mine")):
        answer = await ann.client.post("/v1/orders", json=other)
        assert error_of(answer)["code"] == "DUPLICATE_CLIENT_ORDER_ID"


@ON_ONE_DATABASE
async def test_what_is_refused(exchange: Exchange) -> None:
    """Another user's groups, unknown ones and malformed limits are refused.

    So are requests without a token.
    """
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await made(ann)
    for id in ("1", "2", "0", "x", "99999999999999999999"):
        for answer in (
            await bob.client.get(f"/v1/order-groups/{id}"),
            await bob.client.patch(f"/v1/order-groups/{id}", json={"limit": "1"}),
            await bob.client.post(f"/v1/order-groups/{id}/reset"),
            await bob.client.post(f"/v1/order-groups/{id}/trigger"),
            await bob.client.delete(f"/v1/order-groups/{id}"),
        ):
            assert answer.status_code == 404, answer.text
            assert error_of(answer)["code"] == "ORDER_GROUP_NOT_FOUND"
    body = limit("BUY", "0.50", "1", orderGroupId=1)
    for path in ("/v1/orders", "/v1/orders/preview"):
        foreign = await bob.client.post(path, json=body)
        assert foreign.status_code == 404
        assert error_of(foreign)["code"] == "ORDER_GROUP_NOT_FOUND"
    limits: list[object] = ["0", "-1", "1000000.01", "0.001", None, "x", True, []]
    for wrong in limits:
        answer = await ann.client.post("/v1/order-groups", json={"limit": wrong})
        assert answer.status_code == 400, wrong
        assert error_of(answer)["details"][0]["path"] == "limit"
    ids: list[object] = [0, -1, "1", 2**63, 1.5]
    for wrong in ids:
        answer = await ann.client.post("/v1/orders", json={**body, "orderGroupId": wrong})
        assert answer.status_code == 400, wrong
        assert error_of(answer)["details"][0]["path"] == "orderGroupId"
    assert (await exchange.anonymous.get("/v1/order-groups")).status_code == 401
    assert (await bob.client.get("/v1/orders?orderGroupId=1")).json()["items"] == []
    for _ in range(99):
        await made(ann, "1")
    one_more = await ann.client.post("/v1/order-groups", json={"limit": "1"})
    assert one_more.status_code == 422
    assert error_of(one_more)["code"] == "LIMIT_EXCEEDED"
