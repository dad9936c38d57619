"""Changes of passwords over HTTP, and the equality of passwords."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from predmarket.server.gateway.auth import passwords
from tests.support.http_exchange import ON_ONE_DATABASE, PASSWORD, Exchange

NEW = "another long password"


def change(old: str = PASSWORD, new: str = NEW) -> dict[str, str]:
    """Return the body of a password change."""
    return {"oldPassword": old, "newPassword": new}


async def login(exchange: Exchange, email: str, password: str) -> int:
    """Log in and return the status."""
    body = {"email": email, "password": password}
    answer = await exchange.anonymous.post("/v1/auth/login", json=body)
    exchange.anonymous.cookies.clear()
    return answer.status_code


async def test_a_new_password_ends_the_other_sessions(exchange: Exchange) -> None:
    """A new password ends the user's other sessions with their refresh tokens at once.

    This session, the sessions of other users and the keys stay valid.
    """
    ann, bob = await exchange.register("ann@example.com"), await exchange.register("bob@x.org")
    credentials = {"email": ann.email, "password": PASSWORD}
    second = (await exchange.anonymous.post("/v1/auth/login", json=credentials)).json()
    other = {"authorization": f"Bearer {second['accessToken']}"}
    body = {"name": "bot", "scopes": ["read"]}
    key = (await ann.client.post("/v1/auth/api-keys", json=body)).json()["key"]
    by_key = {"authorization": f"Bearer {key}"}
    anonymous = exchange.anonymous
    anonymous.cookies.clear()
    assert (await anonymous.get("/v1/auth/me", headers=other)).status_code == 200

    answer = await ann.client.post("/v1/auth/password", json=change())
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await anonymous.get("/v1/auth/me", headers=other)).status_code == 401
    refresh = {"refreshToken": second["refreshToken"]}
    assert (await anonymous.post("/v1/auth/refresh", json=refresh)).status_code == 401
    assert (await ann.client.get("/v1/auth/me")).status_code == 200
    assert (await bob.client.get("/v1/auth/me")).status_code == 200
    assert (await anonymous.get("/v1/auth/me", headers=by_key)).status_code == 200
    mine = {"refreshToken": ann.session["refreshToken"]}
    assert (await anonymous.post("/v1/auth/refresh", json=mine)).status_code == 200
    anonymous.cookies.clear()
    assert await login(exchange, ann.email, PASSWORD) == 401
    assert await login(exchange, ann.email, NEW) == 200


@ON_ONE_DATABASE
async def test_changes_that_are_refused(exchange: Exchange) -> None:
    """A refused change leaves the old password valid."""
    ann = await exchange.register("ann@example.com")
    cookie = {"cookie": f"predmarket_access={ann.session['accessToken']}"}
    for body, headers, status, code in (
        (change(old="not the password"), None, 401, "INVALID_CREDENTIALS"),
        (change(new="short"), None, 400, "VALIDATION_FAILED"),
        (change(new="nul\x00nul\x00nul"), None, 400, "VALIDATION_FAILED"),
        ({"newPassword": NEW}, None, 400, "VALIDATION_FAILED"),
        (change() | {"email": "bob@x.org"}, None, 400, "VALIDATION_FAILED"),
    ):
        answer = await ann.client.post("/v1/auth/password", json=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    foreign = await exchange.anonymous.post("/v1/auth/password", json=change(), headers=cookie)
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (403, "CSRF")
    nobody = await exchange.anonymous.post("/v1/auth/password", json=change())
    assert nobody.status_code == 401
    assert await login(exchange, ann.email, PASSWORD) == 200


async def test_a_password_is_changed_once(exchange: Exchange) -> None:
    """Of two concurrent changes one is refused, because its old password is no longer valid."""
    ann = await exchange.register("ann@example.com")
    answers = await asyncio.gather(
        *(ann.client.post("/v1/auth/password", json=change(new=NEW + end)) for end in "ab")
    )
    assert sorted(answer.status_code for answer in answers) == [204, 401]
    won = "ab"[[answer.status_code for answer in answers].index(204)]
    assert await login(exchange, ann.email, NEW + won) == 200


async def test_a_login_under_way_does_not_outlive_its_password(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login fails if the password was changed between its check and the session's opening."""
    ann = await exchange.register("ann@example.com")
    real: Callable[..., object] = passwords.Passwords.check
    checked, changed = asyncio.Event(), asyncio.Event()

    async def slow(self: passwords.Passwords, *given: object) -> object:
        found = await real(self, *given)  # type: ignore[misc]  # an async method
        checked.set()
        await changed.wait()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(passwords.Passwords, "check", slow)
        late = asyncio.create_task(login(exchange, ann.email, PASSWORD))
        await checked.wait()
    assert (await ann.client.post("/v1/auth/password", json=change())).status_code == 204
    changed.set()
    assert await late == 401


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x" * 72 + "a", "x" * 72 + "b", False),
        ("x" * 72, "x" * 73, False),
        ("é" * 36 + "a", "é" * 36 + "b", False),
        ("x" * 1023 + "a", "x" * 1023 + "b", False),
        ("café au lait", "cafe\u0301 au lait", True),
        ("é" * 40, "e\u0301" * 40, True),
        ("password²", "password2", False),
        ("Password", "password", False),
        ("password ", "password", False),
        ("пароль-пароль", "пароль-парол", False),
        ("🔑🔑🔑🔑", "🔑🔑🔑🔒", False),
    ],
)
def test_which_passwords_are_the_same(
    monkeypatch: pytest.MonkeyPatch, one: str, other: str, same: bool
) -> None:
    """Passwords differ in any character at any length; only a letter's composition is ignored."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    hashed = passwords.hash_password(one)
    assert passwords.matches(one, hashed)
    assert passwords.matches(other, hashed) is same


async def test_a_starved_hash_is_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A starved password thread is replaced by one that does not yield, and no check is lost."""
    free = threading.Event()

    def starved(password: str, _: str) -> bool:
        if threading.current_thread().name.startswith("passwords"):
            free.wait(60)
        return password == PASSWORD

    monkeypatch.setattr(passwords, "PATIENCE_S", 0.02)
    monkeypatch.setattr(passwords, "matches", starved)
    checks = passwords.Passwords()
    try:
        given = [PASSWORD, NEW, PASSWORD, NEW]
        found = await asyncio.wait_for(
            asyncio.gather(*[checks.check(one, "hash", "here") for one in given]), 30
        )
    finally:
        free.set()
    assert found == [True, False, True, False]
    assert await checks.check(PASSWORD, "hash")
