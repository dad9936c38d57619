"""API keys over HTTP: their rights, their revocation and their limits."""

import asyncio
import hashlib
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.gateway.auth import api_keys as keys
from predmarket.server.gateway.auth.principals import Revocation
from predmarket.server.storage.tables.identity import api_keys, users
from tests.support.http_exchange import ON_ONE_DATABASE, PASSWORD, Exchange, User
from tests.support.http_users import KEYS, bearer, make_key


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and code of an error."""
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_good_key_is_not_remembered_at_any_length(exchange: Exchange) -> None:
    """A valid key with extra blanks is not cached, because long spellings would fill the memory."""
    ann = await exchange.register("ann@example.com")
    key = (await make_key(ann, "read"))["key"]
    for blanks, status in ((1, 200), (100, 200), (20_000, 401), (60_000, 401)):
        given = {"authorization": f"Bearer{' ' * blanks}{key}"}
        answer = await exchange.anonymous.get("/v1/user/balance", headers=given)
        assert answer.status_code == status
        remembered = exchange.app.context.principals.known(given["authorization"].encode())
        assert (remembered is not None) == (status == 200)


async def test_a_key_is_shown_once_and_stands_for_its_user(exchange: Exchange) -> None:
    """A key is shown once; the list omits it, and the database stores only its hash."""
    ann = await exchange.register("ann@example.com")
    key = await make_key(ann, "trade", "read", name="quoter")
    assert key["key"].startswith("pmk_")
    assert len(key["key"]) >= 40
    assert key | {"key": ""} == {
        "id": key["id"], "name": "quoter", "scopes": ["read", "trade"], "key": ""
    }  # fmt: skip
    listed = (await ann.client.get(KEYS)).json()
    assert listed["nextCursor"] is None
    assert [(item["id"], item["scopes"], item["lastUsedAt"]) for item in listed["items"]] == [
        (key["id"], ["read", "trade"], None)
    ]
    assert set(listed["items"][0]) == {"id", "name", "scopes", "createdAt", "lastUsedAt"}

    me = await exchange.anonymous.get("/v1/auth/me", headers=bearer(key))
    assert me.json() == ann.session["user"]
    used = (await ann.client.get(KEYS)).json()["items"][0]
    assert used["lastUsedAt"] >= used["createdAt"]

    async with exchange.node.db.read() as connection:
        row = (await connection.execute(select(api_keys))).one()
    assert row.hash == hashlib.sha256(key["key"].encode()).digest()
    assert key["key"] not in str(row)


@ON_ONE_DATABASE
async def test_a_key_does_what_its_scopes_say(exchange: Exchange) -> None:
    """A key may do what its scopes permit, and a refusal names the missing scope.

    The order fast path checks the scope too.
    """
    market = await exchange.market()
    draft = await exchange.market("draft", status="DRAFT")
    ann = await exchange.trader("ann")
    boss = exchange.admin
    order = {"marketId": market["id"], "side": "BUY", "type": "LIMIT", "price": "0.5", "qty": "1"}
    placed = (await ann.client.post("/v1/orders", json=order)).json()
    of_ann, of_boss = f"/v1/orders/{placed['id']}", {"slug": "new", "question": "Is it?"}
    calls: dict[str, tuple[str, str, Any]] = {
        "balance": ("GET", "/v1/user/balance", None),
        "orders": ("GET", "/v1/orders", None),
        "ann's order": ("GET", of_ann, None),
        "place": ("POST", "/v1/orders", order),
        "amend": ("PATCH", of_ann, {"qty": "1"}),
        "cancel-all": ("POST", "/v1/orders/cancel-all", {}),
        "draft": ("GET", f"/v1/markets/{draft['id']}", None),
        "users": ("GET", "/v1/users", None),
        "create": ("POST", "/v1/markets", of_boss),
    }

    async def outcome(user: User, *scopes: str) -> dict[str, str]:
        headers = bearer(await make_key(user, *scopes))
        found = {}
        for name, (method, path, body) in calls.items():
            answer = await exchange.anonymous.request(method, path, json=body, headers=headers)
            message = answer.json().get("error", {}).get("message", "")
            found[name] = f"{answer.status_code} {message.rpartition(' ')[2]}".strip()
        return found

    nothing = dict.fromkeys(calls, "403 read") | {
        "place": "403 trade", "amend": "403 trade", "cancel-all": "403 trade",
        "draft": "404 market", "users": "403 admin", "create": "403 admin",
    }  # fmt: skip
    seen = {"balance": "200", "orders": "200", "ann's order": "200"}
    assert await outcome(ann, "read") == nothing | seen
    # an admin's key without the scope has no admin rights
    assert await outcome(boss, "read") == nothing | seen | {"ann's order": "403 user's"}
    assert await outcome(boss, "admin") == nothing | {
        "draft": "200", "users": "200", "create": "201"
    }  # fmt: skip
    traded = {"place": "201", "amend": "200", "cancel-all": "200"}
    assert await outcome(ann, "trade") == nothing | traded


@ON_ONE_DATABASE
async def test_keys_cannot_replace_a_login(exchange: Exchange) -> None:
    """A key with every scope cannot make, list or delete keys, change the password or log out."""
    boss = exchange.admin
    key = await make_key(boss, "read", "trade", "admin")
    passwords = {"oldPassword": PASSWORD, "newPassword": "another password"}
    for method, path, body in (
        ("POST", KEYS, {"name": "x", "scopes": ["read"]}),
        ("GET", KEYS, None),
        ("DELETE", f"{KEYS}/{key['id']}", None),
        ("POST", "/v1/auth/password", passwords),
        ("POST", "/v1/auth/logout", None),
    ):
        answer = await exchange.anonymous.request(method, path, json=body, headers=bearer(key))
        assert (path, *refused(answer)) == (path, 403, "FORBIDDEN")
        assert "login" in answer.json()["error"]["message"]
    assert len((await boss.client.get(KEYS)).json()["items"]) == 1


async def test_only_an_admin_has_admin_keys(exchange: Exchange) -> None:
    """Only an admin can make an admin key, and the key loses its rights with the admin role."""
    ann = await exchange.register("ann@example.com")
    body = {"name": "x", "scopes": ["read", "admin"]}
    assert refused(await ann.client.post(KEYS, json=body)) == (403, "FORBIDDEN")
    assert (await ann.client.get(KEYS)).json()["items"] == []

    path = f"/v1/users/{ann.id}"
    await exchange.admin.client.patch(path, json={"role": "ADMIN"})
    key = await make_key(ann, "admin")
    assert (await exchange.anonymous.get("/v1/users", headers=bearer(key))).status_code == 200
    await exchange.admin.client.patch(path, json={"role": "USER"})
    answer = await exchange.anonymous.get("/v1/users", headers=bearer(key))
    assert refused(answer) == (403, "FORBIDDEN")


async def test_a_revoked_key_is_refused_at_once(exchange: Exchange) -> None:
    """A revoked key is refused at once, even if just used.

    Only its owner can revoke it, and its id is never reused.
    """
    ann, bob = await exchange.register("ann@example.com"), await exchange.register("bob@x.org")
    key = await make_key(ann, "read", "trade")
    headers = bearer(key)
    assert (await exchange.anonymous.get("/v1/auth/me", headers=headers)).status_code == 200
    for user, id in ((bob, key["id"]), (ann, "0"), (ann, "x"), (ann, 10**30), (ann, "-1")):
        assert refused(await user.client.delete(f"{KEYS}/{id}")) == (404, "NOT_FOUND")
    assert (await exchange.anonymous.get("/v1/auth/me", headers=headers)).status_code == 200

    answer = await ann.client.delete(f"{KEYS}/{key['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    for method, path in (("GET", "/v1/auth/me"), ("POST", "/v1/orders")):
        refusal = await exchange.anonymous.request(method, path, headers=headers)
        assert refused(refusal) == (401, "UNAUTHENTICATED")
    assert refused(await ann.client.delete(f"{KEYS}/{key['id']}")) == (404, "NOT_FOUND")
    assert (await make_key(ann, "read"))["id"] > key["id"]


@ON_ONE_DATABASE
async def test_a_look_up_under_way_does_not_outlive_a_revocation(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look-up that started before a revocation does not put the key into the cache."""
    ann = await exchange.register("ann@example.com")
    key = await make_key(ann, "read")
    real, read, revoked = keys.holder_of, asyncio.Event(), asyncio.Event()

    async def slow(connection: AsyncConnection, key: str) -> keys.KeyHolder | None:
        found = await real(connection, key)
        read.set()
        await revoked.wait()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(keys, "holder_of", slow)
        first = asyncio.create_task(exchange.anonymous.get("/v1/auth/me", headers=bearer(key)))
        await read.wait()
        await ann.client.delete(f"{KEYS}/{key['id']}")
        revoked.set()
        await first
    answer = await exchange.anonymous.get("/v1/auth/me", headers=bearer(key))
    assert refused(answer) == (401, "UNAUTHENTICATED")


