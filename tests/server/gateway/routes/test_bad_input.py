"""Every kind of bad input on every route gets a clear error with its code and changes nothing.

After each request a comparison of all tables, sessions and the journal among them, shows that
nothing changed. At the end the tables of money, trading and identity are compared once more by
other means. test_refusals.py covers the fields of orders.
"""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from sqlalchemy import text

from predmarket.enums import Role
from predmarket.server.gateway.auth.tokens import issue_access
from tests.server.gateway.digest import COMMANDS, Digest, Watch, digest
from tests.support.http_exchange import ON_ONE_DATABASE, PASSWORD, Exchange, Json, User
from tests.support.http_orders import error_of

JSON = {"content-type": "application/json"}
ORDER: Json = {"marketId": "rain", "side": "BUY", "type": "LIMIT", "price": "0.50", "qty": "1"}
AMEND: Json = {"price": "0.41", "qty": "2"}
MARKET: Json = {"slug": "snow", "question": "Will it snow?"}
TRANSFER: Json = {"userId": 2, "amount": "5", "reason": "why not"}
RESOLVE: Json = {"outcome": "SCALAR", "settlementPrice": "0.5"}
REGISTER: Json = {"email": "new@example.com", "password": PASSWORD}
LOGIN: Json = {"email": "ann@example.com", "password": PASSWORD}
ANNS_ORDER, BOBS_ORDER, ENDED_ORDER = 1, 2, 3

ROUTES: list[tuple[str, str, str, Json]] = [
    ("anonymous", "POST", "/v1/auth/register", REGISTER),
    ("anonymous", "POST", "/v1/auth/login", LOGIN),
    ("anonymous", "POST", "/v1/auth/refresh", {"refreshToken": "x"}),
    ("boss", "POST", "/v1/markets", MARKET),
    ("boss", "PATCH", "/v1/markets/rain", {"status": "HALTED"}),
    ("boss", "POST", "/v1/markets/rain/resolve", RESOLVE),
    ("ann", "POST", "/v1/orders", ORDER),
    ("ann", "POST", "/v1/orders/", ORDER),
    ("ann", "PATCH", f"/v1/orders/{ANNS_ORDER}", AMEND),
    ("ann", "POST", f"/v1/orders/{ANNS_ORDER}/cancel", {}),
    ("ann", "POST", "/v1/orders/cancel-all", {"side": "BUY"}),
    ("ann", "POST", "/v1/orders/cancel-after", {"seconds": 5}),
    ("boss", "POST", "/v1/user/transfer", TRANSFER),
]
"""Every route with a body, and a body that it accepts."""

NEEDS_USER = [
    ("POST", "/v1/auth/logout"),
    ("GET", "/v1/auth/me"),
    ("GET", "/v1/orders"),
    ("GET", f"/v1/orders/{ANNS_ORDER}"),
    *[("GET", f"/v1/user/{what}") for what in ("balance", "positions", "portfolio", "fills")],
    *[(method, path) for who, method, path, _ in ROUTES if who != "anonymous"],
]
PUBLIC = ["/v1/markets", "/v1/markets/rain", "/v1/orderbook/rain", "/v1/trades/rain"]

NOT_OBJECTS = [
    b"", b"null", b"[]", b"[{}]", b"5", b'"x"', b"true", b"{", b"}", b"{}{}", b"{'a': 1}", b"\x00",
    b"\xff\xfe{}", b"\xef\xbb\xbf{}", "{}".encode("utf-16"), "{}".encode("utf-32"),
    b'{"x": "\xff"}', b'{"x": "\\ud800"}', b'{"x": "\xed\xa0\x80"}', b'{"x": NaN}',
    b'{"x": -}', b'{"x": 01}', b"[" * 30_000, b'{"x":' * 9_000 + b"1" + b"}" * 9_000,
]  # fmt: skip
NO_BODY_NEEDED = ("/refresh", "/cancel", "/cancel-all")

