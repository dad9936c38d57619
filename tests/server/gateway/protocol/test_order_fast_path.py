"""POST /v1/orders without a task: however the bytes come, the answers of the ordinary way."""

import asyncio
import json
from urllib.parse import urlsplit

import pytest

from predmarket.server.gateway import fair_turns
from predmarket.server.gateway.protocol.connection import Connection
from predmarket.server.gateway.protocol.order_fast_path import Cycle, OrderFastPath, Running
from predmarket.server.gateway.routes.place_order import PlaceRoute
from tests.support.http_exchange import Exchange
from tests.support.raw_http import ORDER, connected, request, token_of

LARGE = json.dumps(ORDER).encode() + b" " * 400_000


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: connections do not know it."""
    return sqlite_url


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each order that was tried went this way."""
    tried: list[bool] = []
    begin = OrderFastPath.begin

    def noting(fast_path: OrderFastPath, cycle: Cycle, bearer: bytes, running: Running) -> bool:
        tried.append(begin(fast_path, cycle, bearer, running))
        return tried[-1]

    monkeypatch.setattr(OrderFastPath, "begin", noting)
    return tried


async def test_the_same_answer_either_way(exchange: Exchange, begun: list[bool]) -> None:
    """Status, headers and body, for orders, repeats and refusals alike."""
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
                shown["error"] = shown["error"]["code"]  # the other order has locked something
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
    """It is handed in when it is whole, once."""
    await exchange.market()
    token = await token_of(exchange)
    order = json.dumps(ORDER).encode()
    whole = request(token, None if body is None else body % (len(order), order), *lines)
    async with connected(exchange.url) as socket:
        for byte in whole:
            await socket.send(bytes([byte]))
        status, _, answer = await socket.answer()
    assert (status, answer["status"], begun) == (201, "OPEN", [True])


async def test_one_behind_the_other(exchange: Exchange, begun: list[bool]) -> None:
    """Requests sent at once are answered in their order, each once."""
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
async def test_what_is_not_plain_goes_the_ordinary_way(
    exchange: Exchange, body: bytes, status: int, code: str
) -> None:
    """A body that is too large, or no order, is refused as everywhere."""
    await exchange.market()
    token = await token_of(exchange)
    async with connected(exchange.url) as socket:
        await socket.send(request(token, body))
        answered, _, answer = await socket.answer()
    assert (answered, answer["error"]["code"]) == (status, code)


async def test_a_client_that_waits_to_be_asked(exchange: Exchange) -> None:
    """Expect: 100-continue is answered before the body is there."""
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
    """Connection: close is heeded and said."""
    await exchange.market()
    body = json.dumps(ORDER).encode()
    lines = (f"content-length: {len(body)}", "connection: close")
    async with connected(exchange.url) as socket:
        await socket.send(request(await token_of(exchange), body, *lines))
        status, headers, _ = await socket.answer()
        assert (status, headers["connection"], begun) == (201, "close", [True])
        assert await socket.closed()


async def test_a_client_that_has_left(exchange: Exchange, begun: list[bool]) -> None:
    """Its order is placed all the same, and the exchange goes on."""
    await exchange.market()
    ann = await exchange.trader("ann")
    await ann.client.get("/v1/auth/me")
    async with connected(exchange.url) as socket:
        await socket.send(request(ann.session["accessToken"]))
    async with asyncio.timeout(60):
        while not begun or not (await ann.client.get("/v1/orders")).json()["items"]:
            await asyncio.sleep(0.01)
    assert begun == [True]


async def test_a_client_that_says_no_more_while_others_have_their_turn(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it sent before is answered; with nothing of it unanswered the connection is closed."""
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


async def test_an_order_without_leave_to_trade(exchange: Exchange) -> None:
    """A key that may only read is refused, known or not."""
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
    """One entry for each head that went through the parser."""
    heads: list[None] = []
    complete = Connection.on_headers_complete

    def noting(connection: Connection) -> None:
        heads.append(None)
        complete(connection)

    monkeypatch.setattr(Connection, "on_headers_complete", noting)
    return heads


async def test_a_head_that_came_before_is_not_parsed(
    exchange: Exchange, begun: list[bool], parsed: list[None]
) -> None:
    """On another connection too; each order is its own, each answer the same as a parsed one's."""
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
    assert len(parsed) >= 3  # the probes and the first order
    parsed.clear()
    async with connected(exchange.url) as socket:
        await socket.send(request(token, bodies[0]))  # the first of a connection is always parsed
        await socket.answer()
        await socket.send(request(token, bodies[1]))
        assert (await socket.answer())[0] == 201
    assert len(parsed) == 1


async def test_a_head_that_came_before_is_not_parsed_after_a_wait(
    exchange: Exchange, begun: list[bool], parsed: list[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under load most orders wait for their connection's turn."""
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


async def test_a_known_head_lets_nobody_in(exchange: Exchange) -> None:
    """Its body is decoded, its token asked for and its length believed, each time."""
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
        await socket.send(whole[-5:] + whole)  # and one more behind it
        assert [(await socket.answer())[0] for _ in range(2)] == [201, 201]
        placed = (await user.client.get("/v1/orders")).json()["items"]
        await user.client.post("/v1/auth/logout")
        await socket.send(whole)
        assert (await socket.answer())[0] == 401
    assert len(placed) == 4


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders/batch"])
@pytest.mark.parametrize("spelt", ["{}/", "{}//", "/{}"])
async def test_one_way_however_the_address_is_spelt(
    exchange: Exchange, path: str, spelt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the framework would take for the address of a bare route goes there, and is counted
    under the one address."""
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
