"""The fast path of POST /v1/orders gives the ordinary answers, however the bytes arrive."""

import asyncio
import json
from urllib.parse import urlsplit

import pytest

from predmarket.server.gateway import fair_turns, presenters
from predmarket.server.gateway.protocol.connection import Connection
from predmarket.server.gateway.protocol.order_fast_path import Cycle, OrderFastPath, Running
from predmarket.server.gateway.routes.place_order import PlaceRoute
from tests.support.http_exchange import Exchange
from tests.support.raw_http import ORDER, connected, request, token_of

LARGE = json.dumps(ORDER).encode() + b" " * 400_000


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Return a SQLite database, because connections do not depend on its kind."""
    return sqlite_url


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return a list that tells for each attempted order whether the fast path took it."""
    tried: list[bool] = []
    begin = OrderFastPath.begin

    def noting(fast_path: OrderFastPath, cycle: Cycle, bearer: bytes, running: Running) -> bool:
        tried.append(begin(fast_path, cycle, bearer, running))
        return tried[-1]

    monkeypatch.setattr(OrderFastPath, "begin", noting)
    return tried


async def test_the_same_answer_either_way(exchange: Exchange, begun: list[bool]) -> None:
    """The fast path and the ordinary path give the same status, headers and body.

    The bodies are orders, repeats and refusals.
    """
    await exchange.market()
    user = await exchange.trader("ann")
    bodies = [
        ORDER,
        ORDER | {"clientOrderId": "a"},
        ORDER | {"clientOrderId": "a"},
        ORDER | {"clientOrderId": "a", "qty": "2"},
        ORDER | {"price": "0.555"},
        ORDER | {"qty": "1000000"},
        ORDER | {"marketId": "snow"},
    ]
    await user.client.get("/v1/auth/me")
    for body in bodies:
        answers = []
        for path in ("/v1/orders", "/v1/orders/"):
            given = dict(body)
            if "clientOrderId" in body:
                given["clientOrderId"] = f"{body['clientOrderId']}{path}"
            answer = await user.client.post(path, json=given, headers={"x-request-id": "mine"})
            shown = answer.json()
            for field in ("id", "clientOrderId", "createdAt", "updatedAt"):
                shown.pop(field, None)
            shown.get("error", {}).get("details", {}).pop("orderId", None)
            if "error" in shown and "available" in shown["error"]["message"]:
                shown["error"] = shown["error"]["code"]  # the other order has locked cash
            kept = {k: v for k, v in answer.headers.items() if k not in ("date", "content-length")}
            answers.append((answer.status_code, kept, shown))
        assert answers[0] == answers[1]
    assert begun == [True] * len(bodies)


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        ([], None),
        (["transfer-encoding: chunked"], b"%x\r\n%b\r\n0\r\n\r\n"),
    ],
)
async def test_byte_by_byte(
    exchange: Exchange, begun: list[bool], lines: list[str], body: bytes | None
) -> None:
    """An order that arrives byte by byte is submitted once, when it is complete."""
    await exchange.market()
    token = await token_of(exchange)
    order = json.dumps(ORDER).encode()
    whole = request(token, None if body is None else body % (len(order), order), *lines)
    async with connected(exchange.url) as socket:
        for byte in whole:
            await socket.send(bytes([byte]))
        status, _, answer = await socket.answer()
    assert (status, answer["status"], begun) == (201, "OPEN", [True])


async def test_orders_sent_at_once_are_answered_in_order(
    exchange: Exchange, begun: list[bool]
) -> None:
    """Requests sent at once are answered in order, each once."""
    await exchange.market()
    token = await token_of(exchange)
    orders = [request(token, json.dumps(ORDER | {"qty": str(qty)}).encode()) for qty in range(1, 9)]
    probe = b"GET /v1/auth/me HTTP/1.1\r\nhost: x\r\n\r\n"
    async with connected(exchange.url) as socket:
        await socket.send(b"".join([*orders[:4], probe, *orders[4:]]))
        answers = [await socket.answer() for _ in range(9)]
    assert [status for status, _, _ in answers] == [201] * 4 + [401] + [201] * 4
    assert [a["qty"] for _, _, a in answers if "qty" in a] == [f"{n}.00" for n in range(1, 9)]
    assert begun == [True] * 8


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [(LARGE, 413, "PAYLOAD_TOO_LARGE"), (b"{", 400, "VALIDATION_FAILED")],
    ids=["too large", "no object"],
)
async def test_other_bodies_take_the_ordinary_path(
    exchange: Exchange, body: bytes, status: int, code: str
) -> None:
    """A body that is too large or invalid takes the ordinary path and is refused there."""
    await exchange.market()
    token = await token_of(exchange)
    async with connected(exchange.url) as socket:
        await socket.send(request(token, body))
        answered, _, answer = await socket.answer()
    assert (answered, answer["error"]["code"]) == (status, code)