NUMBERS = [
    '"NaN"', '"Infinity"', '"-Infinity"', '"1e400"', "1e400", "-1e400", '"1e-400"', "0.00000001",
    '"0.00000001"', '"１"', '"٣"', '"−1"', '"1,5"', '" 1"', '"1 "', '""', '"0x1"', '".5"', '"5."',
    '"+1"', '"--1"', '"1_0"', '"1e"', "true", "false", "[]", "{}", '"\\u0000"', "1" * 60,
    '"' + "1" * 60 + '"', '"' + "9" * 4_000 + '"', "9" * 4_400, '"0.' + "1" * 200 + '"',
]  # fmt: skip
"""JSON texts that are wrong for any amount."""
AMOUNTS: list[tuple[str, str, str, Json, list[str]]] = [
    (*ROUTES[6], ["price", "qty"]),
    (*ROUTES[7][:3], {**ORDER, "type": "MARKET", "price": None}, ["maxSlippage"]),
    (*ROUTES[8], ["price", "qty"]),
    (*ROUTES[3], ["tickSize", "makerFeeRate", "takerFeeRate"]),
    (*ROUTES[5], ["settlementPrice"]),
    (*ROUTES[11], ["seconds"]),
    (*ROUTES[12], ["amount"]),
]
SIGNED = {"price": ["-0", '"-0"', "0", "-1"], "qty": ["-0", "0", "-1"], "amount": ["-0", "0"]}

NEVER_ASKED = frozenset({400, 401, 413, 415})
"""Statuses of refusals that never reach the core, so that even the journal is unchanged."""

TEXTS = ['"a\\u0000b"', "5", "true", "[]", "{}", '"' + "x" * 20_000 + '"']
"""JSON texts that are wrong for any text field."""
FIELDS: list[tuple[str, str, str, Json, list[str]]] = [
    (*ROUTES[0], ["email", "password", "fullName"]),
    (*ROUTES[1], ["email", "password"]),
    (*ROUTES[3], ["slug", "question", "description", "closesAt", "status"]),
    (*ROUTES[4], ["status", "closesAt", "question", "description"]),
    (*ROUTES[5], ["outcome"]),
    (*ROUTES[6], ["side", "type", "timeInForce", "expiresAt", "clientOrderId", "deadline"]),
    (*ROUTES[10], ["side"]),
    (*ROUTES[12], ["reason"]),
]

IDS = ["0", "-1", "00", "1.0", "1e0", "0x1", "true", "%EF%BC%91", "%ff", "%00", "1%00", "%201",
       str(2**63), str(2**64), "9" * 400, "x" * 3_000, "..%2f1",
       "🌧", "a%0ab"]  # fmt: skip
QUERIES: list[tuple[str, str, str]] = [
    *[
        ("ann", f"{path}?limit={limit}", "limit")
        for path in ("/v1/markets", "/v1/orders", "/v1/trades/rain", "/v1/user/fills")
        for limit in ("0", "-1", "101", "x", "1.5", "%EF%BC%91", "%00", "true", "9" * 40)
    ],
    *[("ann", f"/v1/markets?offset={o}", "offset") for o in ("-1", "x", "9" * 40, str(2**63))],
    *[("ann", f"/v1/orderbook/rain?depth={d}", "depth") for d in ("0", "-1", "x", "10001")],
    *[
        ("ann", f"{path}?cursor={cursor}", "cursor")
        for path in ("/v1/orders", "/v1/trades/rain", "/v1/user/fills")
        for cursor in ("1", "zz", "%00", "!!!!!!!!!!!", "__________8", "AAAAAAAAAAAA", "a" * 101,
                       "%EF%BC%91", "..", "AAAAAAAAAAE=AAAA")
    ],
    ("ann", "/v1/orders?status=SHUT", "status"),
    ("ann", "/v1/orders?status=OPEN,", "status"),
    ("ann", "/v1/orders?status=open", "status"),
    ("ann", "/v1/markets?status=SHUT", "status"),
    ("ann", "/v1/markets?q=%00", "q"),
    ("ann", "/v1/markets?q=" + "x" * 501, "q"),
    ("ann", "/v1/orders?clientOrderId=" + "x" * 65, "clientOrderId"),
    ("ann", "/v1/orders?clientOrderId=%00", "clientOrderId"),
]  # fmt: skip


