"""Markets of groups over HTTP: visibility, trading, and the rights of former members."""

from typing import Any

import httpx

from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json, User
from tests.support.http_groups import leave, member
from tests.support.http_orders import got, order
from tests.support.http_users import bearer, make_key, refused

NOT_FOUND = (404, "MARKET_NOT_FOUND")


async def slugs(user: User, path: str = "/v1/markets") -> list[str]:
    """Return the listed slugs, whose number must be the total."""
    listed = await got(user, path)
    assert listed["total"] == len(listed["items"])
    return [one["slug"] for one in listed["items"]]


async def tried(user: User, market: object, **fields: object) -> httpx.Response:
    """Try to place an order."""
    body = {"marketId": market, "side": "BUY", "type": "LIMIT", "price": "0.40", "qty": "2"}
    return await user.client.post("/v1/orders", json={**body, **fields})


async def said(answer: httpx.Response) -> tuple[int, Json]:
    """Return an answer without its request id and without the id of a refused order."""
    body = answer.json()
    del body["requestId"]
    body["error"]["details"].pop("orderId", None)
    return answer.status_code, body


async def test_a_market_of_a_group_exists_for_its_members_alone(exchange: Exchange) -> None:
    """A group's market exists only for its members, by slug and id, in lists, searches and orders.

    Other users get the answers for a market that does not exist.
    """
    ann = await member(exchange, await exchange.trader("ann"))
    bob = await exchange.trader("bob")
    await exchange.market("rain")
    hidden = await exchange.market("secret", group=" CLUB ")
    assert hidden["group"] == "club"
    for user in (ann, exchange.admin):
        assert await slugs(user) == ["secret", "rain"]
        assert await slugs(user, "/v1/markets?group=Club") == ["secret"]
        assert (await got(user, f"/v1/markets/{hidden['id']}"))["group"] == "club"
    await order(ann, "BUY", 5, "0.40", "secret")
    assert await slugs(bob) == ["rain"]
    for path in ("/v1/markets?q=secret", "/v1/markets?group=club", "/v1/markets?group=none"):
        assert await slugs(bob, path) == []
    for name, never in (("secret", "nothing"), (hidden["id"], 999)):
        for path in ("markets/{}", "orderbook/{}", "trades/{}", "candles/{}?interval=1m",
                     "orders?market={}", "user/positions?market={}"):  # fmt: skip
            asked, other = [
                await bob.client.get(f"/v1/{path.format(ref)}") for ref in (name, never)
            ]
            assert refused(asked) == NOT_FOUND
            assert await said(asked) == await said(other), path
        for path in ("/v1/orders", "/v1/orders/preview"):
            body = {"side": "BUY", "type": "LIMIT", "price": "0.40", "qty": "2"}
            asked, other = [
                await bob.client.post(path, json={"marketId": ref, **body}) for ref in (name, never)
            ]
            assert refused(asked) == NOT_FOUND
            assert await said(asked) == await said(other), path
    batch = {"orders": [{"marketId": name, "side": "BUY", "type": "LIMIT", "price": "0.4",
                         "qty": "1"} for name in ("secret", hidden["id"], "rain")]}  # fmt: skip
    results = (await bob.client.post("/v1/orders/batch", json=batch)).json()["results"]
    codes = [one.get("error", {}).get("code") for one in results]
    assert codes == ["MARKET_NOT_FOUND", "MARKET_NOT_FOUND", None]


@ON_ONE_DATABASE
async def test_an_order_of_others_in_a_hidden_market(exchange: Exchange) -> None:
    """Orders in a hidden market get 404 and not 403 for users who do not see it, open or not."""
    ann, cat = [await member(exchange, await exchange.trader(name)) for name in ("ann", "cat")]
    bob = await exchange.trader("bob")
    await exchange.market("secret", group="club")
    for ended in (False, True):
        placed = await order(ann, "BUY", 5, "0.40", "secret")
        path = f"/v1/orders/{placed['id']}"
        if ended:
            await ann.client.post(f"{path}/cancel")
        for user, code in ((bob, (404, "ORDER_NOT_FOUND")), (cat, (403, "FORBIDDEN"))):
            assert refused(await user.client.get(path)) == code
            assert refused(await user.client.post(f"{path}/cancel")) == code
            assert refused(await user.client.patch(path, json={"qty": "1"})) == code


