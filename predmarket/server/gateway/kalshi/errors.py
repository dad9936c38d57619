"""Errors with Kalshi's codes, in Kalshi's envelope."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from litestar import Request, Response

from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Invalid
from predmarket.enums import ErrorCode as E
from predmarket.server.gateway.http.errors import refusal_of, request_id_of


class Answer(NamedTuple):
    """The status and the code that a refusal has here."""

    status: int
    code: str


_NOT_FOUND = Answer(404, "not_found")
_INVALID_ORDER = Answer(400, "invalid_order")
_UNAVAILABLE = Answer(503, "service_unavailable")
_WORDS: dict[E, Answer] = {
    E.MARKET_NOT_FOUND: _NOT_FOUND,
    E.EVENT_NOT_FOUND: _NOT_FOUND,
    E.ORDER_NOT_FOUND: _NOT_FOUND,
    E.ORDER_NOT_OPEN: _NOT_FOUND,
    E.ORDER_GROUP_NOT_FOUND: _NOT_FOUND,
    E.NOT_FOUND: _NOT_FOUND,
    E.MARKET_NOT_OPEN: Answer(409, "market_closed"),
    E.DUPLICATE_CLIENT_ORDER_ID: Answer(409, "order_already_exists"),
    E.GROUP_TRIPPED: Answer(409, "order_group_triggered"),
    E.DEADLINE_PASSED: _INVALID_ORDER,
    E.PRICE_OFF_TICK: Answer(400, "invalid_price"),
    E.NOTHING_TO_REDUCE: Answer(400, "order_rejected"),
    E.TOO_MANY_OPEN_ORDERS: Answer(400, "too_many_open_orders"),
    E.POST_ONLY_WOULD_CROSS: Answer(400, "post_only_rejected"),
    E.FOK_NOT_FILLABLE: Answer(409, "fill_or_kill_insufficient_resting_volume"),
    E.INSUFFICIENT_FUNDS: Answer(400, "insufficient_balance"),
    E.QTY_BELOW_FILLED: _INVALID_ORDER,
    E.LIMIT_EXCEEDED: Answer(400, "limit_exceeded"),
    E.VALIDATION_FAILED: Answer(400, "invalid_parameters"),
    E.UNAUTHENTICATED: Answer(401, "authentication_error"),
    E.FORBIDDEN: Answer(403, "insufficient_permissions"),
    E.RATE_LIMITED: Answer(429, "too_many_requests"),
    E.OVERLOADED: _UNAVAILABLE,
    E.UNAVAILABLE: _UNAVAILABLE,
    E.OUTCOME_UNKNOWN: Answer(503, "outcome_unknown"),
    E.INTERNAL: Answer(500, "internal_server_error"),
}
"""Kalshi's codes by ours. Every other code stays ours, in small letters, with our status."""

_encode = msgspec.json.Encoder().encode


class KalshiRefusal(Exception):
    """A refusal that only this API has."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(status, code)
        self.message = message


class InvalidOrder(KalshiRefusal):
    """An order, or a change of one, that is malformed."""

    def __init__(self, message: str) -> None:
        super().__init__(400, _INVALID_ORDER.code, message)


class NotFound(KalshiRefusal):
    """Nothing here has that name."""

    def __init__(self, message: str) -> None:
        super().__init__(_NOT_FOUND.status, _NOT_FOUND.code, message)


def invalid(name: str, message: str) -> Invalid:
    """Return the refusal of a parameter."""
    return Invalid(Problem(name, message))


class Explained(NamedTuple):
    """An exception as a client sees it."""

    answer: Answer
    message: str
    details: str
    headers: Mapping[str, str]


def explain(error: BaseException) -> Explained:
    """Return an exception as a client sees it; a defect is logged, and told without details."""
    if isinstance(error, KalshiRefusal):
        error.__traceback__ = error.__context__ = None
        return Explained(error.answer, error.message, "", {})
    refusal = refusal_of(error)
    code, details = refusal.code, ""
    if isinstance(refusal.details, list):
        details = "; ".join(f"{one.path} {one.message}".strip() for one in refusal.details)
    answer = _WORDS.get(code, Answer(refusal.status, code.lower()))
    return Explained(answer, refusal.message, details, refusal.headers)


def body_of(told: Explained) -> dict[str, object]:
    """Return an error's object. Some clients read it within ``error``, others beside it."""
    inner: dict[str, object] = {"code": told.answer.code, "message": told.message}
    if told.details:
        inner["details"] = told.details
    return inner


def envelope(told: Explained, request_id: str) -> bytes:
    """Return the body of an error's answer."""
    inner = body_of(told)
    return _encode({"error": inner, **inner, "request_id": request_id})


def answer_error(request: Request[object, object, object], error: Exception) -> Response[bytes]:  # type: ignore[type-var]  # no State
    """Answer an exception that left a route (Litestar's exception handler)."""
    told = explain(error)
    return Response(
        envelope(told, request_id_of(request.scope)),
        status_code=told.answer.status,
        headers=dict(told.headers),
        media_type="application/json",
    )