@dataclass
class Desk:
    """An exchange with data, and the check that nothing of it changes."""

    exchange: Exchange
    users: dict[str, User]
    watch: Watch
    before: Digest = field(default_factory=dict)

    async def begin(self) -> None:
        """Record the current state as the expected one."""
        self.watch.begin()
        self.before = await digest(self.exchange.node.db)

    async def refused(
        self,
        who: str,
        method: str,
        path: str,
        status: int,
        code: str,
        **request: Any,  # noqa: ANN401 -- httpx's
    ) -> Json:
        """Make a request that must be refused with this status and code; return the error."""
        client = self.exchange.anonymous if who == "anonymous" else self.users[who].client
        answer = await client.request(method, path, **request)
        row = (who, method, path[:200], str(request)[:300])
        assert answer.status_code == status, (*row, answer.status_code, answer.text)
        error = error_of(answer)
        assert error["code"] == code, (*row, error)
        if status == 401 and code == "UNAUTHENTICATED":
            assert answer.headers["www-authenticate"] == "Bearer"
        changed = self.watch.changed() - (set() if status in NEVER_ASKED else COMMANDS)
        if changed:
            await self.unchanged(row)
        assert not changed, row
        return error

    async def unchanged(self, row: tuple[str, ...] = ()) -> None:
        """Compare the tables of money, trading and identity with the recorded state."""
        assert await digest(self.exchange.node.db) == self.before, row

    async def malformed(self, who: str, method: str, path: str, body: bytes, field: str) -> None:
        """Send a body whose one invalid field must be named."""
        refused = self.refused(
            who, method, path, 400, "VALIDATION_FAILED", content=body, headers=JSON
        )
        problems = (await refused)["details"]
        paths = [problem["path"].partition(".")[0] for problem in problems]
        assert paths == [field], (path, body[:100], problems)


@pytest.fixture
async def desk(exchange: Exchange) -> AsyncIterator[Desk]:
    """Return an exchange where Ann and Bob have open orders, and Ann has an ended one.

    A draft market exists too.
    """
    await exchange.market()
    await exchange.market("secret", status="DRAFT")
    users = {name: await exchange.trader(name) for name in ("ann", "bob")}
    prices = (("ann", "0.40"), ("bob", "0.30"), ("ann", "0.20"))
    for name, price in prices:
        body = {**ORDER, "price": price, "qty": "3"}
        assert (await users[name].client.post("/v1/orders", json=body)).status_code == 201
    ended = await users["ann"].client.post(f"/v1/orders/{ENDED_ORDER}/cancel")
    assert ended.status_code == 200
    users["boss"] = exchange.admin
    with Watch(exchange.node.settings.database) as watch:
        made = Desk(exchange, users, watch)
        await made.begin()
        yield made
    await made.unchanged()


def _with(body: Json, name: str, spelled: str) -> bytes:
    """Return a body whose one field has this JSON text."""
    rest = json.dumps({key: value for key, value in body.items() if key != name})
    return f'{{"{name}": {spelled}{", " if len(rest) > 2 else ""}{rest[1:]}'.encode()


@ON_ONE_DATABASE
async def test_bodies_that_are_no_objects(desk: Desk) -> None:
    """A body that is truncated, too deep, of another type or encoding gets 400."""
    for who, method, path, _ in ROUTES:
        for body in NOT_OBJECTS:
            if body or not path.endswith(NO_BODY_NEEDED):
                request = {"content": body, "headers": JSON}
                await desk.refused(who, method, path, 400, "VALIDATION_FAILED", **request)


@ON_ONE_DATABASE
async def test_wrong_media_types(desk: Desk) -> None:
    """A wrong media type and a body that is too large are refused."""
    for who, method, path, body in ROUTES:
        content = json.dumps(body).encode()
        for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "x"):
            request = {"content": content, "headers": {"content-type": kind}}
            await desk.refused(who, method, path, 415, "UNSUPPORTED_MEDIA_TYPE", **request)
        large = content + b" " * 65_536
        await desk.refused(who, method, path, 413, "PAYLOAD_TOO_LARGE", content=large, headers=JSON)


@ON_ONE_DATABASE
async def test_unknown_fields(desk: Desk) -> None:
    """An unknown or repeated field is named in the error, whatever its name."""
    for who, method, path, body in ROUTES:
        for name in ("extra", "__proto__", "PRICE", "user_id", "", "é"):
            await desk.malformed(who, method, path, _with(body, name, "1"), "".join(name))
        for name in body:
            content = _with(body, name, json.dumps(body[name]))
            twice = content[:-1] + f', "{name}": {json.dumps(body[name])}}}'.encode()
            await desk.malformed(who, method, path, twice, name)


