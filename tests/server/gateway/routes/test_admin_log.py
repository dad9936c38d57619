"""The admin log over HTTP holds every act of an admin and nothing that was refused."""

from typing import Any

import httpx

from predmarket.server.gateway.overview import overview
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json
from tests.support.http_orders import limit, placed
from tests.support.http_users import change, refused


async def log_of(exchange: Exchange, **query: object) -> Json:
    """Return a page of the log."""
    params = {name: str(value) for name, value in query.items()}
    answer = await exchange.admin.client.get("/v1/admin/log", params=params)
    assert answer.status_code == 200, answer.text
    page: Json = answer.json()
    return page


async def said(exchange: Exchange, **query: object) -> list[tuple[str, str, Any]]:
    """Return action, target and details of each act, oldest first."""
    items = (await log_of(exchange, **query))["items"]
    assert all(item["actorId"] == exchange.admin.id for item in items)
    return [(item["action"], item["target"], item["details"]) for item in reversed(items)]


async def ok(answer: httpx.Response) -> Any:  # noqa: ANN401 -- whatever it is
    """Return the body of a successful answer."""
    assert answer.status_code < 300, answer.text
    return answer.json()


async def test_every_act_of_an_admin_is_in_it(exchange: Exchange) -> None:
    """Each admin act is logged with its request, in the order of the acts."""
    admin = exchange.admin.client
    market = await exchange.market("rain", status="DRAFT")
    path = f"/v1/markets/{market['id']}"
    for body in (
        {"status": "OPEN"},
        {"question": "Rain?"},
        {"status": "HALTED", "closesAt": None},
        {"status": "OPEN"},
    ):
        await ok(await admin.patch(path, json=body))
    trader = await exchange.trader("ann", "12.5")
    order = await placed(trader, limit("BUY", "0.40", "5"))
    await ok(await admin.post(f"/v1/orders/{order['id']}/cancel"))
    await ok(await admin.patch(path, json={"status": "CLOSED"}))
    scalar = {"outcome": "SCALAR", "settlementPrice": "0.25"}
    await ok(await admin.post(f"{path}/resolve", json=scalar))
    snow = await exchange.market("snow")
    await ok(await admin.post("/v1/markets/snow/resolve", json={"outcome": "VOID"}))
    await ok(await change(exchange, trader, role="ADMIN", disabled=True))
    await ok(await change(exchange, trader, disabled=False))
    assert (await admin.post(f"/v1/users/{trader.id}/revoke-all")).status_code == 204
    rain, user = f"market:{market['id']}", f"user:{trader.id}"
    created = {"slug": "rain", "question": "Will it rain?", "status": "DRAFT"}
    transfer = {"transferId": 1, "amount": "12.500000", "reason": "test"}
    assert await said(exchange) == [
        ("MARKET_CREATE", rain, created),
        ("MARKET_OPEN", rain, {"status": "OPEN"}),
        ("MARKET_UPDATE", rain, {"question": "Rain?"}),
        ("MARKET_HALT", rain, {"status": "HALTED", "closesAt": ""}),
        ("MARKET_OPEN", rain, {"status": "OPEN"}),
        ("TRANSFER", user, transfer),
        ("ORDER_CANCEL", f"order:{order['id']}", {}),
        ("MARKET_CLOSE", rain, {"status": "CLOSED"}),
        ("MARKET_RESOLVE", rain, {"outcome": "SCALAR", "settlementPrice": "0.2500"}),
        ("MARKET_CREATE", f"market:{snow['id']}", {**created, "slug": "snow", "status": "OPEN"}),
        ("MARKET_VOID", f"market:{snow['id']}", {"outcome": "VOID"}),
        ("USER_ROLE", user, {"role": "ADMIN"}),
        ("USER_DISABLE", user, {}),
        ("USER_ENABLE", user, {}),
        ("USER_REVOKE_ALL", user, {}),
    ]


async def test_acts_on_events_are_in_it(exchange: Exchange) -> None:
    """An act on an event logs its markets as a list, and its weights by name."""
    admin = exchange.admin.client
    markets = [{"slug": slug, "question": "?"} for slug in ("ann", "bob")]
    body = {"slug": "vote", "title": "Who wins?", "markets": markets}
    await ok(await admin.post("/v1/events", json=body))
    for status in ("HALTED", "OPEN", "CLOSED"):
        await ok(await admin.patch("/v1/events/vote", json={"status": status}))
    cleo = {"slug": "cleo", "question": "Cleo?", "label": "Cleo"}
    await ok(await admin.post("/v1/events/vote/markets", json=cleo))
    await ok(await admin.post("/v1/markets/ann/resolve", json={"outcome": "NO"}))
    weights = {"bob": "0.75", "NONE": "0.25"}
    await ok(await admin.post("/v1/events/vote/resolve", json={"weights": weights}))
    created = {"slug": "vote", "title": "Who wins?", "exhaustive": False, "status": "OPEN"}
    assert await said(exchange) == [
        ("EVENT_CREATE", "event:1", {**created, "markets": ["ann", "bob"]}),
        ("EVENT_HALT", "event:1", {"status": "HALTED"}),
        ("EVENT_OPEN", "event:1", {"status": "OPEN"}),
        ("EVENT_CLOSE", "event:1", {"status": "CLOSED"}),
        ("MARKET_CREATE", "market:3", {**cleo, "event": "event:1"}),
        ("MARKET_RESOLVE", "market:1", {"outcome": "NO"}),
        (
            "EVENT_RESOLVE",
            "event:1",
            {"outcome": "WEIGHTS", "weights": {"market:2": "0.7500", "NONE": "0.2500"}},
        ),
    ]


