"""Hooks for schemathesis: credentials, and rules that a JSON Schema cannot express."""

import os
import re
from datetime import UTC, datetime
from typing import Any, TypeAlias

import httpx
import schemathesis

from tests.support.hypothesis_internals import keep_strategies_of_patterns

Case: TypeAlias = schemathesis.Case[Any]

_ENDS_SESSIONS = (
    "/v1/auth/logout",
    "/v1/auth/password",
    "/v1/auth/revoke-all",
    "/v1/auth/sessions/{id}",
)
_TIMES = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]")

keep_strategies_of_patterns()


def _login() -> str:
    """Log in as the user that the environment names; return the access token."""
    body = {"email": os.environ["CONTRACT_EMAIL"], "password": os.environ["CONTRACT_PASSWORD"]}
    answer = httpx.post(f"{os.environ['CONTRACT_URL']}/v1/auth/login", json=body, timeout=30)
    token: str = answer.raise_for_status().json()["accessToken"]
    return token


@schemathesis.auth(refresh_interval=None)
class Session:
    """Signs requests.

    A call that may end sessions gets its own session, and the next call a new one.
    """

    _kept: str | None = None
    """The access token of the session that most requests share."""

    def get(self, case: Case, context: schemathesis.AuthContext) -> str:
        """Return an access token."""
        del context
        if case.path in _ENDS_SESSIONS:
            self._kept = None
            return _login()
        if self._kept is None:
            self._kept = _login()
        return self._kept

    def set(self, case: Case, data: str, context: schemathesis.AuthContext) -> None:
        """Set the token of a request."""
        del context
        case.headers["Authorization"] = f"Bearer {data}"


_COMING = ("closesAt", "effectiveAt", "expiresAt")
_LONG = re.compile(r"[0-9]{5,}")
"""A number of weeks that leads beyond the year 10000."""
_SPAN = {"since": "2000", "until": "2996", "from": "2000", "to": "2996"}
"""Leap years, which have every day. They keep a span in order and within the API's bounds."""


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: Case, kwargs: dict[str, object]) -> None:
    """Repair generated values that a JSON Schema cannot rule out.

    9.0, an integer to JSON Schema, becomes 9; a closing time in the past becomes one in the future;
    a span gets its bounds in order; and weights add up to 1. A schema has no clock and compares no
    fields.
    """
    del context, kwargs
    for name, year in _SPAN.items():
        time = (case.query or {}).get(name)
        if isinstance(time, str) and _TIMES.match(time):
            case.query[name] = f"{year}{time[4:]}"
    _mend(case.body)


def _mend(body: object) -> None:
    """Repair an object and the objects in its lists: an import holds a list of creations."""
    if not isinstance(body, dict):
        return
    for name, value in body.items():
        if isinstance(value, float) and value.is_integer():
            body[name] = int(value)
        elif name in _COMING and isinstance(value, str) and _has_passed(value):
            body[name] = f"2999{value[4:]}"
        elif name == "after" and isinstance(value, str):
            body[name] = _LONG.sub("9", value)
        elif name == "weights" and isinstance(value, dict):
            body[name] = {each: int(not place) for place, each in enumerate(value)}
        elif isinstance(value, list):
            for one in value:
                _mend(one)


def _has_passed(time: str) -> bool:
    return bool(_TIMES.match(time)) and int(time[:4]) <= datetime.now(UTC).year
