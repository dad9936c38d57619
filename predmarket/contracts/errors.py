"""Every error of the API in one table: its HTTP status, the terminal's exit code, its meaning."""

from typing import NamedTuple

import msgspec

from predmarket.terms import ErrorCode


class ErrorKind(NamedTuple):
    """What an error code means outside: an HTTP status and one sentence for people."""

    status: int
    meaning: str


ERRORS: dict[ErrorCode, ErrorKind] = {
    ErrorCode.MARKET_NOT_FOUND: ErrorKind(404, "there is no such market"),
    ErrorCode.MARKET_NOT_OPEN: ErrorKind(409, "the market is not open for orders"),
    ErrorCode.DUPLICATE_CLIENT_ORDER_ID: ErrorKind(
        409, "the client order id was used for another order"
    ),
    ErrorCode.DEADLINE_PASSED: ErrorKind(422, "the deadline or the expiry has passed"),
    ErrorCode.NO_LIQUIDITY: ErrorKind(422, "nothing rests on the other side"),
    ErrorCode.PRICE_OFF_TICK: ErrorKind(422, "the price is off the market's tick"),
    ErrorCode.NOTHING_TO_REDUCE: ErrorKind(422, "there are no free opposite shares to reduce"),
    ErrorCode.TOO_MANY_OPEN_ORDERS: ErrorKind(422, "the account has too many open orders"),
    ErrorCode.POST_ONLY_WOULD_CROSS: ErrorKind(422, "a post-only order would take"),
    ErrorCode.FOK_NOT_FILLABLE: ErrorKind(422, "the order cannot be filled whole now"),
    ErrorCode.INSUFFICIENT_FUNDS: ErrorKind(422, "the account does not hold enough"),
    ErrorCode.QTY_BELOW_FILLED: ErrorKind(422, "more than that quantity is filled already"),
    ErrorCode.LIMIT_EXCEEDED: ErrorKind(422, "the amount exceeds a limit of the exchange"),
    ErrorCode.ORDER_NOT_FOUND: ErrorKind(404, "there is no such order"),
    ErrorCode.ORDER_NOT_OPEN: ErrorKind(409, "the order is not open any more"),
    ErrorCode.FORBIDDEN: ErrorKind(403, "this is not allowed to you"),
    ErrorCode.INVALID_TRANSITION: ErrorKind(409, "the market cannot change in that way"),
    ErrorCode.SLUG_TAKEN: ErrorKind(409, "another market has that slug"),
    ErrorCode.USER_NOT_FOUND: ErrorKind(404, "there is no such user"),
    ErrorCode.IDEMPOTENCY_KEY_REUSED: ErrorKind(
        409, "the idempotency key was used for another transfer"
    ),
    ErrorCode.VALIDATION_FAILED: ErrorKind(400, "the request is malformed"),
    ErrorCode.EMAIL_TAKEN: ErrorKind(409, "there is an account with that e-mail"),
    ErrorCode.LAST_ADMIN: ErrorKind(409, "the exchange would be left without an active admin"),
    ErrorCode.INVALID_CREDENTIALS: ErrorKind(401, "the e-mail or the password is wrong"),
    ErrorCode.INVALID_REFRESH_TOKEN: ErrorKind(401, "the refresh token is not valid"),
    ErrorCode.UNAUTHENTICATED: ErrorKind(401, "a valid access token is needed"),
    ErrorCode.CSRF: ErrorKind(403, "a write with a cookie must come from a known origin"),
    ErrorCode.NOT_FOUND: ErrorKind(404, "there is nothing at this address"),
    ErrorCode.METHOD_NOT_ALLOWED: ErrorKind(405, "this address does not take that method"),
    ErrorCode.PAYLOAD_TOO_LARGE: ErrorKind(413, "the body is too large"),
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: ErrorKind(415, "the body must be application/json"),
    ErrorCode.REQUEST_TIMEOUT: ErrorKind(408, "the request did not arrive in time"),
    ErrorCode.HEADERS_TOO_LARGE: ErrorKind(431, "the address and the headers are too large"),
    ErrorCode.RATE_LIMITED: ErrorKind(429, "too many requests"),
    ErrorCode.OVERLOADED: ErrorKind(503, "too many commands wait; nothing was done"),
    ErrorCode.OUTCOME_UNKNOWN: ErrorKind(
        503, "no answer in time; it may or may not have been done"
    ),
    ErrorCode.UNAVAILABLE: ErrorKind(503, "a part of the exchange is down"),
    ErrorCode.INTERNAL: ErrorKind(500, "a defect of the exchange"),
}

STATUS: dict[ErrorCode, int] = {code: kind.status for code, kind in ERRORS.items()}


def exit_code(status: int) -> int:
    """Return the exit code of the terminal for an error's HTTP status (TERMINAL.md)."""
    match status:
        case 401 | 403:
            return 4
        case 404:
            return 5
        case 409 | 422:
            return 1
        case 408 | 429:
            return 3
    return 3 if status >= 500 else 2


EXIT_CODES: dict[ErrorCode, int] = {code: exit_code(status) for code, status in STATUS.items()}


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with a request; ``path`` is like "price" or "orders.3.qty"."""

    path: str
    message: str


MAX_PROBLEMS = 20
"""Problems that an answer lists; its message says how many more there are."""


Details = dict[str, str | int] | list[Problem]


class ErrorBody(msgspec.Struct, frozen=True):
    """What was refused and why; VALIDATION_FAILED lists its problems as details."""

    code: ErrorCode
    message: str
    details: Details


class ErrorAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The envelope of every error."""

    error: ErrorBody
    request_id: str