async def test_whoever_leaves_sees_the_market_until_flat(exchange: Exchange) -> None:
    """A former member with a position sees the market and can only cancel and reduce.

    This holds for sessions and keys from the next request on.
    """
    ann, bob = [await member(exchange, await exchange.trader(name)) for name in ("ann", "bob")]
    await exchange.market("secret", group="club")
    bought = await order(ann, "BUY", 10, "0.40", "secret")
    await order(bob, "SELL", 4, "0.40", "secret")
    key = bearer(await make_key(ann, "read", "trade"))
    await leave(exchange, ann)
    for headers in ({}, key):
        seen = await ann.client.get("/v1/markets/secret", headers=headers)
        assert seen.status_code == 200
    assert await slugs(ann) == ["secret"]
    path = f"/v1/orders/{bought['id']}"
    for change, expected in (
        ({"qty": "20"}, (422, "NOTHING_TO_REDUCE")),
        ({"price": "0.41"}, (422, "NOTHING_TO_REDUCE")),
        ({"qty": "8"}, None),
    ):
        answer = await ann.client.patch(path, json=change)
        assert (refused(answer) if expected else answer.status_code) == (expected or 200)
    buys = {"side": "BUY", "price": "0.30"}
    for url in ("/v1/orders", "/v1/orders/preview"):
        body = {"marketId": "secret", "type": "LIMIT", "qty": "2", **buys}
        assert refused(await ann.client.post(url, json=body)) == (422, "NOTHING_TO_REDUCE")
    await order(bob, "BUY", 9, "0.35", "secret")
    sold = await tried(ann, "secret", side="SELL", price="0.35", qty="9")
    assert (sold.status_code, sold.json()["qtyFilled"]) == (201, "4.00")
    assert (await ann.client.get("/v1/markets/secret")).status_code == 200
    assert (await ann.client.post(f"{path}/cancel")).status_code == 200
    for headers in ({}, key):
        gone = await ann.client.get("/v1/markets/secret", headers=headers)
        assert refused(gone) == NOT_FOUND
    assert await slugs(ann) == []
    assert refused(await tried(ann, "secret")) == NOT_FOUND
    assert (await got(ann, f"/v1/orders/{bought['id']}"))["marketSlug"] == "secret"


async def test_an_event_of_a_group(exchange: Exchange) -> None:
    """A group's event hides all its markets, later ones too.

    A user with a position in one of them sees them all.
    """
    ann, bob = [await member(exchange, await exchange.trader(name)) for name in ("ann", "bob")]
    cat = await exchange.trader("cat")
    admin = exchange.admin.client
    body: dict[str, Any] = {
        "slug": "vote",
        "title": "Who wins?",
        "group": "club",
        "markets": [{"slug": f"vote-{name}", "question": "Will it?"} for name in "ab"],
    }
    made = (await admin.post("/v1/events", json=body)).json()
    assert [one["group"] for one in (made, *made["markets"])] == ["club"] * 3
    later = await admin.post("/v1/events/vote/markets", json={"slug": "vote-c", "question": "?"})
    assert later.json()["group"] == "club"
    assert await slugs(cat, "/v1/events") == await slugs(cat, "/v1/events?group=club") == []
    assert await slugs(ann, "/v1/events?group=club") == ["vote"]
    for path in ("/v1/events/vote", f"/v1/events/{made['id']}"):
        assert refused(await cat.client.get(path)) == (404, "EVENT_NOT_FOUND")
    alone = await admin.patch("/v1/markets/vote-a", json={"group": None})
    assert refused(alone) == (409, "EVENT_DECIDES")
    await order(ann, "BUY", 2, "0.40", "vote-a")
    await order(bob, "SELL", 2, "0.40", "vote-a")
    await leave(exchange, ann)
    assert (await got(ann, "/v1/events/vote"))["marketCount"] == 3
    assert sorted(await slugs(ann)) == ["vote-a", "vote-b", "vote-c"]
    assert refused(await tried(ann, "vote-b")) == (422, "NOTHING_TO_REDUCE")
    public = (await admin.patch("/v1/events/vote", json={"group": None})).json()
    assert [one["group"] for one in (public, *public["markets"])] == [None] * 4
    assert await slugs(cat, "/v1/events") == ["vote"]
    assert (await tried(cat, "vote-b")).status_code == 201


