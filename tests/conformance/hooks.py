"""Hooks for schemathesis: credentials, and rules that a JSON Schema cannot express."""

import base64
import os
import re
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeAlias, cast

import httpx
import schemathesis
from hypothesis.internal.intervalsets import IntervalSet
from hypothesis.strategies import SearchStrategy
from hypothesis.strategies._internal import regex as regexes
from hypothesis.strategies._internal.lazy import unwrap_strategies

Case: TypeAlias = schemathesis.Case[Any]

_ENDS_SESSIONS = (
    "/v1/auth/logout",
    "/v1/auth/password",
    "/v1/auth/revoke-all",
    "/v1/auth/sessions/{id}",
)
_STATEMENT = "/v1/user/ledger"
_STATEMENT_CURSOR = re.compile(r"[A-Za-f][A-Za-z0-9_-]{31}")
_TIMES = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]")

# Most of a campaign was this: the characters of our texts, a million, put together and in order for
# every case anew.
IntervalSet.from_string = cache(IntervalSet.from_string)  # type: ignore[method-assign]
_strategy_made: Any = regexes._strategy
_alphabet_of: Any = unwrap_strategies
_of_characters: dict[tuple[object, ...], SearchStrategy[Any]] = {}


def _strategy_of(
    codes: Any,  # noqa: ANN401  what `re` parsed: a list, or a code and its values
    context: regexes.Context,
    is_unicode: bool,
    *,
    alphabet: Any,  # noqa: ANN401  of hypothesis
) -> SearchStrategy[Any]:
    """Return what hypothesis makes of a piece of a pattern; of a set of characters, once."""
    if not isinstance(codes, tuple) or codes[0].name != "IN" or alphabet is None:
        return cast(
            "SearchStrategy[Any]", _strategy_made(codes, context, is_unicode, alphabet=alphabet)
        )
    letters = _alphabet_of(alphabet).intervals.intervals
    key = (context.flags, letters, *codes[1])
    if key not in _of_characters:
        _of_characters[key] = _strategy_made(codes, context, is_unicode, alphabet=alphabet)
    return _of_characters[key]


regexes._strategy = _strategy_of


def _login(base_url: str) -> tuple[str, int]:
    """Open a session as the user that the environment names; return its token and the user."""
    body = {"email": os.environ["CONTRACT_EMAIL"], "password": os.environ["CONTRACT_PASSWORD"]}
    answer = httpx.post(f"{base_url}/v1/auth/login", json=body, timeout=30)
    session = answer.raise_for_status().json()
    return session["accessToken"], session["user"]["id"]


@schemathesis.auth(refresh_interval=None)
class Session:
    """Signs requests. What may end sessions gets one of its own, and what comes next a new one."""

    _kept: tuple[str, int] | None = None

    @classmethod
    def kept(cls) -> tuple[str, int]:
        """Return the access token and the user of the session that most requests share."""
        if cls._kept is None:
            cls._kept = _login(os.environ["CONTRACT_URL"])
        return cls._kept

    def get(self, case: Case, context: schemathesis.AuthContext) -> str:
        """Return an access token."""
        del context
        if case.path in _ENDS_SESSIONS:
            type(self)._kept = None
            return _login(os.environ["CONTRACT_URL"])[0]
        return self.kept()[0]

    def set(self, case: Case, data: str, context: schemathesis.AuthContext) -> None:
        """Put the token on a request."""
        del context
        case.headers["Authorization"] = f"Bearer {data}"


_SPAN = {"since": "2000", "until": "2996"}
"""Leap years, which have every day: they keep a span in order and within what the API takes."""


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: Case, kwargs: dict[str, object]) -> None:
    """Turn 9.0, an integer to JSON Schema, into 9, a closing time that has passed into one that
    has not, a span that is none into one, and a made-up place in a statement into one in the
    asker's own: a schema has no clock, compares no fields and knows nobody.
    """
    del context, kwargs
    cursor = (case.query or {}).get("cursor")
    if case.path == _STATEMENT and _STATEMENT_CURSOR.fullmatch(str(cursor)):
        case.query["cursor"] = _own(str(cursor))
    for name, year in _SPAN.items():
        time = (case.query or {}).get(name)
        if isinstance(time, str) and _TIMES.match(time):
            case.query[name] = f"{year}{time[4:]}"
    if not isinstance(case.body, dict):
        return
    for name, value in case.body.items():
        if isinstance(value, float) and value.is_integer():
            case.body[name] = int(value)
        elif name == "closesAt" and isinstance(value, str) and _has_passed(value):
            case.body[name] = f"2999{value[4:]}"


def _own(cursor: str) -> str:
    """Return a statement's cursor with the asker as its user, the second of its three numbers,
    and nothing as the balance, the third.
    """
    user = Session.kept()[1].to_bytes(8, signed=True)
    return base64.urlsafe_b64encode(base64.urlsafe_b64decode(cursor)[:8] + user + bytes(8)).decode()


def _has_passed(time: str) -> bool:
    return bool(_TIMES.match(time)) and int(time[:4]) <= datetime.now(UTC).year
