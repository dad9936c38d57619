"""Turns exceptions into API errors, all in one envelope."""

import logging
from collections.abc import Mapping

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import HTTPScope, Send

from predmarket.contracts.errors import ErrorAnswer, ErrorBody, Problem
from predmarket.contracts.requests import Invalid, in_words
from predmarket.enums import ErrorCode
from predmarket.server.core.bus import BusError, OutcomeUnknown, Overloaded
from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth.fair_queue import TooManyWaiting
from predmarket.server.gateway.http.responses import headers_for, headers_of, respond
from predmarket.server.storage.database import is_lost

log = logging.getLogger(__name__)

RETRY = {"retry-after": str(Overloaded.retry_after_s)}

_HTTP_CODES = {
    401: ErrorCode.UNAUTHENTICATED,
    403: ErrorCode.FORBIDDEN,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.PAYLOAD_TOO_LARGE,
    415: ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    429: ErrorCode.RATE_LIMITED,
}

_encode = msgspec.json.Encoder().encode


def code_of(error: Refusal | BusError) -> ErrorCode:
    """Return the error code for an expected exception."""
    match error:
        case Refusal():
            return error.code
        case Overloaded():
            return ErrorCode.OVERLOADED
        case OutcomeUnknown():
            return ErrorCode.OUTCOME_UNKNOWN
    return ErrorCode.INTERNAL


def refusal_of(error: BaseException) -> Refusal:
    """Return the refusal that a client gets for an exception; a defect is logged, without details.

    The exception's traceback is dropped. Its frames hold the client's data and often the exception
    itself, so they would wait for the garbage collector.
    """
    refusal = _meaning(error)
    error.__traceback__ = error.__context__ = None
    return refusal


def _meaning(error: BaseException) -> Refusal:
    match error:
        case Refusal():
            return error
        case Invalid():
            return Refusal(ErrorCode.VALIDATION_FAILED, details=error.problems, more=error.more)
        case Overloaded() | TooManyWaiting():
            return Refusal(ErrorCode.OVERLOADED, headers=RETRY)
        case OutcomeUnknown():
            return Refusal(ErrorCode.OUTCOME_UNKNOWN)
        case HTTPException() if error.status_code < 500:
            return _of_http(error)
    if is_lost(error):
        log.warning("the database is unavailable", extra={"error": str(error)})
        return Refusal(ErrorCode.UNAVAILABLE, headers=RETRY)
    log.error("a request failed", exc_info=error)
    return Refusal(ErrorCode.INTERNAL)


def _of_http(error: HTTPException) -> Refusal:
    headers = dict(error.headers or {})
    code = _HTTP_CODES.get(error.status_code)
    if code is not None:
        return Refusal(code, headers=headers)
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        problems = [
            Problem(_camel(str(extra.get("key", ""))), in_words(str(extra["message"])))
            for extra in error.extra
        ]
        if any(not problem.path or problem.path == "data" for problem in problems):
            problems = [Problem("", "a JSON body is required")]
        return Refusal(ErrorCode.VALIDATION_FAILED, details=problems)
    return Refusal(ErrorCode.VALIDATION_FAILED, details=[Problem("", in_words(error.detail))])


def _camel(name: str) -> str:
    """Return a handler parameter's name in the query."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def envelope(refusal: Refusal, request_id: str) -> bytes:
    """Return an error as JSON."""
    body = ErrorBody(refusal.code, refusal.message, refusal.details)
    return _encode(ErrorAnswer(body, request_id))


def request_id_of(scope: Mapping[str, object]) -> str:
    """Return the id that the application gave a request."""
    state = scope.get("state")
    return str(state.get("request_id", "")) if isinstance(state, dict) else ""


def answer_error(request: Request[object, object, object], error: Exception) -> Response[bytes]:  # type: ignore[type-var]  # no State
    """Answer an exception that left a route (Litestar's exception handler)."""
    request_id = request_id_of(request.scope)
    refusal = refusal_of(error)
    return Response(
        envelope(refusal, request_id),
        status_code=refusal.status,
        headers=refusal.headers,
        media_type="application/json",
    )


async def answer_stopping(scope: HTTPScope, send: Send) -> None:
    """Answer a request that a stop of the server cuts off, if it has no answer yet."""
    reads = scope["method"] in ("GET", "HEAD")
    refusal = Refusal(ErrorCode.UNAVAILABLE if reads else ErrorCode.OUTCOME_UNKNOWN, headers=RETRY)
    body = envelope(refusal, request_id_of(scope))
    more = [(b"connection", b"close"), *headers_of(refusal)]
    await respond(send, refusal.status, headers_for(body, more=more), body)
