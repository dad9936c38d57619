"""Observability of a running exchange: access lines, metrics, health."""

import asyncio
import logging
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from predmarket.server.process import runtime
from predmarket.server.settings import Settings
from predmarket.server.storage import migrations
from predmarket.testing.serving import serving
from tests.support.http_exchange import ON_ONE_DATABASE, PASSWORD, Exchange, Json
from tests.support.log_lines import logged, requests_in
from tests.support.metric_names import explained
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer

ANSWER_S = 10.0


def order(**fields: object) -> Json:
    """Return an order that will rest."""
    return {
        "marketId": "rain", "side": "BUY", "type": "LIMIT", "price": "0.50", "qty": "1", **fields
    }  # fmt: skip


async def test_each_request_has_an_access_line(exchange: Exchange) -> None:
    """Each request logs a line with its id and user and without its query.

    Accepted orders and health probes are logged at DEBUG only.
    """
    await exchange.market()
    ann = await exchange.trader("ann")
    with logged() as stream:
        head = {"x-request-id": "mine"}
        await exchange.anonymous.get("/v1/markets?q=s3cret", headers=head)
        await ann.client.get("/v1/orders")
        await ann.client.post("/v1/orders", json=order())
        await exchange.anonymous.get("/healthz")
        await exchange.anonymous.get("/metrics")
        await ann.client.post("/v1/orders", json=order(price="0.555"))
        body = {"email": ann.email, "password": PASSWORD}
        await exchange.anonymous.post("/v1/auth/login", json=body)
        await exchange.anonymous.get("/v1/no%0awhere")
    told = requests_in(stream)
    assert [(line["method"], line["path"], line["status"]) for line in told] == [
        ("GET", "/v1/markets", 200),
        ("GET", "/v1/orders", 200),
        ("POST", "/v1/orders", 422),
        ("POST", "/v1/auth/login", 200),
        ("GET", "/v1/no%0awhere", 404),
    ]
    assert [line.get("userId") for line in told] == [None, ann.id, ann.id, ann.id, None]
    assert told[0]["requestId"] == "mine"
    assert all(line["durationMs"] > 0 for line in told)
    assert "s3cret" not in stream.getvalue()
    with logged(logging.DEBUG) as stream:
        await ann.client.post("/v1/orders", json=order(), headers=head)
        await exchange.anonymous.get("/healthz")
    placed, probe = requests_in(stream)
    assert (placed["requestId"], placed["userId"], placed["status"]) == ("mine", ann.id, 201)
    assert (probe["path"], probe["level"]) == ("/healthz", "debug")


async def test_a_refusal_names_its_user(exchange: Exchange) -> None:
    """The access line of a refusal by role, by scope or by origin names the user."""
    ann = await exchange.register("ann@example.com")
    made = await ann.client.post("/v1/auth/api-keys", json={"name": "bot", "scopes": ["read"]})
    key = {"authorization": f"Bearer {made.json()['key']}"}
    foreign = {
        "cookie": f"predmarket_access={ann.session['accessToken']}",
        "origin": "https://elsewhere.example",
    }
    asked: list[tuple[str, str, dict[str, str], object]] = [
        ("GET", "/v1/users", dict(ann.client.headers), None),
        ("POST", "/v1/markets", dict(ann.client.headers), {}),
        ("POST", "/v1/orders", key, order()),
        ("POST", "/v1/orders/batch", key, {"orders": [order()]}),
        ("POST", "/v1/orders/cancel-all", key, {}),
        ("GET", "/v1/auth/sessions", key, None),
        ("POST", "/v1/auth/logout", key, {}),
        ("POST", "/v1/orders", foreign, order()),
        ("POST", "/v1/orders/cancel-all", foreign, {}),
    ]
    with logged(logging.INFO) as stream:
        for method, path, headers, body in asked:
            wanted = {name: headers[name] for name in headers if name in (*key, *foreign)}
            answer = await exchange.anonymous.request(method, path, headers=wanted, json=body)
            assert answer.status_code == 403, (path, answer.text)
    told = requests_in(stream)
    assert [(line["path"], line.get("userId")) for line in told] == [
        (path, ann.id) for _, path, _, _ in asked
    ]