async def test_refused_acts_are_not_logged(exchange: Exchange) -> None:
    """The log holds no refused act, no repeat, and no admin's own trading."""
    admin = exchange.admin.client
    await exchange.market()
    body = {"userId": exchange.admin.id, "amount": "100", "reason": "test"}
    for _ in range(2):
        await ok(await admin.post("/v1/user/transfer", json=body, headers={"Idempotency-Key": "k"}))
    order = await placed(exchange.admin, limit("BUY", "0.40", "5"))
    await ok(await admin.post(f"/v1/orders/{order['id']}/cancel"))
    for path, wrong in (
        ("/v1/markets", {"slug": "rain", "question": "Again?"}),
        ("/v1/user/transfer", {**body, "amount": "-500"}),
        ("/v1/markets/rain/resolve", {"outcome": "MAYBE"}),
    ):
        assert (await admin.post(path, json=wrong)).status_code in (400, 409, 422)
    assert refused(await change(exchange, exchange.admin, role="USER")) == (409, "LAST_ADMIN")
    assert [action for action, _, _ in await said(exchange)] == ["MARKET_CREATE", "TRANSFER"]


async def test_it_is_filtered_and_read_by_pages(exchange: Exchange) -> None:
    """The log is filtered by actor and by target, and paged, newest first."""
    for slug in ("a", "b", "c"):
        await exchange.market(slug)
    other = await exchange.trader("bob")
    await ok(await change(exchange, other, role="ADMIN"))
    await ok(await other.client.patch("/v1/markets/a", json={"status": "HALTED"}))
    items = (await log_of(exchange))["items"]
    assert len(items) == 6
    assert [item["id"] for item in items] == sorted((i["id"] for i in items), reverse=True)
    assert (await log_of(exchange, actor=other.id))["items"] == items[:1]
    created = (await log_of(exchange, action="MARKET_CREATE"))["items"]
    assert created == items[3:]
    assert (await log_of(exchange, actor=other.id, action="MARKET_CREATE"))["items"] == []
    pages: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        page = await log_of(exchange, limit=2, action="MARKET_CREATE", **cursor)
        pages.append(page["items"])
        if page["nextCursor"] is None:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert pages == [created[:2], created[2:]]


@ON_ONE_DATABASE
async def test_only_admins_read_the_log(exchange: Exchange) -> None:
    """Only admins may read the log, and invalid filters are refused."""
    user = await exchange.register("ann@example.com")
    assert refused(await exchange.anonymous.get("/v1/admin/log")) == (401, "UNAUTHENTICATED")
    assert refused(await user.client.get("/v1/admin/log")) == (403, "FORBIDDEN")
    for query in ({"actor": "x"}, {"actor": "0"}, {"action": "DANCE"}, {"cursor": "x"}):
        answer = await exchange.admin.client.get("/v1/admin/log", params=query)
        assert refused(answer) == (400, "VALIDATION_FAILED"), query


@ON_ONE_DATABASE
async def test_the_overview_adds_all_markets_up(exchange: Exchange) -> None:
    """The overview shows totals, counts by status and overdue markets, to admins only."""
    await exchange.market("rain")
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await placed(ann, limit("BUY", "0.40", "5"))
    await placed(bob, limit("SELL", "0.40", "3"))
    await exchange.market("late", closesAt="2099-01-01T00:00:00Z")
    await exchange.market("draft", status="DRAFT")
    seen = await ok(await exchange.admin.client.get("/v1/admin/overview"))
    assert (seen["openInterest"], seen["volume"], seen["pastDueCount"]) == ("3.00", "3.00", 0)
    assert {name: count for name, count in seen["markets"].items() if count} == {
        "OPEN": 2,
        "DRAFT": 1,
    }
    proposed = {"outcome": "NO", "after": "99w"}
    await ok(await exchange.admin.client.post("/v1/markets/late/resolve", json=proposed))
    race = {"slug": "race", "title": "?", "exhaustive": True, "markets": [
        {"slug": slug, "question": "?"} for slug in ("red", "blue")
    ]}  # fmt: skip
    await ok(await exchange.admin.client.post("/v1/events", json=race))
    await ok(
        await exchange.admin.client.post(
            "/v1/events/race/resolve", json={"outcome": "red", "after": "1h"}
        )
    )
    later = await overview(exchange.app.context.services.view, 4_100_000_000_000_000)
    assert [
        (one.slug, one.closes_at, one.proposal and one.proposal.outcome) for one in later.past_due
    ] == [("late", "2099-01-01T00:00:00.000000Z", "NO")]
    assert later.proposed_count == 3
    assert refused(await ann.client.get("/v1/admin/overview")) == (403, "FORBIDDEN")
