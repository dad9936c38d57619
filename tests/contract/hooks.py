"""What schemathesis has to be told: who is asking, and what a JSON Schema cannot say."""

import os
import re
from datetime import UTC, datetime
from typing import Any, TypeAlias

import httpx
import schemathesis

Case: TypeAlias = schemathesis.Case[Any]

_ENDS_SESSION = ("/v1/auth/logout",)
_TIMES = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]")


def _token(base_url: str) -> str:
    """Open a session as the user that the environment names and return its access token."""
    body = {"email": os.environ["CONTRACT_EMAIL"], "password": os.environ["CONTRACT_PASSWORD"]}
    answer = httpx.post(f"{base_url}/v1/auth/login", json=body, timeout=30)
    token: str = answer.raise_for_status().json()["accessToken"]
    return token


@schemathesis.auth(refresh_interval=None)
class Session:
    """Signs requests. What ends its session gets one of its own."""

    _kept: str | None = None

    def get(self, case: Case, context: schemathesis.AuthContext) -> str:
        """Return an access token."""
        del context
        base_url = os.environ["CONTRACT_URL"]
        if case.path in _ENDS_SESSION:
            return _token(base_url)
        if self._kept is None:
            Session._kept = _token(base_url)
        assert self._kept is not None
        return self._kept

    def set(self, case: Case, data: str, context: schemathesis.AuthContext) -> None:
        """Put the token on a request."""
        del context
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: Case, kwargs: dict[str, object]) -> None:
    """Turn 9.0, an integer to JSON Schema, into 9, and a closing time that has passed into one
    that has not: a schema has no clock.
    """
    del context, kwargs
    if not isinstance(case.body, dict):
        return
    for name, value in case.body.items():
        if isinstance(value, float) and value.is_integer():
            case.body[name] = int(value)
        elif name == "closesAt" and isinstance(value, str) and _has_passed(value):
            case.body[name] = f"2999{value[4:]}"


def _has_passed(time: str) -> bool:
    return bool(_TIMES.match(time)) and int(time[:4]) <= datetime.now(UTC).year