async def test_a_market_that_moves_into_a_group(exchange: Exchange) -> None:
    """A market that moves into a group disappears at once for users without a position.

    An unknown group is refused.
    """
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await member(exchange, exchange.admin)
    await exchange.market("rain")
    await order(ann, "BUY", 5, "0.40")
    admin = exchange.admin.client
    unknown = await admin.patch("/v1/markets/rain", json={"group": "none", "question": "What?"})
    assert refused(unknown) == (404, "GROUP_NOT_FOUND")
    body = {"slug": "snow", "question": "Snow?", "group": "none"}
    assert refused(await admin.post("/v1/markets", json=body)) == (404, "GROUP_NOT_FOUND")
    assert (await got(bob, "/v1/markets/rain"))["question"] == "Will it rain?"
    assert (await admin.patch("/v1/markets/rain", json={"group": "club"})).status_code == 200
    assert await slugs(bob) == []
    assert refused(await tried(bob, "rain")) == NOT_FOUND
    assert await slugs(ann) == ["rain"]
    assert (await ann.client.post("/v1/orders/cancel-all")).status_code == 200
    assert await slugs(ann) == []
    log = (await got(exchange.admin, "/v1/admin/log?limit=1"))["items"]
    assert log[0]["details"] == {"groupId": 1}


@ON_ONE_DATABASE
async def test_the_sequence_is_for_admins(exchange: Exchange) -> None:
    """Only admins see the sequence, because it counts events of hidden markets."""
    ann = await exchange.register("ann@example.com")
    assert (await got(ann, "/v1/status"))["sequence"] is None
    assert (await exchange.anonymous.get("/v1/status")).json()["sequence"] is None
    assert (await got(exchange.admin, "/v1/status"))["sequence"] > 0


@ON_ONE_DATABASE
async def test_a_former_member_costs_few_look_ups(exchange: Exchange) -> None:
    """A user with a position costs a look-up only when it may end, and not with each order.

    This holds in public markets and in markets where they keep shares.
    """
    ann, bob = [await member(exchange, await exchange.trader(name)) for name in ("ann", "bob")]
    await exchange.market("rain")
    await exchange.market("secret", group="club")
    await order(ann, "BUY", 4, "0.40", "secret")
    await order(bob, "SELL", 4, "0.40", "secret")
    await leave(exchange, ann)
    assert (await ann.client.get("/v1/markets/secret")).status_code == 200
    principals = exchange.app.context.principals
    before = principals.revocations
    await order(bob, "SELL", 1, "0.50", "rain")
    await order(ann, "BUY", 1, "0.50", "rain")
    for market in ("rain", "secret"):
        resting = await order(ann, "SELL", 1, "0.90", market)
        path = f"/v1/orders/{resting['id']}/cancel"
        assert (await ann.client.post(path)).status_code == 200
        assert (await tried(ann, market, side="BUY", price="0.01", qty="90000")).is_error
    assert principals.revocations == before
    await order(bob, "BUY", 4, "0.35", "secret")
    await order(ann, "SELL", 4, "0.35", "secret")
    assert principals.revocations > before
    assert refused(await ann.client.get("/v1/markets/secret")) == NOT_FOUND
