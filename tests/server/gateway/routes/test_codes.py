"""Accounts made by admins, one-time codes, invitations and public names, over HTTP."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from predmarket.server.clock import wall_clock
from predmarket.server.gateway.auth.codes import LIFETIME
from predmarket.server.gateway.auth.passwords import Passwords
from tests.support.http_exchange import ON_ONE_DATABASE, PASSWORD, Exchange, Json, User
from tests.support.http_orders import got
from tests.support.http_users import refused

CODE_WRONG = (401, "INVALID_CODE")
NEW = "another long password"


def body_of(answer: httpx.Response, status: int) -> Json:
    """Return the body of an answer that must have this status."""
    assert answer.status_code == status, answer.text
    body: Json = answer.json()
    return body


async def made(exchange: Exchange, email: str, **fields: object) -> Json:
    """Make an account as the admin; return the user and the code."""
    answer = await exchange.admin.client.post("/v1/users", json={"email": email, **fields})
    return body_of(answer, 201)


async def claimed(exchange: Exchange, code: str, password: str = PASSWORD) -> httpx.Response:
    """Claim a code."""
    body = {"code": code, "password": password}
    answer = await exchange.anonymous.post("/v1/auth/claim", json=body)
    exchange.anonymous.cookies.clear()
    return answer


async def logged_in(exchange: Exchange, email: str, password: str = PASSWORD) -> httpx.Response:
    """Log in."""
    body = {"email": email, "password": password}
    answer = await exchange.anonymous.post("/v1/auth/login", json=body)
    exchange.anonymous.cookies.clear()
    return answer


async def registered(exchange: Exchange, email: str, code: str | None = None) -> httpx.Response:
    """Register, with an invitation's code if given."""
    body: dict[str, Any] = {"email": email, "password": PASSWORD}
    body |= {} if code is None else {"inviteCode": code}
    answer = await exchange.anonymous.post("/v1/auth/register", json=body)
    exchange.anonymous.cookies.clear()
    return answer


async def acts(exchange: Exchange) -> list[tuple[str, str, Json]]:
    """Return action, target and details of each act, oldest first."""
    items = (await got(exchange.admin, "/v1/admin/log"))["items"]
    return [(one["action"], one["target"], one["details"]) for one in reversed(items)]


async def test_an_account_from_an_admin_to_its_owner(exchange: Exchange) -> None:
    """An account from an admin has money and a group at once.

    Its owner sets a password by claiming the code, which works once.
    """
    fields = {"fullName": "Ann Ames", "credit": "12.5", "group": "Class 9b"}
    new = await made(exchange, "Ann", **fields)
    user, code = new["user"], new["code"]
    assert (user["email"], user["role"], user["fullName"]) == ("ann", "USER", "Ann Ames")
    balance = await got(exchange.admin, f"/v1/users/{user['id']}/balance")
    assert balance["available"] == "12.500000"
    members = await got(exchange.admin, "/v1/users?group=class%209B")
    assert [one["id"] for one in members["items"]] == [user["id"]]
    assert refused(await logged_in(exchange, "ann")) == (401, "INVALID_CREDENTIALS")
    spelt = f" {code.lower().replace('-', ' ')}"
    session = body_of(await claimed(exchange, spelt), 200)
    assert session["user"]["id"] == user["id"]
    assert refused(await claimed(exchange, code)) == CODE_WRONG
    assert (await logged_in(exchange, "ANN")).status_code == 200
    again = await exchange.admin.client.post("/v1/users", json={"email": "ann", "credit": "7"})
    assert refused(again) == (409, "EMAIL_TAKEN")
    assert await got(exchange.admin, f"/v1/users/{user['id']}/balance") == balance
    said = {"email": "ann", "fullName": "Ann Ames", "role": "USER", "group": "Class 9b"}
    assert await acts(exchange) == [
        ("GROUP_CREATE", "group:1", {"name": "Class 9b"}),
        ("USER_CREATE", f"user:{user['id']}", {**said, "credit": "12.500000"}),
    ]


async def test_a_forgotten_password(exchange: Exchange) -> None:
    """The old password is valid until the newest code is claimed. The claim ends all sessions."""
    ann = await exchange.register("ann@example.com")
    path = f"/v1/users/{ann.id}/reset"
    first, second = [body_of(await exchange.admin.client.post(path), 200)["code"] for _ in range(2)]
    assert (await logged_in(exchange, ann.email)).status_code == 200
    assert refused(await claimed(exchange, first, NEW)) == CODE_WRONG
    assert (await ann.client.get("/v1/auth/me")).status_code == 200
    session = body_of(await claimed(exchange, second, NEW), 200)
    assert refused(await ann.client.get("/v1/auth/me")) == (401, "UNAUTHENTICATED")
    bearer = {"authorization": f"Bearer {session['accessToken']}"}
    assert (await exchange.anonymous.get("/v1/auth/me", headers=bearer)).status_code == 200
    assert refused(await logged_in(exchange, ann.email)) == (401, "INVALID_CREDENTIALS")
    assert (await logged_in(exchange, ann.email, NEW)).status_code == 200
    assert [act[:2] for act in await acts(exchange)] == [("USER_RESET", f"user:{ann.id}")] * 2