async def test_expect_continue_is_answered(exchange: Exchange) -> None:
    """Expect: 100-continue is answered before the body arrives."""
    await exchange.market()
    body = json.dumps(ORDER).encode()
    length = f"content-length: {len(body)}"
    head = request(await token_of(exchange), b"", length, "expect: 100-continue")
    async with connected(exchange.url) as socket:
        await socket.send(head)
        async with asyncio.timeout(60):
            assert await socket.line() == b"HTTP/1.1 100 Continue\r\n"
            assert await socket.line() == b"\r\n"
        await socket.send(body)
        assert (await socket.answer())[0] == 201


async def test_a_connection_for_one_order(exchange: Exchange, begun: list[bool]) -> None:
    """Connection: close is obeyed and repeated in the answer."""
    await exchange.market()
    body = json.dumps(ORDER).encode()
    lines = (f"content-length: {len(body)}", "connection: close")
    async with connected(exchange.url) as socket:
        await socket.send(request(await token_of(exchange), body, *lines))
        status, headers, _ = await socket.answer()
        assert (status, headers["connection"], begun) == (201, "close", [True])
        assert await socket.closed()


async def test_a_client_that_has_left(exchange: Exchange, begun: list[bool]) -> None:
    """The order of a client that has disconnected is placed, and the exchange continues."""
    await exchange.market()
    ann = await exchange.trader("ann")
    await ann.client.get("/v1/auth/me")
    async with connected(exchange.url) as socket:
        await socket.send(request(ann.session["accessToken"]))
    async with asyncio.timeout(60):
        while not begun or not (await ann.client.get("/v1/orders")).json()["items"]:
            await asyncio.sleep(0.01)
    assert begun == [True]


