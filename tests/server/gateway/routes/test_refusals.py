"""Bad requests get a clear error in the envelope and change nothing."""

import asyncio
import gc
import itertools
import json
import weakref
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from predmarket.enums import ErrorCode
from predmarket.server.core.bus import Faulted, OutcomeUnknown, Overloaded
from predmarket.server.errors import Refusal
from predmarket.server.gateway.http.errors import refusal_of
from predmarket.server.storage.database import Database
from tests.support.http_exchange import Exchange, Json
from tests.support.http_orders import error_of


@pytest.fixture
def database_url(migrated_sqlite_url: str) -> str:
    """Return a SQLite database, because requests are refused before it is used."""
    return migrated_sqlite_url


ORDER: Json = {"marketId": "rain", "side": "BUY", "type": "LIMIT", "price": "0.50", "qty": "1"}
MARKET = {**ORDER, "type": "MARKET", "price": None}
LATER = "2999-01-01T00:00:00Z"

PRICES: list[object] = [
    "NaN", "Infinity", "-Infinity", "1e30", 1e30, "-0", 0, -0.5, "0.55555", 0.55555, "1", 1, "0",
    True, [], {}, "", " 0.5", "0,5", "1_0", "٠.٥", "abc", "0x1", "1e-400", "9" * 5_000, 10**400,
    "\x00",
]  # fmt: skip
QTYS: list[object] = [
    "NaN", "0", -1, "0.001", "1000000.01", "1e30", 10**400, True, None, [1], "1e999999999",
]  # fmt: skip
MALFORMED: list[tuple[Json, str]] = [
    *[({"price": price}, "price") for price in PRICES],
    *[({"qty": qty}, "qty") for qty in QTYS],
    ({"side": "buy"}, "side"),
    ({"side": None}, "side"),
    ({"type": "STOP"}, "type"),
    ({"marketId": None}, "marketId"),
    ({"marketId": 1.5}, "marketId"),
    ({"marketId": True}, "marketId"),
    ({"marketId": "a\x00b"}, "marketId"),
    ({"timeInForce": "DAY"}, "timeInForce"),
    ({"clientOrderId": ""}, "clientOrderId"),
    ({"clientOrderId": "x" * 65}, "clientOrderId"),
    ({"clientOrderId": "a\x00"}, "clientOrderId"),
    ({"clientOrderId": 5}, "clientOrderId"),
    ({"deadline": "tomorrow"}, "deadline"),
    ({"deadline": "2026-01-01T00:00:00"}, "deadline"),
    ({"deadline": "1969-12-31T23:59:59Z"}, "deadline"),
    ({"deadline": "9999-12-31T23:59:59-01:00"}, "deadline"),
    ({"deadline": 5}, "deadline"),
    ({"price": None}, "price"),
    ({"expiresAt": LATER}, "expiresAt"),
    ({"timeInForce": "GTD"}, "expiresAt"),
    ({"timeInForce": "IOC", "postOnly": True}, "postOnly"),
    ({"timeInForce": "FOK", "postOnly": True}, "postOnly"),
    ({"maxSlippage": "0.1"}, "maxSlippage"),
    ({"postOnly": "yes"}, "postOnly"),
    ({"reduceOnly": 1}, "reduceOnly"),
    ({"selfTradePrevention": "MAYBE"}, "selfTradePrevention"),
    ({"userId": 1}, "userId"),
    ({"__proto__": 1}, "__proto__"),
    ({**MARKET, "price": "0.5"}, "price"),
    ({**MARKET, "timeInForce": "GTC"}, "timeInForce"),
    ({**MARKET, "timeInForce": "GTD", "expiresAt": LATER}, "timeInForce"),
    ({**MARKET, "postOnly": True}, "postOnly"),
    ({**MARKET, "maxSlippage": "1.1"}, "maxSlippage"),
    ({**MARKET, "maxSlippage": "-0.1"}, "maxSlippage"),
]