@ON_ONE_DATABASE
async def test_codes_end(exchange: Exchange) -> None:
    """A code expires after seven days or with its user's disabling; of two claims one succeeds."""
    new = await made(exchange, "ann")
    both = await asyncio.gather(claimed(exchange, new["code"]), claimed(exchange, new["code"], NEW))
    assert sorted(answer.status_code for answer in both) == [200, 401]
    eve = await made(exchange, "eve")
    for disabled in (True, False):
        path = f"/v1/users/{eve['user']['id']}"
        body_of(await exchange.admin.client.patch(path, json={"disabled": disabled}), 200)
    assert refused(await claimed(exchange, eve["code"])) == CODE_WRONG
    bob = await made(exchange, "bob")
    async with exchange.node.db.write() as connection:
        lifetime = text("SELECT expires_at FROM user_codes")
        ends = (await connection.execute(lifetime)).scalar_one()
        assert abs(ends - wall_clock() - LIFETIME) < 60_000_000
        await connection.execute(
            text("UPDATE user_codes SET expires_at = :now"), {"now": wall_clock()}
        )
    assert refused(await claimed(exchange, bob["code"])) == CODE_WRONG


class TestFailuresCount:
    """Only failed claims and invited registrations count against the limit."""

    @pytest.fixture
    def more_settings(self) -> dict[str, str]:
        """Return settings with a low limit of sign-ins."""
        return {"auth_rate_limit": "3/minute"}

    @ON_ONE_DATABASE
    async def test_it(self, exchange: Exchange) -> None:
        """Many successes from one address pass; a few failures block it, for valid codes too."""
        invite = body_of(await exchange.admin.client.post("/v1/invites", json={"uses": 9}), 201)
        for name in "abcd":
            assert (
                await claimed(exchange, (await made(exchange, name))["code"])
            ).status_code == 200
            answer = await registered(exchange, f"{name}@example.com", invite["code"])
            assert answer.status_code == 201
        good = (await made(exchange, "last"))["code"]
        assert refused(await claimed(exchange, "nonsense")) == CODE_WRONG
        bad = await exchange.anonymous.post("/v1/auth/claim", json={"code": 1})
        assert refused(bad) == (400, "VALIDATION_FAILED")
        assert refused(await claimed(exchange, good)) == (429, "RATE_LIMITED")
        assert refused(await registered(exchange, "z@example.com", invite["code"])) == (
            429,
            "RATE_LIMITED",
        )


