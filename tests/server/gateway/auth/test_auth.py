"""Accounts and sessions over HTTP."""

import asyncio
import time

import jwt
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.enums import Role
from predmarket.server.core.bus import OutcomeUnknown
from predmarket.server.gateway.auth import passwords, principals, refresh_tokens
from predmarket.server.gateway.auth.principals import RECHECK_SECONDS, Principals, Revocation
from predmarket.server.gateway.auth.tokens import issue_access
from tests.support.http_exchange import PASSWORD, Exchange


def credentials(email: str, password: str = PASSWORD) -> dict[str, str]:
    """Return a login's body."""
    return {"email": email, "password": password}


def attributes(cookies: list[str]) -> list[set[str]]:
    """Return the attributes of Set-Cookie headers, without value and age, in lower case."""
    parts = [cookie.lower().split("; ")[1:] for cookie in cookies]
    return [{part for part in each if not part.startswith("max-age=")} for each in parts]


async def test_register(exchange: Exchange) -> None:
    """A registration returns tokens and cookies and opens an account at the core."""
    body = {**credentials(" Ann@Example.COM "), "fullName": "Ann"}
    answer = await exchange.anonymous.post("/v1/auth/register", json=body)
    assert answer.status_code == 201
    session = answer.json()
    assert session["user"] | {"id": 0, "createdAt": ""} == {
        "id": 0,
        "email": "ann@example.com",
        "role": "USER",
        "fullName": "Ann",
        "createdAt": "",
        "displayName": f"player-{session['user']['id']}",
    }
    access, refresh = answer.headers.get_list("set-cookie")
    for part in ("predmarket_access=", "HttpOnly", "Path=/;", "SameSite=strict"):
        assert part.lower() in access.lower()
    for part in ("predmarket_refresh=", "HttpOnly", "Path=/v1/auth;", "SameSite=strict"):
        assert part.lower() in refresh.lower()
    assert "secure" not in access.lower()
    bearer = {"authorization": f"Bearer {session['accessToken']}"}
    balance = await exchange.anonymous.get("/v1/user/balance", headers=bearer)
    assert balance.json() == {"available": "0.000000", "locked": "0.000000", "total": "0.000000"}