async def test_no_secret_of_a_whole_run_is_logged(exchange: Exchange) -> None:
    """No password, token or cookie is logged at DEBUG, wherever it was sent."""
    with logged(logging.DEBUG) as stream:
        ann = await exchange.register("ann@example.com")
        access, refresh = ann.session["accessToken"], ann.session["refreshToken"]
        await exchange.anonymous.get(f"/v1/auth/me?token={access}")
        cookies = {"cookie": f"predmarket_access={access}; predmarket_refresh={refresh}"}
        await exchange.anonymous.get("/v1/auth/me", headers=cookies)
        body: Any = {"email": ann.email, "password": f"{PASSWORD} not"}
        await exchange.anonymous.post("/v1/auth/login", json=body)
        await exchange.anonymous.post("/v1/auth/login", json={**body, "password": [PASSWORD]})
        renewed = await exchange.anonymous.post("/v1/auth/refresh", json={"refreshToken": refresh})
        await exchange.anonymous.post("/v1/auth/refresh", json={"refreshToken": refresh})
        await exchange.anonymous.get("/v1/auth/me", headers={"authorization": f"Bearer {access}x"})
    assert len(requests_in(stream)) >= 8
    text = stream.getvalue()
    for secret in (PASSWORD, access, refresh, renewed.json()["accessToken"]):
        assert secret not in text


def value(text: str, name: str, **labels: str) -> float:
    """Return the sum of a metric's samples that have these labels."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


@ON_ONE_DATABASE
async def test_every_metric_is_explained(exchange: Exchange) -> None:
    """docs/monitoring.md describes exactly the metrics that exist."""
    answer = await exchange.anonymous.get("/metrics")
    given = set(re.findall(r"^# TYPE (\w+) ", answer.text, re.MULTILINE))
    assert {name for name in given if not name.endswith("_created")} == explained()


async def test_metrics(exchange: Exchange) -> None:
    """Each metric counts exactly, and routes are labelled by template and never by path."""
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await ann.client.post("/v1/orders", json=order(qty="2"))
    await bob.client.post("/v1/orders", json=order(side="SELL", qty="3"))
    await bob.client.post("/v1/orders", json=order(qty="1000"))
    await bob.client.post("/v1/orders", json=order(qty="x"))
    for path in ("/v1/markets/rain", "/v1/markets/none", "/v1/a", "/v1/b"):
        await exchange.anonymous.get(path)
    await exchange.anonymous.request("PROPFIND", "/v1/markets")
    answer = await exchange.anonymous.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["content-type"].count("charset") == 1
    text = answer.text
    placed = "order_placement_total"
    assert value(text, placed) == 3
    assert value(text, placed, result="accepted", code="", side="BUY", type="LIMIT") == 1
    assert value(text, placed, result="refused", code="INSUFFICIENT_FUNDS", side="BUY") == 1
    assert value(text, "trade_execution_total") == 1
    assert value(text, "ws_connections_active") == 0
    count = "http_request_duration_seconds_count"
    assert value(text, count, method="POST", route="/v1/orders", status="201") == 2
    assert value(text, count, method="POST", route="/v1/orders", status="400") == 1
    assert value(text, count, method="GET", route="/v1/markets/{market}", status="200") == 1
    assert value(text, count, method="GET", route="/v1/markets/{market}", status="404") == 1
    assert value(text, count, method="GET", route="", status="404") == 2
    assert value(text, count, method="OTHER") == 1
    assert "/v1/markets/rain" not in text
    status = exchange.node.core.status()
    assert value(text, "settlement_sequence") == status.sequence
    assert value(text, "settlement_batch_size_sum") == status.sequence
    assert value(text, "settlement_commit_seconds_count") == status.batch
    assert value(text, "settlement_epoch") == status.epoch
    assert value(text, "settlement_leader", holder=status.leader) == 1
    assert value(text, "settlement_healthy") == 1
    assert value(text, "settlement_queue_length") == 0
    assert value(text, "database_pool_size") >= 8
    assert value(text, "process_resident_memory_bytes") > 0


async def test_health_may_be_asked_by_head(exchange: Exchange) -> None:
    """HEAD of the health route answers, as some load balancers require."""
    answer = await exchange.anonymous.head("/healthz")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_hanging_commit_is_noticed(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The core is reported down while a commit hangs, and up again afterwards."""
    monkeypatch.setattr("predmarket.server.core.pipeline_state.HANGS_S", 0.0)
    store = exchange.node.core.pipeline.store
    commit_batch, gone_on = store.commit_batch, asyncio.Event()

    async def hanging(record: Any) -> None:  # noqa: ANN401
        await gone_on.wait()
        await commit_batch(record)

    monkeypatch.setattr(store, "commit_batch", hanging)
    making = asyncio.create_task(exchange.market())
    while (answer := await exchange.anonymous.get("/healthz")).status_code == 200:
        await asyncio.sleep(0.01)
    down = {"status": "down", "database": "ok", "redis": "disabled", "core": "down"}
    assert (answer.status_code, answer.json()) == (503, down)
    gone_on.set()
    await making
    assert (await exchange.anonymous.get("/healthz")).status_code == 200


