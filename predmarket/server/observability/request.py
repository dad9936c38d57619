"""The current request, so that every log line can name it.

Each request sets one ContextVar to its ASGI scope. Id and user are read from the scope only when a
line is written. The core's tasks start outside any request and belong to none.
"""

from contextvars import ContextVar

from litestar.types import Scope

CURRENT: ContextVar[Scope | None] = ContextVar("predmarket_request", default=None)


def known_as(user_id: int) -> None:
    """Record a request's user, for routes whose guards did not identify one."""
    scope = CURRENT.get()
    if scope is not None:
        scope.setdefault("state", {})["user_id"] = user_id


def identity(scope: Scope) -> dict[str, object]:
    """Return a request's known identity: ``requestId``, ``userId``."""
    state = scope.get("state") or {}
    fields: dict[str, object] = {}
    if "request_id" in state:
        fields["requestId"] = state["request_id"]
    user = scope.get("user")
    user_id = state.get("user_id") if user is None else user.user_id
    if user_id is not None:
        fields["userId"] = user_id
    return fields