async def test_a_key_disabled_elsewhere_ends_soon(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user disabled by another process is refused once the cache entry is checked again.

    Until then the cache makes no query.
    """
    ann = await exchange.register("ann@example.com")
    key = await make_key(ann, "read")
    asked = 0
    real = keys.holder_of

    async def counting(connection: AsyncConnection, key: str) -> keys.KeyHolder | None:
        nonlocal asked
        asked += 1
        return await real(connection, key)

    async def status() -> int:
        return (await exchange.anonymous.get("/v1/auth/me", headers=bearer(key))).status_code

    monkeypatch.setattr(keys, "holder_of", counting)
    assert [await status(), await status(), asked] == [200, 200, 1]
    exchange.app.context.principals.forget(Revocation("user", ann.id))
    monkeypatch.setattr("predmarket.server.gateway.auth.principals.RECHECK_SECONDS", 0)
    assert await status() == 200
    async with exchange.node.db.write() as connection:
        await connection.execute(update(users).where(users.c.id == ann.id).values(disabled=True))
    assert await status() == 401


async def test_a_user_has_only_so_many_keys(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound on a user's keys holds for concurrent requests, and a revoked key frees a place."""
    assert keys.MAX_KEYS == 100
    monkeypatch.setattr(keys, "MAX_KEYS", 3)
    ann = await exchange.register("ann@example.com")
    body = {"name": "x", "scopes": ["read"]}
    answers = await asyncio.gather(*(ann.client.post(KEYS, json=body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 201, 422, 422, 422]
    made = [answer for answer in answers if answer.status_code == 201]
    full = next(answer for answer in answers if answer.status_code == 422)
    assert refused(full) == (422, "LIMIT_EXCEEDED")
    await ann.client.delete(f"{KEYS}/{made[0].json()['id']}")
    await make_key(ann, "read")


MALFORMED: list[tuple[dict[str, object], str]] = [
    ({"name": ""}, "name"),
    ({"name": " "}, "name"),
    ({"name": "x" * 101}, "name"),
    ({"name": "\x1b[31mred"}, "name"),
    ({"name": None}, "name"),
    ({"scopes": []}, "scopes"),
    ({"scopes": ["read", "read"]}, "scopes"),
    ({"scopes": ["READ"]}, "scopes.0"),
    ({"scopes": ["read", "withdraw"]}, "scopes.1"),
    ({"scopes": "read"}, "scopes"),
    ({"userId": 1}, "userId"),
]


@ON_ONE_DATABASE
async def test_malformed_keys(exchange: Exchange) -> None:
    """A malformed key request gets 400 with the field's name, and no key is made."""
    boss = exchange.admin
    for fields, path in MALFORMED:
        answer = await boss.client.post(KEYS, json={"name": "x", "scopes": ["read"], **fields})
        paths = [problem["path"] for problem in answer.json()["error"]["details"]]
        assert (fields, answer.status_code, [p.rstrip(".0123456789") for p in paths]) == (
            fields,
            400,
            [path.partition(".")[0]],
        )
    assert (await boss.client.get(KEYS)).json()["items"] == []
    for key in ("pmk_", "pmk_x", "pmk_" + "x" * 5_000, "pmk_\xff"):
        for method, path in (("GET", "/v1/auth/me"), ("POST", "/v1/orders")):
            headers = {b"authorization": f"Bearer {key}".encode("latin-1")}
            answer = await exchange.anonymous.request(method, path, headers=headers)
            assert refused(answer) == (401, "UNAUTHENTICATED")
