"""Which request the running code belongs to, so that every line it logs can say so.

One ContextVar is set a request, to the ASGI scope itself; id and user are read from it only when a
line is really written. The core's tasks are started outside any request and belong to none.
"""

from contextvars import ContextVar

from litestar.types import Scope

CURRENT: ContextVar[Scope | None] = ContextVar("predmarket_request", default=None)


def known_as(user_id: int) -> None:
    """Remember whom this request turned out to be from, where no guard has asked for a token."""
    scope = CURRENT.get()
    if scope is not None:
        scope.setdefault("state", {})["user_id"] = user_id


def identity(scope: Scope) -> dict[str, object]:
    """Return what is known of a request: ``requestId``, ``userId``."""
    state = scope.get("state") or {}
    fields: dict[str, object] = {}
    if "request_id" in state:
        fields["requestId"] = state["request_id"]
    user = scope.get("user")
    user_id = state.get("user_id") if user is None else user.user_id
    if user_id is not None:
        fields["userId"] = user_id
    return fields
