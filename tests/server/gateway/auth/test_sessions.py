"""Sessions over HTTP: refresh, repeated refresh, list and end."""

import asyncio
import time

import httpx
import jwt
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from predmarket.enums import Role
from predmarket.server.gateway.app import create_app
from predmarket.server.gateway.auth.api_keys import keys_of
from predmarket.server.gateway.auth.refresh_tokens import MAX_SESSIONS
from predmarket.server.gateway.auth.tokens import (
    ACCESS_SECONDS,
    REPEAT_SECONDS,
    SESSION_SECONDS,
    issue_access,
    stored_before,
)
from tests.support.http_exchange import ON_ONE_DATABASE, PASSWORD, Exchange, Json, User
from tests.support.http_users import bearer, make_key

SECOND = 1_000_000


async def refreshed(exchange: Exchange, token: str) -> httpx.Response:
    """Exchange a refresh token for new tokens."""
    answer = await exchange.anonymous.post("/v1/auth/refresh", json={"refreshToken": token})
    exchange.anonymous.cookies.clear()
    return answer


async def change(exchange: Exchange, statement: str, **values: object) -> None:
    """Change the database as the passage of time or an earlier version would have."""
    async with exchange.node.db.write() as connection:
        await connection.execute(text(statement), values)


async def me(exchange: Exchange, session: Json) -> int:
    """Return the status of a call with a session's access token."""
    headers = {"authorization": f"Bearer {session['accessToken']}"}
    return (await exchange.anonymous.get("/v1/auth/me", headers=headers)).status_code