async def test_duplicate_email_fails(exchange: Exchange) -> None:
    """A second registration of an e-mail fails, in any case of letters and concurrently."""
    await exchange.register("ann@example.com")
    again = await exchange.anonymous.post("/v1/auth/register", json=credentials("ANN@example.com"))
    assert (again.status_code, again.json()["error"]["code"]) == (409, "EMAIL_TAKEN")
    answers = await asyncio.gather(
        *(
            exchange.anonymous.post("/v1/auth/register", json=credentials("bob@example.com"))
            for _ in range(5)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


async def test_an_email_has_one_account_however_it_is_spelt(exchange: Exchange) -> None:
    """An e-mail has one account, whatever its composition and case.

    Invisible characters are refused. An older account whose e-mail collides with another is reached
    by its exact spelling.
    """
    composed, decomposed = "jos\xe9@example.com", "JOSE\u0301@example.com"
    await exchange.register(composed)
    anonymous = exchange.anonymous
    again = await anonymous.post("/v1/auth/register", json=credentials(decomposed))
    assert (again.status_code, again.json()["error"]["code"]) == (409, "EMAIL_TAKEN")
    for email in ("bob\u200b@example.com", "bob\u3164@example.com", "b\u200dob@example.com"):
        answer = await anonymous.post("/v1/auth/register", json=credentials(email))
        assert (email, answer.status_code) == (email, 400)
    old = await exchange.register("old@example.com")
    async with exchange.node.db.write() as connection:
        values = {"id": old.id, "email": decomposed.lower()}
        await connection.execute(text("UPDATE users SET email = :email WHERE id = :id"), values)
    found = []
    for email in (composed, composed.upper(), decomposed):
        answer = await anonymous.post("/v1/auth/login", json=credentials(email))
        found.append(answer.json()["user"]["id"] == old.id)
    assert found == [False, False, True]


async def test_login(exchange: Exchange) -> None:
    """A login returns a token of the user."""
    ann = await exchange.register("ann@example.com")
    answer = await exchange.anonymous.post("/v1/auth/login", json=credentials("ANN@example.com"))
    assert answer.status_code == 200
    bearer = {"authorization": f"Bearer {answer.json()['accessToken']}"}
    me = await exchange.anonymous.get("/v1/auth/me", headers=bearer)
    assert me.json() == ann.session["user"]


async def test_login_opens_an_account_that_is_missing(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next login opens the account if the core was unavailable at the registration."""

    async def away(_: object) -> None:
        raise OutcomeUnknown

    body = credentials("ann@example.com")
    with monkeypatch.context() as patch:
        patch.setattr(exchange.node.core, "submit", away)
        answer = await exchange.anonymous.post("/v1/auth/register", json=body)
        assert (answer.status_code, answer.headers.get("set-cookie")) == (503, None)
    assert (await exchange.anonymous.post("/v1/auth/login", json=body)).status_code == 200
    deposit = {"email": "ann@example.com", "amount": 5, "reason": "test"}
    booked = await exchange.admin.client.post("/v1/user/transfer", json=deposit)
    assert booked.status_code == 201


async def test_wrong_password_fails(exchange: Exchange) -> None:
    """A wrong password and an unknown e-mail get the same answer."""
    await exchange.register("ann@example.com")
    wrong = await exchange.anonymous.post(
        "/v1/auth/login", json=credentials("ann@example.com", "not the password")
    )
    unknown = await exchange.anonymous.post(
        "/v1/auth/login", json=credentials("nobody@example.com", "not the password")
    )
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["error"] == unknown.json()["error"]
    assert wrong.json()["error"]["code"] == "INVALID_CREDENTIALS"


async def test_an_unknown_email_costs_a_hash(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login for an unknown e-mail hashes too, so its duration reveals nothing."""
    await exchange.register("ann@example.com")
    checked: list[str] = []
    real = passwords.matches

    def counting(password: str, hashed: str) -> bool:
        checked.append(hashed[:7])
        return real(password, hashed)

    monkeypatch.setattr(passwords, "matches", counting)
    for email in ("ann@example.com", "nobody@example.com"):
        body = credentials(email, "not the password")
        await exchange.anonymous.post("/v1/auth/login", json=body)
    assert checked == ["$2b$04$", "$2b$04$"]


async def test_a_long_password_counts_to_its_end(exchange: Exchange) -> None:
    """All characters of a long password count, beyond bcrypt's limit of 72 bytes."""
    long = "x" * 1000
    register = credentials("ann@example.com", long)
    assert (await exchange.anonymous.post("/v1/auth/register", json=register)).status_code == 201
    for password, status in ((long, 200), (long[:-1] + "y", 401), (long[:72], 401)):
        answer = await exchange.anonymous.post(
            "/v1/auth/login", json=credentials("ann@example.com", password)
        )
        assert answer.status_code == status


async def test_refresh_by_cookie_needs_our_origin(exchange: Exchange) -> None:
    """A page of another origin cannot rotate a browser's refresh token."""
    ann = await exchange.register("ann@example.com")
    cookie = {"cookie": f"predmarket_refresh={ann.session['refreshToken']}"}
    foreign = await exchange.anonymous.post("/v1/auth/refresh", headers=cookie)
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (403, "CSRF")
    own = await exchange.anonymous.post(
        "/v1/auth/refresh", headers={**cookie, "origin": exchange.url}
    )
    assert own.status_code == 200


async def test_logout_clears_cookies(exchange: Exchange) -> None:
    """A logout ends the session and its refresh token at once and clears both cookies.

    A browser clears a cookie only if path and attributes are those that it was set with.
    """
    ann = await exchange.register("ann@example.com")
    for sent in ('{"everywhere": true}', "[]", '"x"'):
        kind = {"content-type": "application/json"}
        refused = await ann.client.post("/v1/auth/logout", content=sent, headers=kind)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "VALIDATION_FAILED")
    assert (await ann.client.get("/v1/auth/me")).status_code == 200
    answer = await ann.client.post("/v1/auth/logout")
    assert (answer.status_code, answer.content) == (204, b"")
    cookies = answer.headers.get_list("set-cookie")
    assert [cookie.split("=")[0] for cookie in cookies] == [
        "predmarket_access",
        "predmarket_refresh",
    ]
    assert all("max-age=0" in cookie.lower() for cookie in cookies)
    assert attributes(cookies) == attributes(
        (
            await exchange.anonymous.post("/v1/auth/login", json=credentials(ann.email))
        ).headers.get_list("set-cookie")
    )
    assert (await ann.client.get("/v1/auth/me")).status_code == 401
    body = {"refreshToken": ann.session["refreshToken"]}
    assert (await exchange.anonymous.post("/v1/auth/refresh", json=body)).status_code == 401


async def test_a_cookie_authenticates(exchange: Exchange) -> None:
    """A cookie permits reads from any page, and writes only from the exchange's own pages."""
    ann = await exchange.register("ann@example.com")
    cookie = {"cookie": f"predmarket_access={ann.session['accessToken']}"}
    anonymous = exchange.anonymous
    assert (await anonymous.get("/v1/auth/me", headers=cookie)).status_code == 200
    for origin, status in (
        ({}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": exchange.url}, 200),
    ):
        headers = {**cookie, **origin}
        answer = await anonymous.post("/v1/orders/cancel-all", headers=headers)
        assert answer.status_code == status
        answer = await anonymous.post("/v1/orders", json={}, headers=headers)
        assert answer.status_code == (400 if status == 200 else 403)


async def test_tokens_that_are_not_valid(exchange: Exchange) -> None:
    """Forged, expired and unsigned tokens, tokens of no user and other texts get 401."""
    ann = await exchange.register("ann@example.com")
    secret = exchange.node.settings.signing_secret()
    now = int(time.time())
    claims = jwt.decode(ann.session["accessToken"], secret, algorithms=["HS256"])
    session = claims["sid"]
    tokens = {
        "forged": issue_access("x" * 40, ann.id, session, Role.ADMIN, now),
        "expired": issue_access(secret, ann.id, session, Role.USER, now - 3_600),
        "unsigned": jwt.encode(claims, "", algorithm="none"),
        "another's session": issue_access(secret, exchange.admin.id, session, Role.USER, now),
        "no session": issue_access(secret, ann.id, 10**15, Role.USER, now),
        "huge id": issue_access(secret, 10**30, session, Role.USER, now),
        "no claims": jwt.encode({"sub": str(ann.id)}, secret),
        "garbage": "garbage",
        "empty": "",
    }
    for name, token in tokens.items():
        for method, path in (("GET", "/v1/auth/me"), ("POST", "/v1/orders")):
            answer = await exchange.anonymous.request(
                method, path, headers={"authorization": f"Bearer {token}".strip()}
            )
            code = answer.json()["error"]["code"]
            assert (name, answer.status_code, code) == (name, 401, "UNAUTHENTICATED")


async def test_the_role_is_the_databases(exchange: Exchange) -> None:
    """A token that claims the admin role does not grant it; the database's role counts."""
    ann = await exchange.register("ann@example.com")
    secret = exchange.node.settings.signing_secret()
    session = jwt.decode(ann.session["accessToken"], secret, algorithms=["HS256"])["sid"]
    token = issue_access(secret, ann.id, session, Role.ADMIN, int(time.time()))
    body = {"slug": "x", "question": "?"}
    answer = await exchange.anonymous.post(
        "/v1/markets", json=body, headers={"authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")


MALFORMED: list[tuple[dict[str, object], str]] = [
    ({"email": "not an e-mail"}, "email"),
    ({"email": "a@b"}, "email"),
    ({"email": "a@" + "b" * 260 + ".com"}, "email"),
    ({"email": "a\x00@example.com"}, "email"),
    ({"email": 5}, "email"),
    ({"password": "short"}, "password"),
    ({"password": "nul\x00nul\x00nul"}, "password"),
    ({"password": "x" * 1025}, "password"),
    ({"password": None}, "password"),
    ({"fullName": "\x1b[31mred"}, "fullName"),
    ({"fullName": "Ann\u2028boss"}, "fullName"),
    ({"fullName": "Ann\u202e"}, "fullName"),
    ({"fullName": "\u3164"}, "fullName"),
    ({"role": "ADMIN"}, "role"),
]


async def test_malformed_registrations(exchange: Exchange) -> None:
    """A malformed registration gets 400 with the field's name."""
    for fields, path in MALFORMED:
        body = {**credentials("ann@example.com"), **fields}
        answer = await exchange.anonymous.post("/v1/auth/register", json=body)
        error = answer.json()["error"]
        paths = [problem["path"] for problem in error["details"]]
        assert (fields, answer.status_code, paths) == (fields, 400, [path])


async def test_a_session_revoked_elsewhere_ends_soon(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session revoked by another process is refused once the cache entry is checked again."""
    ann = await exchange.register("ann@example.com")
    monkeypatch.setattr("predmarket.server.gateway.auth.principals.RECHECK_SECONDS", 0)
    assert (await ann.client.get("/v1/auth/me")).status_code == 200
    async with exchange.node.db.write() as connection:
        await connection.exec_driver_sql("UPDATE sessions SET revoked_at = 1")
    assert (await ann.client.get("/v1/auth/me")).status_code == 401


async def test_frequent_sessions_are_looked_up_ahead(exchange: Exchange) -> None:
    """A frequent user's session is checked again before its entry expires.

    No request waits for the look-up, and its result counts at once.
    """
    ann = await exchange.register("ann@example.com")
    credential = ann.client.headers["authorization"]
    node, now = exchange.node, time.time()
    found = Principals(node.db, node.settings.signing_secret(), lambda: now)
    first = await found.principal(credential.removeprefix("Bearer "), credential)
    async with node.db.write() as connection:
        await connection.exec_driver_sql("UPDATE sessions SET revoked_at = 1")
    now += RECHECK_SECONDS - 1
    assert [found.known(credential) for _ in range(3)] == [first] * 3
    assert found.look_ahead is not None
    await found.look_ahead
    assert (first is None, found.known(credential)) == (False, None)


async def test_one_look_ahead_serves_all(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look-up ahead serves all sessions that became due meanwhile.

    A session revoked meanwhile is not cached.
    """
    tokens = [
        str((await exchange.register(f"{name}@example.com")).session["accessToken"])
        for name in ("ann", "bob", "eve")
    ]
    node, now, asked = exchange.node, time.time(), list[int]()
    real = refresh_tokens.standings_of_sessions
    found = Principals(node.db, node.settings.signing_secret(), lambda: now)
    first = [await found.principal(token, token) for token in tokens]

    async def standings(
        connection: AsyncConnection, ids: list[int], at: int
    ) -> dict[int, refresh_tokens.Standing]:
        standing = await real(connection, ids, at)
        asked.append(len(ids))
        assert first[2] is not None
        found.forget(Revocation("session", first[2].session_id))
        return standing

    monkeypatch.setattr(principals, "standings_of_sessions", standings)
    for _ in range(2):
        now += RECHECK_SECONDS - 1
        for token in tokens:
            found.known(token)
        assert found.look_ahead is not None
        await found.look_ahead
    assert asked == [3, 2]
    assert [found.known(token) for token in tokens] == [*first[:2], None]


async def test_a_look_ahead_that_fails_changes_nothing(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failed look-up ahead the session stays valid, and another look-up follows."""
    ann = await exchange.register("ann@example.com")
    token = str(ann.session["accessToken"])
    node, now = exchange.node, time.time()
    found = Principals(node.db, node.settings.signing_secret(), lambda: now)
    first = await found.principal(token, token)
    now += RECHECK_SECONDS - 1
    with monkeypatch.context() as broken:
        broken.setattr(principals, "standings_of_sessions", None)
        assert found.known(token) == first
        assert found.look_ahead is not None
        await found.look_ahead
    assert found.known(token) == first
    await found.look_ahead
    now += RECHECK_SECONDS - 2
    assert found.known(token) == first
