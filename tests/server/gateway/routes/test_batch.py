"""Batches over HTTP: each order has its own result, in order, in one commit."""

import asyncio
import json

import pytest

from predmarket.engine.commands import CancelAll
from predmarket.server.core.bus import Faulted, OutcomeUnknown
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json, User
from tests.support.http_orders import got, limit, placed

pytestmark = ON_ONE_DATABASE

PATH = "/v1/orders/batch"


async def batch(user: User, *orders: object, status: int = 200) -> list[Json]:
    """Place a batch and return its results."""
    answer = await user.client.post(PATH, json={"orders": orders})
    assert answer.status_code == status, answer.text
    results: list[Json] = answer.json()["results"]
    assert len(results) == len(orders)
    assert all(len(result) == 1 for result in results)
    return results


def codes(results: list[Json]) -> list[str]:
    """Return each order's status or its error's code."""
    return [r["order"]["status"] if "order" in r else r["error"]["code"] for r in results]


async def test_each_on_its_own(exchange: Exchange) -> None:
    """An invalid or refused order affects no other; its error equals that of a single order."""
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await placed(bob, limit("SELL", "0.60", 4))
    mine = limit("BUY", "0.60", 10, clientOrderId="mine")
    results = await batch(
        ann,
        mine,
        {**mine, "qty": "-1", "side": "UP"},
        limit("BUY", "0.605", 1),
        mine,
        {**mine, "qty": 11},
        limit("BUY", "0.5", 1000),
        limit("BUY", "0.5", 1, marketId="nowhere"),
        {},
        {**limit("BUY", "0.5", 1), "type": "MARKET"},
        limit("SELL", "0.65", 1),
    )
    assert codes(results) == [
        "PARTIALLY_FILLED", "VALIDATION_FAILED", "PRICE_OFF_TICK", "PARTIALLY_FILLED",
        "DUPLICATE_CLIENT_ORDER_ID", "INSUFFICIENT_FUNDS", "MARKET_NOT_FOUND", "VALIDATION_FAILED",
        "VALIDATION_FAILED", "OPEN",
    ]  # fmt: skip
    assert [problem["path"] for problem in results[1]["error"]["details"]] == ["side", "qty"]
    assert results[3] == results[0]
    alone = await got(ann, f"/v1/orders/{results[0]['order']['id']}")
    assert alone.pop("queueAhead") == "0.00"
    assert results[0]["order"] == alone
    assert [fill["qty"] for fill in alone["fills"]] == ["4.00"]
    refused = await placed(ann, limit("BUY", "0.605", 1), 422)
    details = results[2]["error"]["details"]
    assert details.pop("orderId") < refused["error"]["details"].pop("orderId")
    assert results[2]["error"] == refused["error"]
    ids = [result["order"]["id"] for result in results if "order" in result]
    assert ids == sorted(ids)


async def test_a_repeat(exchange: Exchange) -> None:
    """A repeated batch places nothing and returns the orders' current states."""
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    orders = [limit("BUY", "0.5", 1, clientOrderId=str(n)) for n in range(100)]
    first = await batch(ann, *orders)
    assert codes(first) == ["OPEN"] * 100
    assert [result["order"]["clientOrderId"] for result in first] == [str(n) for n in range(100)]
    await placed(bob, limit("SELL", "0.5", "1.5"))
    again = await batch(ann, *reversed(orders))
    again.reverse()
    assert codes(again) == ["FILLED", "PARTIALLY_FILLED", *["OPEN"] * 98]
    assert [fill["qty"] for fill in again[1]["order"]["fills"]] == ["0.50"]
    assert again[2:] == first[2:]
    assert len((await got(ann, "/v1/orders?limit=100"))["items"]) == 100


async def test_one_commit(exchange: Exchange) -> None:
    """An idle core executes a request's orders in one commit."""
    await exchange.market()
    ann = await exchange.trader("ann")
    before = exchange.node.core.status().batch
    await batch(ann, *[limit("BUY", "0.1", 1)] * 100)
    assert exchange.node.core.status().batch == before + 1