async def test_a_repeated_refresh_gets_the_same_successor(exchange: Exchange) -> None:
    """A repeated refresh returns the same successor, after a lost answer or from four tabs.

    All tabs continue with one token, and nobody is logged out.
    """
    ann = await exchange.register("ann@example.com")
    first = ann.session["refreshToken"]
    answers = await asyncio.gather(*(refreshed(exchange, first) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    seconds = {answer.json()["refreshToken"] for answer in answers}
    assert len(seconds) == 1
    assert first not in seconds
    assert {await me(exchange, answer.json()) for answer in answers} == {200}
    await change(
        exchange,
        "UPDATE refresh_tokens SET used_at = used_at - :ago",
        ago=(REPEAT_SECONDS - 20) * SECOND,
    )
    assert (await refreshed(exchange, first)).json()["refreshToken"] in seconds


@pytest.mark.parametrize("how", ["later", "successor used"])
async def test_a_stolen_refresh_token_ends_the_family(exchange: Exchange, how: str) -> None:
    """A reuse of a refresh token ends its family.

    A reuse is a use after a minute, or after a use of its successor.
    """
    ann = await exchange.register("ann@example.com")
    first = ann.session["refreshToken"]
    last = (await refreshed(exchange, first)).json()
    if how == "later":
        ago = (REPEAT_SECONDS + 1) * SECOND
        await change(exchange, "UPDATE refresh_tokens SET used_at = used_at - :ago", ago=ago)
    else:
        last = (await refreshed(exchange, last["refreshToken"])).json()
    assert await me(exchange, last) == 200
    reused = await refreshed(exchange, first)
    assert (reused.status_code, reused.json()["error"]["code"]) == (401, "INVALID_REFRESH_TOKEN")
    assert await me(exchange, last) == 401
    assert (await refreshed(exchange, last["refreshToken"])).status_code == 401


async def test_a_session_ends_in_the_end(exchange: Exchange) -> None:
    """A session ends 90 days after its login, however often it was refreshed."""
    ann = await exchange.register("ann@example.com")
    age = (SESSION_SECONDS - 3_600) * SECOND
    await change(exchange, "UPDATE sessions SET created_at = created_at - :age", age=age)
    second = await refreshed(exchange, ann.session["refreshToken"])
    assert second.status_code == 200
    async with exchange.node.db.read() as connection:
        query = text("SELECT expires_at FROM sessions WHERE user_id = :id")
        expires_at = (await connection.execute(query, {"id": ann.id})).scalar_one()
    assert 0 < expires_at - time.time_ns() // 1_000 <= 3_600 * SECOND
    age = 7_200 * SECOND
    await change(exchange, "UPDATE sessions SET created_at = created_at - :age", age=age)
    assert (await refreshed(exchange, second.json()["refreshToken"])).status_code == 401


async def test_a_session_of_an_earlier_version_goes_on(exchange: Exchange) -> None:
    """A session of an earlier version continues.

    Its token was stored as a plain hash, and its place of use is unknown.
    """
    ann = await exchange.register("ann@example.com")
    old = "a token of an earlier version"
    newest = "session_id = (SELECT max(id) FROM sessions)"
    statement = f"UPDATE refresh_tokens SET hash = :hash WHERE {newest}"
    await change(exchange, statement, hash=stored_before(old))
    await change(exchange, "UPDATE sessions SET last_used_at = NULL, address = NULL, agent = NULL")
    [listed] = (await ann.client.get("/v1/auth/sessions")).json()["items"]
    assert (listed["lastUsedAt"], listed["address"]) == (listed["createdAt"], None)
    second = await refreshed(exchange, old)
    assert second.status_code == 200
    assert (await refreshed(exchange, second.json()["refreshToken"])).status_code == 200


@ON_ONE_DATABASE
async def test_another_secret_ends_every_session(exchange: Exchange) -> None:
    """A new signing secret makes all earlier access and refresh tokens invalid."""
    ann = await exchange.register("ann@example.com")
    other = exchange.node.settings.model_copy(update={"jwt_secret": None})
    (other.data_dir / "jwt-secret").write_text("another secret, long enough to sign with")
    app = create_app(exchange.node.services)
    assert await app.context.sessions.of_refresh(ann.session["refreshToken"]) is None
    token = ann.session["accessToken"]
    assert await app.context.principals.principal(token, token) is None


@ON_ONE_DATABASE
async def test_a_clock_a_little_ahead(exchange: Exchange) -> None:
    """A token issued a moment in the future by another gateway is valid; one of tomorrow is not."""
    ann = await exchange.register("ann@example.com")
    secret = exchange.node.settings.signing_secret()
    session = jwt.decode(ann.session["accessToken"], secret, algorithms=["HS256"])["sid"]
    for ahead, status in ((3, 200), (60, 401), (-ACCESS_SECONDS - 60, 401)):
        token = issue_access(secret, ann.id, session, Role.USER, int(time.time()) + ahead)
        assert await me(exchange, {"accessToken": token}) == status


async def test_logging_out_without_an_access_token(exchange: Exchange) -> None:
    """A refresh token alone can log out, from the body or the cookie, used or not.

    A page of another origin cannot use the cookie.
    """
    anonymous = exchange.anonymous
    expired = {"authorization": "Bearer expired"}
    for how in ("body", "cookie", "used", "twice"):
        ann = await exchange.login((await exchange.register(f"{how}@example.com")).email)
        token = ann.session["refreshToken"]
        session = ann.session
        if how == "used":
            session = (await refreshed(exchange, token)).json()
        headers, body = expired, {"refreshToken": token}
        if how == "cookie":
            headers, body = {"cookie": f"predmarket_refresh={token}"}, {}
            foreign = await anonymous.post("/v1/auth/logout", headers=headers)
            assert (foreign.status_code, await me(exchange, session)) == (403, 200)
            headers["origin"] = exchange.url
        for _ in range(2 if how == "twice" else 1):
            answer = await anonymous.post("/v1/auth/logout", headers=headers, json=body)
            assert (how, answer.status_code) == (how, 204)
            assert len(answer.headers.get_list("set-cookie")) == 2
        assert await me(exchange, session) == 401
        assert (await refreshed(exchange, session["refreshToken"])).status_code == 401
    for body, code in (({}, "UNAUTHENTICATED"), ({"refreshToken": "x"}, "INVALID_REFRESH_TOKEN")):
        answer = await anonymous.post("/v1/auth/logout", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)


async def test_a_users_sessions(exchange: Exchange) -> None:
    """A user's sessions show the time and place of their last use.

    A user can end each own session, and nobody else's.
    """
    ann, bob = await exchange.register("ann@example.com"), await exchange.register("bob@x.org")
    body = {"email": ann.email, "password": PASSWORD}
    headers = {b"user-agent": b"Browser \xad" + b"x" * 500}
    second = (await exchange.anonymous.post("/v1/auth/login", json=body, headers=headers)).json()
    exchange.anonymous.cookies.clear()
    listed = (await ann.client.get("/v1/auth/sessions")).json()
    assert listed["nextCursor"] is None
    newest, oldest = listed["items"]
    assert set(newest) == {"id", "createdAt", "lastUsedAt", "address", "agent", "current"}
    assert (newest["current"], oldest["current"]) == (False, True)
    assert newest["address"] == "127.0.0.1"
    assert newest["agent"].startswith("Browser ?xxx")
    assert len(newest["agent"]) == 200
    assert newest["lastUsedAt"] == newest["createdAt"]
    second = (await refreshed(exchange, second["refreshToken"])).json()
    newest = (await ann.client.get("/v1/auth/sessions")).json()["items"][0]
    assert newest["lastUsedAt"] > newest["createdAt"]

    path = f"/v1/auth/sessions/{newest['id']}"
    assert (await bob.client.delete(path)).status_code == 404
    assert await me(exchange, second) == 200
    assert (await ann.client.delete(path)).status_code == 204
    assert (await ann.client.delete(path)).status_code == 404
    assert await me(exchange, second) == 401
    assert len((await ann.client.get("/v1/auth/sessions")).json()["items"]) == 1


async def test_revoke_all(exchange: Exchange) -> None:
    """Revoke-all ends all sessions and keys of the user, this session too.

    Other users and the password are not affected.
    """
    ann, bob = await exchange.register("ann@example.com"), await exchange.register("bob@x.org")
    second = await exchange.login(ann.email)
    keys = [await make_key(user, "read") for user in (ann, bob)]

    async def outcomes() -> list[int]:
        by_key = [await exchange.anonymous.get("/v1/auth/me", headers=bearer(k)) for k in keys]
        by_session = [await user.client.get("/v1/auth/me") for user in (ann, second, bob)]
        return [answer.status_code for answer in (*by_session, *by_key)]

    assert await outcomes() == [200] * 5
    by_key = await exchange.anonymous.post("/v1/auth/revoke-all", headers=bearer(keys[0]))
    assert by_key.status_code == 403
    assert (await ann.client.post("/v1/auth/revoke-all")).status_code == 204
    assert await outcomes() == [401, 401, 200, 401, 200]
    assert (await refreshed(exchange, ann.session["refreshToken"])).status_code == 401
    again = await exchange.again(ann)
    assert (await again.client.get("/v1/auth/api-keys")).json()["items"] == []


async def test_an_admin_revokes_all_of_a_user(exchange: Exchange) -> None:
    """An admin can end all sessions and keys of a user at once; a user cannot do this to others."""
    ann, bob = await exchange.register("ann@example.com"), await exchange.register("bob@x.org")
    key = await make_key(ann, "read")
    path = f"/v1/users/{ann.id}/revoke-all"
    assert (await bob.client.post(path)).status_code == 403
    assert (await ann.client.get("/v1/auth/me")).status_code == 200
    assert (await exchange.admin.client.post(path)).status_code == 204
    assert (await ann.client.get("/v1/auth/me")).status_code == 401
    answer = await exchange.anonymous.get("/v1/auth/me", headers=bearer(key))
    assert answer.status_code == 401
    assert (await bob.client.get("/v1/auth/me")).status_code == 200
    nobody = await exchange.admin.client.post("/v1/users/999999/revoke-all")
    assert (nobody.status_code, nobody.json()["error"]["code"]) == (404, "USER_NOT_FOUND")


async def test_a_revoked_session_makes_no_key(exchange: Exchange) -> None:
    """A session revoked in the database makes no key, although the gateway's cache accepts it."""
    ann = await exchange.register("ann@example.com")
    assert (await ann.client.get("/v1/auth/me")).status_code == 200
    await change(exchange, "UPDATE sessions SET revoked_at = 1")
    assert (await ann.client.get("/v1/auth/me")).status_code == 200
    answer = await ann.client.post("/v1/auth/api-keys", json={"name": "bot", "scopes": ["read"]})
    assert answer.status_code == 401
    async with exchange.node.db.read() as connection:
        assert await keys_of(connection, ann.id) == []


@ON_ONE_DATABASE
async def test_a_database_error_tells_no_parameters(exchange: Exchange) -> None:
    """A database error in the log omits the parameters, such as a password's hash."""
    values = {"id": 1, "hash": "the hash of a password"}
    statement = text("INSERT INTO users (id, password_hash) VALUES (:id, :hash)")
    with pytest.raises(IntegrityError) as raised:
        async with exchange.node.db.write() as connection:
            await connection.execute(statement, values)
    assert "hash of a password" not in str(raised.value)


async def test_sessions_of_a_user_are_bounded(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login beyond the bound deletes revoked sessions.

    Without any it ends the least recently used session.
    """
    assert MAX_SESSIONS == 100
    monkeypatch.setattr("predmarket.server.gateway.auth.refresh_tokens.MAX_SESSIONS", 3)
    users: list[User] = [await exchange.register("ann@example.com")]
    users += [await exchange.login("ann@example.com") for _ in range(2)]
    await users[1].client.post("/v1/auth/logout")
    users.append(await exchange.login("ann@example.com"))

    async def statuses() -> list[int]:
        return [(await user.client.get("/v1/auth/me")).status_code for user in users]

    assert await statuses() == [200, 401, 200, 200]
    users.append(await exchange.login("ann@example.com"))
    assert await statuses() == [401, 401, 200, 200, 200]
    async with exchange.node.db.read() as connection:
        query = text("SELECT count(*) FROM sessions WHERE user_id = :id")
        assert (await connection.execute(query, {"id": users[0].id})).scalar_one() == 3
