"""Attacks on authentication: floods of logins, of registrations and of invalid tokens."""

import asyncio
import base64
import itertools
import json

from tests.abuse.assault import Assault, Attack, Run
from tests.abuse.wire import request

_FORWARDED = ("192.0.2.{}", "198.51.100.{}", "203.0.113.{}")


def _json(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def _jwt(payload: bytes, head: bytes = b'{"alg":"HS256","typ":"JWT"}') -> str:
    parts = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (head, payload)]
    return ".".join([*parts, "A" * 43])


def flood(
    path: str,
    *,
    sources: int,
    many: bool = False,
    email: str = "m{}@example.com",
    password: str = "wrong password {}",
) -> Run:
    """Return an attack by calls under /v1/auth from one address, or from many.

    The many are forwarded by a proxy. {} stands for a number that differs in each call.
    """
    numbers = itertools.count()

    async def run(assault: Assault) -> None:
        async def one() -> None:
            line = await assault.line()
            while assault.going and line is not None and not line.closed:
                n = next(numbers)
                body = _json(email=email.format(n), password=password.format(n))
                headers = {}
                if many:
                    shape = _FORWARDED[n % 3]
                    headers["x_forwarded_for"] = shape.format(n // 3 % 250 + 1)
                await line.ask(request("POST", path, body, **headers))

        await asyncio.gather(*(one() for _ in range(assault.size(sources // 4, sources))))

    return run


def bearers(make: "itertools.count[int]", shape: str, path: str = "/v1/auth/me") -> Run:
    """Return an attack by invalid tokens, a different one in each request."""

    async def run(assault: Assault) -> None:
        async def one() -> None:
            line = await assault.line()
            while assault.going and line is not None and not line.closed:
                asked = [
                    request("GET", path, authorization="Bearer " + shape.format(f"{n:043d}"))
                    for n in itertools.islice(make, 10)
                ]
                await line.push(b"".join(asked), 5, len(asked))
                for _ in asked:
                    await line.answer(5)

        await asyncio.gather(*(one() for _ in range(4)))

    return run


def token_of(token: str, path: str = "/v1/auth/me") -> Run:
    """Return an attack by one invalid or odd token."""

    async def run(assault: Assault) -> None:
        await assault.repeat(request("GET", path, authorization=f"Bearer {token}"), 2, 4)

    return run


async def _me(assault: Assault) -> None:
    """Send a hundred requests at once for the own user, with a valid key."""
    data = assault.request("GET", "/v1/auth/me", user="mallory")
    await assault.repeat(data, lines=assault.size(50, 100))


async def _spellings(assault: Assault) -> None:
    """Send a valid key with a different number of blanks each time."""
    key = assault.arena.keys["mallory"]
    line = await assault.line()
    for blanks in itertools.count(30_000):
        if line is None or line.closed or not assault.going:
            return
        given = f"Bearer {' ' * blanks}{key}"
        await line.ask(request("GET", "/v1/user/balance", authorization=given))


async def _passwords(assault: Assault) -> None:
    """Change a password with a wrong old password, as a user with a session."""
    body = _json(email="mallory@example.com", password="correct horse")
    line = await assault.line()
    assert line is not None
    _, found = await line.ask(request("POST", "/v1/auth/login", body))
    if b"accessToken" not in found:
        return  # the limit refuses sign-ins by now
    token = json.loads(found)["accessToken"]
    wrong = _json(oldPassword="wrong password", newPassword="another password")
    data = request("POST", "/v1/auth/password", wrong, authorization=f"Bearer {token}")
    await assault.repeat(data, lines=8)


async def _refreshes(assault: Assault) -> None:
    """Send invalid refresh tokens."""
    data = request("POST", "/v1/auth/refresh", _json(refreshToken="x" * 43))
    await assault.repeat(data, lines=8, at_once=4)


_LOGIN, _REGISTER = "/v1/auth/login", "/v1/auth/register"
_CLAIMS = b'{"sub":"1","sid":1,"role":"ADMIN","exp":9999999999}'
_DEEP = b'{"a":' * 9_000 + b"1" + b"}" * 9_000

ATTACKS = [
    Attack("logins", "log-ins from one source", flood(_LOGIN, sources=8), 0.4, short=False),
    Attack(
        "logins-many",
        "log-ins from 750 addresses at once",
        flood(_LOGIN, sources=40, many=True),
        0.4,
    ),
    Attack(
        "logins-account",
        "log-ins to the victim's account",
        flood(_LOGIN, sources=40, many=True, email="victim@example.com"),
        0.4,
        short=False,
    ),
    Attack("registers", "registrations from one source", flood(_REGISTER, sources=8), short=False),
    Attack(
        "registers-many",
        "registrations from 750 addresses",
        flood(_REGISTER, sources=40, many=True),
        0.4,
        short=False,
    ),
    Attack(
        "emails",
        "registrations with e-mails of 60 KB",
        flood(_REGISTER, sources=40, many=True, email="a@" + "a." * 29_000 + "{}"),
        short=False,
    ),
    Attack(
        "unicode",
        "log-ins with 1 000 letters and accents",
        short=False,
        run=flood(_LOGIN, sources=40, many=True, password="a\u0301\u0323" * 330 + "{}"),
    ),
    Attack("me", "a hundred at once ask who they are", _me),
    Attack(
        "keys-false",
        "API keys that are none, each another",
        bearers(itertools.count(), "pmk_{}"),
        short=False,
    ),
    Attack(
        "tokens-false",
        "tokens that are none, each another",
        bearers(itertools.count(), _jwt(_CLAIMS)[:-43] + "{}"),
    ),
    Attack("token-long", "a token of 60 KB", token_of("a" * 60_000), short=False),
    Attack("token-dots", "a token of 60 000 dots", token_of("." * 60_000), short=False),
    Attack(
        "token-payload",
        "a token whose payload has 44 KB",
        token_of(_jwt(b'{"sub":"' + b"1" * 44_000 + b'"}')),
        short=False,
    ),
    Attack(
        "token-nested",
        "a token whose head is nested 9 000 deep",
        token_of(_jwt(b"{}", b'{"alg":"HS256","x":' + _DEEP[:30_000] + b"}")),
    ),
    Attack(
        "token-digits",
        "a token whose head has 40 000 digits",
        token_of(_jwt(b"{}", b'{"alg":"HS256","x":' + b"9" * 40_000 + b"}")),
        short=False,
    ),
    Attack("spellings", "a good key behind 30 000 blanks and more", _spellings),
    Attack("passwords", "a user changes a password, wrongly", _passwords, short=False),
    Attack("refreshes", "refresh tokens that are none", _refreshes, short=False),
]