async def test_malformed_orders(exchange: Exchange) -> None:
    """A malformed order gets 400 with the field's name and leaves no record."""
    await exchange.market()
    ann = await exchange.trader("ann")
    for fields, path in MALFORMED:
        body = json.dumps({**ORDER, **fields}).encode()
        answer = await ann.client.post(
            "/v1/orders", content=body, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 400, (fields, answer.text)
        error = error_of(answer)
        assert error["code"] == "VALIDATION_FAILED"
        assert path in [problem["path"] for problem in error["details"]], (fields, error)
    assert (await ann.client.get("/v1/orders")).json()["items"] == []
    # two accounts, a market and a deposit, and nothing later
    assert exchange.node.core.status().sequence == 4


async def test_several_problems_at_once(exchange: Exchange) -> None:
    """One error names all problems."""
    ann = await exchange.trader("ann")
    body = {**ORDER, "price": "2", "qty": -1, "side": "UP", "extra": 1}
    error = error_of(await ann.client.post("/v1/orders", json=body))
    assert [problem["path"] for problem in error["details"]] == ["side", "qty", "price", "extra"]


BODIES: list[tuple[bytes, str, int]] = [
    (b"", "application/json", 400),
    (b"null", "application/json", 400),
    (b"[]", "application/json", 400),
    (b"5", "application/json", 400),
    (b"{", "application/json", 400),
    (b'{"price": NaN}', "application/json", 400),
    (b"\xff\xfe", "application/json", 400),
    (b"\xef\xbb\xbf{}", "application/json", 400),
    (b'{"clientOrderId": "\xff"}', "application/json", 400),
    (b'{"clientOrderId": "\xed\xa0\x80"}', "application/json", 400),
    (b'{"clientOrderId": "\\ud800"}', "application/json", 400),
    (b"[" * 60_000, "application/json", 400),
    (b'{"qty":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "application/json", 400),
    (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "application/json", 400),
    (b'{"qty":' + b"9" * 60_000 + b"}", "application/json", 400),
    (b"side=BUY", "application/x-www-form-urlencoded", 415),
    (b"{}", "text/plain", 415),
    (b"{}", "application/json; charset=utf-8", 400),
    (b" " * 65_537, "application/json", 413),
]


async def test_bodies_that_are_not_requests(exchange: Exchange) -> None:
    """POST /v1/orders and other routes refuse invalid bodies alike."""
    ann = await exchange.trader("ann")
    paths = ("/v1/orders", "/v1/orders/", "/v1/auth/register")
    for path, (body, kind, status) in itertools.product(paths, BODIES):
        answer = await ann.client.post(path, content=body, headers={"content-type": kind})
        assert (body[:40], kind, answer.status_code) == (body[:40], kind, status)
        expected = {400: "VALIDATION_FAILED", 413: "PAYLOAD_TOO_LARGE"}
        assert error_of(answer)["code"] == expected.get(status, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_large_body_in_pieces(exchange: Exchange) -> None:
    """The size limit holds for a body without Content-Length."""
    ann = await exchange.trader("ann")

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 8_192

    for path in ("/v1/orders", "/v1/user/transfer", "/v1/auth/login"):
        client = exchange.admin.client if "transfer" in path else ann.client
        answer = await client.post(
            path, content=pieces(), headers={"content-type": "application/json"}
        )
        assert (answer.status_code, error_of(answer)["code"]) == (413, "PAYLOAD_TOO_LARGE")


NOWHERE = [
    ("GET", "/nothing", 404, "NOT_FOUND"),
    ("GET", "/", 404, "NOT_FOUND"),
    ("GET", "/v1/orders/1/2/3", 404, "NOT_FOUND"),
    ("DELETE", "/v1/orders", 405, "METHOD_NOT_ALLOWED"),
    ("PUT", "/v1/auth/me", 405, "METHOD_NOT_ALLOWED"),
    ("POST", "/v1/auth/me", 405, "METHOD_NOT_ALLOWED"),
    ("GET", "/v1/auth/me", 401, "UNAUTHENTICATED"),
    ("GET", "/v1/orders", 401, "UNAUTHENTICATED"),
    ("POST", "/v1/orders", 401, "UNAUTHENTICATED"),
    ("POST", "/v1/markets", 401, "UNAUTHENTICATED"),
    ("GET", "/v1/markets?limit=0", 400, "VALIDATION_FAILED"),
    ("GET", "/v1/markets?limit=101", 400, "VALIDATION_FAILED"),
    ("GET", "/v1/markets?limit=x", 400, "VALIDATION_FAILED"),
    ("GET", "/v1/markets?limit=" + "9" * 400, 400, "VALIDATION_FAILED"),
    ("GET", "/v1/markets?offset=-1", 400, "VALIDATION_FAILED"),
    ("GET", "/v1/markets?offset=" + "9" * 30, 400, "VALIDATION_FAILED"),
    ("GET", "/v1/markets?status=SHUT", 400, "VALIDATION_FAILED"),
    ("GET", "/v1/markets?q=%00", 400, "VALIDATION_FAILED"),
    ("GET", "/v1/orderbook/rain?depth=0", 400, "VALIDATION_FAILED"),
    ("GET", "/v1/trades/rain?cursor=zz", 400, "VALIDATION_FAILED"),
    ("GET", "/v1/trades/rain?cursor=%00", 400, "VALIDATION_FAILED"),
    ("GET", "/v1/trades/rain?cursor=__________8", 400, "VALIDATION_FAILED"),
    ("GET", "/v1/trades/nowhere", 404, "MARKET_NOT_FOUND"),
]


async def test_unknown_routes_and_methods(exchange: Exchange) -> None:
    """A request for an unknown route or method gets an error in the envelope."""
    await exchange.market()
    for method, path, status, code in NOWHERE:
        answer = await exchange.anonymous.request(method, path)
        found = (path, answer.status_code, error_of(answer)["code"])
        assert found == (path, status, code)
        assert bool(answer.headers.get("allow")) is (status == 405)
        assert (answer.headers.get("www-authenticate") == "Bearer") is (status == 401)


async def test_problems_in_a_query_are_named(exchange: Exchange) -> None:
    """A problem of a query names its parameter as the path."""
    ann = await exchange.trader("ann")
    for query, path in (
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("clientOrderId=%00", "clientOrderId"),
        ("status=SHUT", "status"),
        ("cursor=zz", "cursor"),
    ):
        error = error_of(await ann.client.get(f"/v1/orders?{query}"))
        assert [problem["path"] for problem in error["details"]] == [path]


MARKETS: list[tuple[Json, str]] = [
    ({"slug": "Rain"}, "slug"),
    ({"slug": "123"}, "slug"),
    ({"slug": "-a"}, "slug"),
    ({"slug": "a\n"}, "slug"),
    ({"slug": "a" * 65}, "slug"),
    ({"slug": ""}, "slug"),
    ({"question": ""}, "question"),
    ({"question": "x" * 501}, "question"),
    ({"question": "\x00"}, "question"),
    ({"question": None}, "question"),
    ({"tickSize": "0.02"}, "tickSize"),
    ({"takerFeeRate": "0.2501"}, "takerFeeRate"),
    ({"makerFeeRate": "-0.01"}, "makerFeeRate"),
    ({"makerFeeRate": "0.00001"}, "makerFeeRate"),
    ({"closesAt": "2026-01-01"}, "closesAt"),
    ({"closesAt": "2026-01-01T00:00:00"}, "closesAt"),
    ({"status": "CLOSED"}, "status"),
    ({"outcome": "YES"}, "outcome"),
]


async def test_malformed_markets(exchange: Exchange) -> None:
    """A malformed market gets 400 with the field's name."""
    for fields, path in MARKETS:
        body = {"slug": "rain", "question": "Will it rain?", **fields}
        answer = await exchange.admin.client.post("/v1/markets", json=body)
        paths = [problem["path"] for problem in error_of(answer)["details"]]
        assert (fields, answer.status_code, paths) == (fields, 400, [path])


async def test_every_answer_has_its_headers(exchange: Exchange) -> None:
    """Every answer has a request id, given or new, and the security headers."""
    for method, path in (("GET", "/v1/markets"), ("POST", "/v1/orders"), ("GET", "/nothing")):
        answer = await exchange.anonymous.request(method, path, headers={"x-request-id": "mine 1"})
        assert answer.headers["x-request-id"] == "mine 1"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["content-type"].startswith("application/json")
        for bad in ("x" * 129, "tab\there", "\xe9"):
            answer = await exchange.anonymous.request(
                method, path, headers={b"x-request-id": bad.encode("latin-1")}
            )
            assert answer.headers["x-request-id"] not in (bad, "")
        ids = {
            (await exchange.anonymous.request(method, path)).headers["x-request-id"]
            for _ in range(2)
        }
        assert len(ids) == 2


async def test_failures_of_the_core_are_answered_alike(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All routes answer a core's failure with the same error and without details of a defect."""
    await exchange.market()
    ann = await exchange.trader("ann")
    failures: list[tuple[Exception, int, str]] = [
        (Overloaded("too many"), 503, "OVERLOADED"),
        (OutcomeUnknown("late"), 503, "OUTCOME_UNKNOWN"),
        (Faulted("secret detail"), 500, "INTERNAL"),
        (ZeroDivisionError("secret detail"), 500, "INTERNAL"),
    ]
    calls = [
        ("POST", "/v1/orders", ORDER),
        ("POST", "/v1/orders/", ORDER),
        ("POST", "/v1/orders/1/cancel", None),
    ]
    for (error, status, code), (method, path, body) in itertools.product(failures, calls):

        async def fail(_: object, error: Exception = error) -> None:
            raise error

        def fail_later(_: object, error: Exception = error) -> asyncio.Future[object]:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(error)
            return future

        monkeypatch.setattr(exchange.node.core, "submit", fail)
        monkeypatch.setattr(exchange.node.core, "enqueue", fail_later)
        answer = await ann.client.request(method, path, json=body)
        assert (path, answer.status_code, error_of(answer)["code"]) == (path, status, code)
        assert "secret" not in answer.text
        assert answer.headers.get("retry-after") == ("1" if code == "OVERLOADED" else None)


async def test_a_database_that_is_away() -> None:
    """A missing database gets 503 without the driver's message."""
    database = Database("postgresql://nobody@127.0.0.1:1/nowhere")
    with pytest.raises(DBAPIError) as raised:
        async with database.read():
            pass
    refusal = refusal_of(raised.value)
    assert (refusal.status, refusal.code, refusal.headers) == (
        503,
        ErrorCode.UNAVAILABLE,
        {"retry-after": "1"},
    )
    assert not await database.answers()


async def test_health_and_status(exchange: Exchange) -> None:
    """Health and status name each part."""
    health = await exchange.anonymous.get("/healthz")
    parts = {"status": "ok", "database": "ok", "redis": "disabled", "core": "ok"}
    assert (health.status_code, health.json()) == (200, parts)
    status = (await exchange.anonymous.get("/v1/status")).json()
    names = {
        "version", "uptime", "backend", "leader", "durability", "sequence", "healthy", "time",
        "clock",
    }  # fmt: skip
    assert set(status) == names
    assert abs(datetime.fromisoformat(status["time"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert status["backend"] in ("sqlite", "postgresql")


async def test_a_recorded_refusal_stands_when_its_market_appears(exchange: Exchange) -> None:
    """A recorded refusal is repeated with its 404 after its market appears.

    Another request under its id gets 409.
    """
    ann = await exchange.trader("ann")
    order = {**ORDER, "marketId": 1, "clientOrderId": "c"}
    first = await ann.client.post("/v1/orders", json=order)
    assert (first.status_code, first.json()["error"]["code"]) == (404, "MARKET_NOT_FOUND")
    await exchange.market("later")
    again = await ann.client.post("/v1/orders", json=order)
    assert again.json()["error"] == first.json()["error"]
    other = await ann.client.post("/v1/orders", json={**order, "marketId": "other"})
    assert other.json()["error"]["code"] == "DUPLICATE_CLIENT_ORDER_ID"


async def test_an_unknown_slug_leaves_no_record(exchange: Exchange) -> None:
    """An order for an unknown slug is refused without a record.

    It is placed once the market exists. Refusals that precede the check of the market still take
    precedence.
    """
    ann = await exchange.trader("ann")
    order = {**ORDER, "marketId": "later", "clientOrderId": "c"}
    too_late = {**order, "deadline": "2020-01-01T00:00:00Z"}
    for _ in range(2):
        answer = await ann.client.post("/v1/orders", json=order)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "MARKET_NOT_FOUND")
    batch = (await ann.client.post("/v1/orders/batch", json={"orders": [order, too_late]})).json()
    codes = [result["error"]["code"] for result in batch["results"]]
    assert codes == ["MARKET_NOT_FOUND", "DEADLINE_PASSED"]
    assert (await ann.client.get("/v1/orders")).json()["items"] == []
    await exchange.market("later")
    assert (await ann.client.post("/v1/orders", json=order)).status_code == 201
    other = await ann.client.post("/v1/orders", json={**order, "marketId": "other"})
    assert other.json()["error"]["code"] == "DUPLICATE_CLIENT_ORDER_ID"


async def test_a_repeat_may_name_the_market_another_way(exchange: Exchange) -> None:
    """A repeat may name the market by id instead of slug."""
    market = await exchange.market()
    ann = await exchange.trader("ann")
    order = {**ORDER, "clientOrderId": "c"}
    first = await ann.client.post("/v1/orders", json=order)
    again = await ann.client.post("/v1/orders", json={**order, "marketId": market["id"]})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()


async def test_a_market_closes_in_the_future(exchange: Exchange) -> None:
    """A closing time in the past is refused, because it would use up the slug."""
    boss = exchange.admin.client
    past = {"slug": "past", "question": "?", "closesAt": "2020-01-01T00:00:00Z"}
    answer = await boss.post("/v1/markets", json=past)
    assert (answer.status_code, answer.json()["error"]["details"][0]["path"]) == (400, "closesAt")
    await exchange.market("past")
    answer = await boss.patch("/v1/markets/past", json={"closesAt": "2020-01-01T00:00:00Z"})
    assert answer.status_code == 400
    blank = await boss.post("/v1/markets", json={"slug": "blank", "question": "  "})
    assert (blank.status_code, blank.json()["error"]["details"][0]["path"]) == (400, "question")


async def test_a_cancel_takes_no_fields(exchange: Exchange) -> None:
    """A cancel takes no body or an empty object; fields may be meant for another call."""
    await exchange.market()
    ann = await exchange.trader("ann")
    id = (await ann.client.post("/v1/orders", json=ORDER)).json()["id"]
    assert (await ann.client.post(f"/v1/orders/{id}/cancel", json={"x": 1})).status_code == 400
    assert (await ann.client.post(f"/v1/orders/{id}/cancel", json={})).status_code == 200


def test_a_refused_request_is_freed_at_once() -> None:
    """A refusal's frames, which hold the request, are freed without the garbage collector."""

    def answer() -> "weakref.ref[Refusal]":
        try:
            raise Refusal(ErrorCode.RATE_LIMITED)
        except Refusal as error:
            refusal = refusal_of(error)
        return weakref.ref(refusal)

    gc.disable()
    try:
        assert answer()() is None
    finally:
        gc.enable()