async def test_numbers(desk: Desk) -> None:
    """A number is refused if it is another type, too precise, or in another script's digits."""
    for who, method, path, body, names in AMOUNTS:
        for name in names:
            for spelled in [*NUMBERS, *SIGNED.get(name, [])]:
                await desk.malformed(who, method, path, _with(body, name, spelled), name)


async def test_texts(desk: Desk) -> None:
    """A text is refused if it has a NUL or half a character, or is too long or another type."""
    for who, method, path, body, names in FIELDS:
        for name in names:
            for spelled in TEXTS:
                await desk.malformed(who, method, path, _with(body, name, spelled), name)


async def test_unknown_ids(desk: Desk) -> None:
    """An id that is zero, negative, huge or in other digits is not found."""
    body: Json | None
    for id in IDS:
        for path in (f"/v1/markets/{id}", f"/v1/orderbook/{id}", f"/v1/trades/{id}"):
            await _not_found(desk, "ann", "GET", path, "MARKET_NOT_FOUND")
        for method, path, body in (
            ("PATCH", f"/v1/markets/{id}", {"status": "HALTED"}),
            ("POST", f"/v1/markets/{id}/resolve", {"outcome": "VOID"}),
        ):
            await _not_found(desk, "boss", method, path, "MARKET_NOT_FOUND", json=body)
        for method, path, body in (
            ("GET", f"/v1/orders/{id}", None),
            ("PATCH", f"/v1/orders/{id}", AMEND),
            ("POST", f"/v1/orders/{id}/cancel", None),
        ):
            await _not_found(desk, "ann", method, path, "ORDER_NOT_FOUND", json=body)
    for market in (0, -1, 99, 2**63, "nowhere", "１", "secret"):
        body, path = {"marketId": market}, "/v1/orders/cancel-all"
        await desk.refused("ann", "POST", path, 404, "MARKET_NOT_FOUND", json=body)
    for user in (0, -1, 99, 2**63 - 1, 2**63, 10**18):
        body = {**TRANSFER, "userId": user}
        await desk.refused("boss", "POST", "/v1/user/transfer", 404, "USER_NOT_FOUND", json=body)


async def _not_found(
    desk: Desk,
    who: str,
    method: str,
    path: str,
    code: str,
    **request: Any,  # noqa: ANN401 -- httpx's
) -> None:
    if "%2f" in path:  # a slash would lead to another address
        code = "NOT_FOUND"
    await desk.refused(who, method, path, 404, code, **request)


async def test_queries(desk: Desk) -> None:
    """An invalid query parameter is named in the error."""
    for who, path, name in QUERIES:
        error = await desk.refused(who, "GET", path, 400, "VALIDATION_FAILED")
        assert [problem["path"] for problem in error["details"]] == [name], (path, error)


def forged(exchange: Exchange, user: User) -> Iterator[str]:
    """Yield invalid credentials that resemble the user's."""
    secret = exchange.node.settings.signing_secret()
    good = user.session["accessToken"]
    claims = jwt.decode(good, options={"verify_signature": False})
    head, body, signature = good.split(".")

    def signed(changes: Json, key: str = secret, algorithm: str = "HS256") -> str:
        changed = {**claims, **changes}
        kept = {name: value for name, value in changed.items() if value is not None}
        return jwt.encode(kept, key, algorithm=algorithm)

    yield signed({"exp": claims["iat"] - 1})
    yield signed({"nbf": claims["exp"]})
    yield signed({}, "another secret, long enough to sign with")
    yield signed({}, secret + secret, "HS512")
    yield jwt.encode(claims, "", algorithm="none")
    yield f"{head}.{jwt.encode({**claims, 'role': 'ADMIN'}, 'x' * 32).split('.')[1]}.{signature}"
    yield f"{head}.{body}."
    yield f"{head}.{body}"
    yield good[:-2]
    yield from (signed({name: None}) for name in ("sub", "sid", "exp", "role"))
    yield signed({"sub": "1"})  # the admin's id with Ann's session
    for sub in ("0", "-1", "x", str(2**63), "１x"):
        yield signed({"sub": sub})
    sids: list[object] = [0, -1, 2**63, 10**40, "x", [], 99]
    for sid in sids:
        yield signed({"sid": sid})
    yield signed({"role": "GOD"})
    yield signed({"exp": "never"})
    yield user.session["refreshToken"]
    yield "x" * 5_000