NO_BATCHES = (
    ("[]", ""),
    ("{}", "orders"),
    ('{"orders": []}', "orders"),
    ('{"orders": {}}', "orders"),
    ('{"orders": null}', "orders"),
    ('{"orders": [{}, 5, "x", null]}', "orders.1"),
    (json.dumps({"orders": [{}] * 101}), "orders"),
    ('{"orders": [{}], "more": 1}', "more"),
    ('{"orders": [{}], "orders": [{}]}', "orders"),
    ('{"orders": [{]}', ""),
    ("", ""),
)


async def test_a_body_that_is_no_batch(exchange: Exchange) -> None:
    """An invalid batch gets 400 as a whole, and nothing is placed."""
    kind = {"content-type": "application/json"}
    for body, path in NO_BATCHES:
        answer = await exchange.admin.client.post(PATH, content=body, headers=kind)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (400, "VALIDATION_FAILED"), body
        assert path in [problem["path"] for problem in error["details"]], (body, error)


async def test_tokens_and_sizes_of_batches(exchange: Exchange) -> None:
    """A batch needs a token and may hold a hundred long orders; a larger body gets 413."""
    ann = await exchange.trader("ann")
    anonymous = await exchange.anonymous.post(PATH, json={"orders": [{}]})
    assert (anonymous.status_code, anonymous.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
    long = limit("BUY", "0.5", 1, clientOrderId="\u20ac" * 64, marketId="m" * 64, deadline="x")
    assert codes(await batch(ann, *[long] * 100)) == ["VALIDATION_FAILED"] * 100
    answer = await ann.client.post(PATH, json={"orders": [{"x": "x" * 270_000}]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


async def test_repeated_fields_of_one_order(exchange: Exchange) -> None:
    """A repeated field fails only its own order."""
    await exchange.market()
    ann = await exchange.trader("ann")
    good = json.dumps(limit("BUY", "0.5", 1))
    body = f'{{"orders": [{good}, {good[:-1]}, "qty": 2}}, {good}]}}'
    kind = {"content-type": "application/json"}
    results = (await ann.client.post(PATH, content=body, headers=kind)).json()["results"]
    assert codes(results) == ["OPEN", "VALIDATION_FAILED", "OPEN"]
    problem = {"path": "qty", "message": "is given more than once"}
    assert results[1]["error"]["details"] == [problem]


async def test_failures_of_the_core(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders beyond the queue's bound are refused, and the others are placed.

    A missing reply fails only its own order.
    """
    await exchange.market()
    ann = await exchange.trader("ann")
    core = exchange.node.core
    with monkeypatch.context() as patched:
        patched.setattr(core, "max_queue", 3)
        results = await batch(ann, *[limit("BUY", "0.1", 1)] * 5)
    assert codes(results) == ["OPEN"] * 3 + ["OVERLOADED"] * 2

    async def no_replies(commands: list[object]) -> list[Exception]:
        return [OutcomeUnknown("late"), Faulted("defect")]

    with monkeypatch.context() as patched:
        patched.setattr(type(core), "submit_many", lambda _, commands: no_replies(commands))
        results = await batch(ann, *[limit("BUY", "0.1", 1)] * 2)
    assert codes(results) == ["OUTCOME_UNKNOWN", "INTERNAL"]


async def test_a_client_that_leaves(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancelled caller leaves no command in the queue that nobody waits for."""
    core = exchange.node.core
    with monkeypatch.context() as patched:
        patched.setattr(
            core.pipeline, "arrived", asyncio.Event()
        )  # the decider sleeps on the original event
        asking = asyncio.create_task(core.submit_many([CancelAll(1), CancelAll(1)]))
        while len(core.pipeline.queue) < 2:
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert all(waiting.reply.cancelled() for waiting in core.pipeline.queue)
    core.pipeline.arrived.set()