async def test_a_client_that_half_closes_while_it_waits(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that half-closes while it waits for its turn gets its answers.

    Without an open request the connection is closed.
    """
    await exchange.market()
    ann = await exchange.trader("ann")
    token = ann.session["accessToken"]
    monkeypatch.setattr(fair_turns, "REST_SECONDS", 0.05)
    monkeypatch.setattr(fair_turns, "PASS_SECONDS", 0.05)
    turns = fair_turns.fair_turns(asyncio.get_running_loop())
    parts = urlsplit(exchange.url)
    for sent, wanted in ((request(token), b"HTTP/1.1 201 "), (b"", b""), (b"POST /v1/ord", b"")):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        turns.spent(turns.share("others"), fair_turns.PASS_SECONDS)
        writer.write(sent)
        writer.write_eof()
        async with asyncio.timeout(60):
            answer = await reader.read()
        writer.close()
        assert answer[:13] == wanted


async def test_an_order_without_the_trade_scope(exchange: Exchange) -> None:
    """A key without the trade scope is refused, cached or not."""
    await exchange.market()
    ann = await exchange.trader("ann")
    made = await ann.client.post("/v1/auth/api-keys", json={"name": "r", "scopes": ["read"]})
    key = {"authorization": f"Bearer {made.json()['key']}"}
    for _ in range(2):
        answer = await exchange.anonymous.post("/v1/orders", json=ORDER, headers=key)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
        assert (await exchange.anonymous.get("/v1/orders", headers=key)).status_code == 200


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list with one entry for each head that the parser read."""
    heads: list[None] = []
    complete = Connection.on_headers_complete

    def noting(connection: Connection) -> None:
        heads.append(None)
        complete(connection)

    monkeypatch.setattr(Connection, "on_headers_complete", noting)
    return heads


async def test_a_repeated_head_is_not_parsed(
    exchange: Exchange, begun: list[bool], parsed: list[None]
) -> None:
    """A repeated head is not parsed again, on another connection too.

    Each order is separate, and each answer has the same headers.
    """
    await exchange.market()
    token = await token_of(exchange)
    bodies = [json.dumps(ORDER | {"qty": str(qty)}).encode() for qty in range(1, 7)]
    answers = []
    for some in (bodies[:4], bodies[4:]):
        async with connected(exchange.url) as socket:
            await socket.send(b"GET /v1/auth/me HTTP/1.1\r\nhost: x\r\n\r\n")
            await socket.answer()
            for body in some:
                await socket.send(request(token, body))
                answers.append(await socket.answer())
    assert [status for status, _, _ in answers] == [201] * 6
    assert [answer["qty"] for _, _, answer in answers] == [f"{n}.00" for n in range(1, 7)]
    ids = {headers.pop("x-request-id") for _, headers, _ in answers}
    assert len(ids) == 6
    assert all(headers.keys() == answers[0][1].keys() for _, headers, _ in answers)
    assert begun == [True] * 6
    assert len(parsed) >= 3  # the two probes and the first order
    parsed.clear()
    async with connected(exchange.url) as socket:
        await socket.send(request(token, bodies[0]))  # the first of a connection is always parsed
        await socket.answer()
        await socket.send(request(token, bodies[1]))
        assert (await socket.answer())[0] == 201
    assert len(parsed) == 1


async def test_a_repeated_head_is_not_parsed_after_a_wait(
    exchange: Exchange, begun: list[bool], parsed: list[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repeated head is not parsed again when the connection had to wait for its turn."""
    await exchange.market()
    token, body = await token_of(exchange), json.dumps(ORDER).encode()
    async with connected(exchange.url) as socket:
        for _ in range(2):  # the first of a connection is always parsed
            await socket.send(request(token, body))
            await socket.answer()
        parsed.clear()
        monkeypatch.setattr(fair_turns.FairTurns, "crowded", True)
        for _ in range(3):
            await socket.send(request(token, body))
            assert (await socket.answer())[0] == 201
    assert begun == [True] * 5
    assert parsed == []


async def test_a_cached_head_grants_nothing(exchange: Exchange) -> None:
    """A cached head grants nothing: each request's body, token and length are checked again."""
    await exchange.market()
    user = await exchange.trader("ann")
    token = user.session["accessToken"]
    await user.client.get("/v1/auth/me")
    body = json.dumps(ORDER).encode()
    async with connected(exchange.url) as socket:
        for sent in (body, body):
            await socket.send(request(token, sent))
            assert (await socket.answer())[0] == 201
        await socket.send(request(token, b"{" * len(body)))
        status, _, answer = await socket.answer()
        assert (status, answer["error"]["code"]) == (400, "VALIDATION_FAILED")
        whole = request(token, body)
        await socket.send(whole[:-5])
        await asyncio.sleep(0)
        await socket.send(whole[-5:] + whole)  # and another request behind it
        assert [(await socket.answer())[0] for _ in range(2)] == [201, 201]
        placed = (await user.client.get("/v1/orders")).json()["items"]
        await user.client.post("/v1/auth/logout")
        await socket.send(whole)
        assert (await socket.answer())[0] == 401
    assert len(placed) == 4


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders/batch"])
@pytest.mark.parametrize("spelt", ["{}/", "{}//", "/{}"])
async def test_spellings_of_the_address_reach_one_route(
    exchange: Exchange, path: str, spelt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spelling of the address that the framework accepts reaches the bare route.

    It is counted under the one address.
    """
    await exchange.market()
    ann = await exchange.trader("ann")
    called: list[str] = []
    call = PlaceRoute.__call__

    async def noting(route: PlaceRoute, *args: object) -> None:
        called.append(route.path)
        await call(route, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(PlaceRoute, "__call__", noting)
    body = {"orders": [ORDER]} if "batch" in path else ORDER
    address = exchange.url + spelt.format(path)
    answer = await ann.client.post(address, json=body)
    assert answer.status_code == (200 if "batch" in path else 201)
    assert called == [path]
    metrics = (await exchange.anonymous.get("/metrics")).text
    assert f'route="{path}"' in metrics
    assert f'route="{spelt.format(path)}"' not in metrics


async def test_an_answer_that_cannot_be_rendered(
    exchange: Exchange, begun: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order and its repeat whose answers cannot be rendered are answered with an error."""
    await exchange.market()
    user = await exchange.trader("ann")
    order = ORDER | {"clientOrderId": "a"}
    await user.client.get("/v1/auth/me")

    def broken(*_args: object) -> None:
        raise KeyError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr(presenters, "order", broken)
        for _ in range(2):
            async with asyncio.timeout(60):
                answer = await user.client.post("/v1/orders", json=order)
            assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL")
    assert (await user.client.post("/v1/orders", json=order)).status_code == 200
    assert begun == [True] * 3