@ON_ONE_DATABASE
async def test_the_uses_left_bound_the_work(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An invitation with one use costs one password hash for any number of concurrent tries."""
    hashed: list[str] = []
    hash_password = Passwords.hash

    async def noting(passwords: Passwords, password: str, source: str) -> str:
        hashed.append(source)
        return await hash_password(passwords, password, source)

    monkeypatch.setattr(Passwords, "hash", noting)
    invite = body_of(await exchange.admin.client.post("/v1/invites", json={}), 201)
    tries = [registered(exchange, f"u{n}@example.com", invite["code"]) for n in range(8)]
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status_code for answer in answers)[0] == 201
    assert len(hashed) == 1
    listed = (await got(exchange.admin, "/v1/invites"))["items"]
    assert listed[0]["used"] == 1


async def test_invitations(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each use of an invitation makes an account with its credit and group.

    It ends with its last use or by an admin.
    """
    monkeypatch.setitem(exchange.node.settings.__dict__, "signup", "invite")
    admin, asked = exchange.admin.client, {"uses": 2, "credit": "5", "group": "club"}
    invite = body_of(await admin.post("/v1/invites", json=asked), 201)
    assert refused(await registered(exchange, "a@example.com")) == (403, "SIGNUP_CLOSED")
    assert refused(await registered(exchange, "a@example.com", "none")) == CODE_WRONG
    users = [
        body_of(await registered(exchange, f"{name}@example.com", invite["code"]), 201)["user"]
        for name in "ab"
    ]
    taken = await registered(exchange, "a@example.com", invite["code"])
    assert refused(taken) == CODE_WRONG
    for user in users:
        balance = await got(exchange.admin, f"/v1/users/{user['id']}/balance")
        assert balance["total"] == "5.000000"
    assert (await got(exchange.admin, "/v1/users?group=club"))["total"] == 2
    other = body_of(await admin.post("/v1/invites", json={}), 201)
    assert refused(await registered(exchange, "a@example.com", other["code"])) == (
        409,
        "EMAIL_TAKEN",
    )
    for _ in range(2):
        assert (await admin.delete(f"/v1/invites/{other['id']}")).status_code == 204
    assert refused(await registered(exchange, "c@example.com", other["code"])) == CODE_WRONG
    listed = (await got(exchange.admin, "/v1/invites"))["items"]
    assert [(one["id"], one["used"], one["revokedAt"] is None) for one in listed] == [
        (other["id"], 0, False),
        (invite["id"], 2, True),
    ]
    assert "code" not in listed[0]
    monkeypatch.setitem(exchange.node.settings.__dict__, "signup", "closed")
    more = body_of(await admin.post("/v1/invites", json={}), 201)
    assert refused(await registered(exchange, "c@example.com", more["code"])) == (
        403,
        "SIGNUP_CLOSED",
    )
    assert [act[0] for act in await acts(exchange)] == [
        "GROUP_CREATE",
        "INVITE_CREATE",
        "INVITE_CREATE",
        "INVITE_REVOKE",
        "INVITE_CREATE",
    ]


@ON_ONE_DATABASE
async def test_refusals(exchange: Exchange) -> None:
    """Invalid fields, unknown targets and users who are no admins are refused without a change."""
    admin, ann = exchange.admin.client, await exchange.register("ann@example.com")
    for fields in (
        {"email": "12345"},
        {"email": "a b"},
        {"email": "a@b"},
        {"email": "ann2", "credit": "-1"},
        {"email": "ann2", "credit": "1000000001"},
        {"email": "ann2", "group": "a/b"},
        {"email": "ann2", "role": "BOSS"},
    ):
        assert refused(await admin.post("/v1/users", json=fields)) == (400, "VALIDATION_FAILED")
    for bad in ({"uses": 0}, {"expiresAt": "2020-01-01T00:00:00Z"}, {"credit": "x"}):
        assert refused(await admin.post("/v1/invites", json=bad)) == (400, "VALIDATION_FAILED")
    assert refused(await admin.post("/v1/users/999/reset")) == (404, "USER_NOT_FOUND")
    assert refused(await admin.delete("/v1/invites/9")) == (404, "NOT_FOUND")
    for method, path in (
        ("POST", "/v1/users"),
        ("POST", f"/v1/users/{ann.id}/reset"),
        ("POST", "/v1/invites"),
        ("GET", "/v1/invites"),
        ("DELETE", "/v1/invites/1"),
    ):
        json = {"email": "x"} if path == "/v1/users" else {} if path == "/v1/invites" else None
        answer = await ann.client.request(method, path, json=json)
        assert refused(answer) == (403, "FORBIDDEN")
    assert await acts(exchange) == []
    assert (await got(exchange.admin, "/v1/users"))["total"] == 2


async def named(user: User, name: str) -> httpx.Response:
    """Choose a public name."""
    return await user.client.patch("/v1/auth/me", json={"displayName": name})


async def test_public_names_are_unlike_each_other(exchange: Exchange) -> None:
    """A public name is player-{id} until the user chooses one.

    A name that looks like another user's is refused.
    """
    ann, bob = (
        await exchange.register("ann@example.com"),
        await exchange.register("bob@example.com"),
    )
    assert (await got(ann, "/v1/auth/me"))["displayName"] == f"player-{ann.id}"
    assert body_of(await named(ann, "  Rain   Maker "), 200)["displayName"] == "Rain Maker"
    assert body_of(await named(ann, "rain maker"), 200)["displayName"] == "rain maker"
    for name in (
        "RAIN MAKER",
        "\uff32ain maker",
        "rain\u00a0maker",
        f"Player-{ann.id}",
        "player-99",
    ):
        assert refused(await named(bob, name)) == (409, "NAME_TAKEN")
    for name in ("", " ", "a\u202eb", "x" * 41):
        assert refused(await named(bob, name)) == (400, "VALIDATION_FAILED")
    own = body_of(await named(bob, f"player-{bob.id}"), 200)
    assert (own["displayName"], own["fullName"]) == (f"player-{bob.id}", "Ann Example")
    assert refused(await bob.client.patch("/v1/auth/me", json={})) == (400, "VALIDATION_FAILED")
    both = await asyncio.gather(named(ann, "Sun"), named(bob, "sun"))
    assert sorted(answer.status_code for answer in both) == [200, 409]