async def test_tokens(desk: Desk) -> None:
    """An expired, forged or tampered token is refused on every route."""
    ann = desk.users["ann"]
    credentials = [f"Bearer {token}" for token in forged(desk.exchange, ann)]
    credentials += ["Bearer", "Basic YTpi", ann.session["accessToken"], "Bearer é"]
    for number, credential in enumerate(credentials):
        headers = {"authorization": credential.encode("latin-1"), **JSON}
        # each token on a route of its own, and all of them on POST /v1/orders
        everywhere = [*NEEDS_USER, *[("GET", path) for path in PUBLIC]]
        for method, path in (everywhere[number % len(everywhere)], ("POST", "/v1/orders")):
            await desk.refused("anonymous", method, path, 401, "UNAUTHENTICATED", headers=headers)


@ON_ONE_DATABASE
async def test_missing_and_insufficient_permissions(desk: Desk) -> None:
    """An admin's route answers 401 without a token and 403 with a user's token.

    A role within the token has no effect.
    """
    for method, path in NEEDS_USER:
        await desk.refused("anonymous", method, path, 401, "UNAUTHENTICATED")
    ann = desk.users["ann"]
    secret = desk.exchange.node.settings.signing_secret()
    claims = jwt.decode(ann.session["accessToken"], options={"verify_signature": False})
    lie = issue_access(secret, ann.id, claims["sid"], Role.ADMIN, claims["iat"])
    for who, method, path, body in ROUTES:
        if who == "boss":
            await desk.refused("ann", method, path, 403, "FORBIDDEN", json=body)
            headers = {"authorization": f"Bearer {lie}"}
            await desk.refused(
                "anonymous", method, path, 403, "FORBIDDEN", json=body, headers=headers
            )


async def test_sessions_that_ended(desk: Desk) -> None:
    """A session that is revoked or deleted, or whose user is disabled, is refused."""
    exchange = desk.exchange
    ends = {
        "revoked": "UPDATE sessions SET revoked_at = 1 WHERE user_id = :id",
        "deleted": "DELETE FROM sessions WHERE user_id = :id",
        "disabled": "UPDATE users SET disabled = TRUE WHERE id = :id",
    }
    for name, statement in ends.items():
        user = await exchange.register(f"{name}@example.com")
        async with exchange.node.db.write() as connection:
            if name == "deleted":
                tokens = "DELETE FROM refresh_tokens WHERE session_id IN (SELECT id FROM sessions"
                await connection.execute(text(f"{tokens} WHERE user_id = :id)"), {"id": user.id})
            await connection.execute(text(statement), {"id": user.id})
        await desk.begin()
        headers = {"authorization": f"Bearer {user.session['accessToken']}"}
        for method, path in NEEDS_USER:
            await desk.refused("anonymous", method, path, 401, "UNAUTHENTICATED", headers=headers)
        body = {"refreshToken": user.session["refreshToken"]}
        path = "/v1/auth/refresh"
        await desk.refused("anonymous", "POST", path, 401, "INVALID_REFRESH_TOKEN", json=body)


async def test_orders_of_another(desk: Desk) -> None:
    """Another user's order is neither shown nor changed, whether open or ended."""
    for id in (ANNS_ORDER, ENDED_ORDER):
        for method, path, body in (
            ("GET", f"/v1/orders/{id}", None),
            ("PATCH", f"/v1/orders/{id}", AMEND),
            ("POST", f"/v1/orders/{id}/cancel", None),
        ):
            await desk.refused("bob", method, path, 403, "FORBIDDEN", json=body)


async def test_idempotency_keys(desk: Desk) -> None:
    """An idempotency key must be printable and of bounded length."""
    for key in ("", "x" * 256, "a b", "é", "a\tb"):
        headers = {"idempotency-key": key.encode("latin-1")}
        path = "/v1/user/transfer"
        await desk.refused(
            "boss", "POST", path, 400, "VALIDATION_FAILED", json=TRANSFER, headers=headers
        )