async def test_a_core_that_failed_is_down(exchange: Exchange) -> None:
    """A deposed core is reported down, because it executes no commands."""
    exchange.node.core.fail(RuntimeError("deposed"))
    answer = await exchange.anonymous.get("/healthz")
    assert (answer.status_code, answer.json()["core"]) == (503, "down")


async def asked(client: httpx.AsyncClient) -> tuple[int, Json]:
    """Request the health and check that the answer comes in time."""
    began = time.monotonic()
    answer = await client.get("/healthz", timeout=60)
    assert time.monotonic() - began < ANSWER_S
    body: Json = answer.json()
    return answer.status_code, body


async def until_up(client: httpx.AsyncClient) -> None:
    """Wait until every part is reported up."""
    while (await asked(client))[0] != 200:
        await asyncio.sleep(0.05)


@contextmanager
def paused(pid: int) -> Iterator[None]:
    """Pause all processes of a server during the block."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for process in family:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            os.kill(process.pid, signal.SIGCONT)


async def test_a_database_that_hangs(tmp_path: Path) -> None:
    """With a hanging database the health route answers in time, however many clients ask.

    It names the part that is down, and all parts recover.
    """
    with PostgresServer() as server:
        migrations.upgrade(server.url())
        settings = Settings.load(
            {"port": 0, "data_dir": str(tmp_path), "database_url": server.url()}
        )
        async with (
            runtime.node(settings, wait_s=0) as node,
            serving(node) as (url, _),
            httpx.AsyncClient(base_url=url) as client,
        ):
            assert (await asked(client))[0] == 200
            with paused(server.pid):
                answers = await asyncio.gather(*(asked(client) for _ in range(20)))
                assert {code for code, _ in answers} == {503}
                assert {body["database"] for _, body in answers} == {"down"}
                await asked(client)
            await until_up(client)


async def test_a_redis_that_hangs_or_goes(settings: Settings) -> None:
    """A hanging or missing Redis gets 503 with its name in time. The health recovers with it."""
    with RedisServer() as server:
        shared = settings.model_copy(update={"redis_url": SecretStr(server.url())})
        async with (
            runtime.node(shared, wait_s=0) as node,
            serving(node) as (url, _),
            httpx.AsyncClient(base_url=url) as client,
        ):
            up = {"status": "ok", "database": "ok", "redis": "ok", "core": "ok"}
            assert await asked(client) == (200, up)
            with paused(server.pid):
                assert await asked(client) == (503, {**up, "status": "down", "redis": "down"})
            await until_up(client)
            server.stop("kill")
            assert (await asked(client))[1]["redis"] == "down"
            server.start()
            await until_up(client)
