"""Every error of the API in one table: its HTTP status, its meaning, what to do about it.

docs/errors.md is made of it (tools/error_docs.py).
"""

from typing import NamedTuple

import msgspec

from predmarket.enums import ErrorCode
from predmarket.exit_codes import ExitCode


class ErrorKind(NamedTuple):
    """What an error code means outside: an HTTP status, and for people what is wrong and what to do
    (Markdown)."""

    status: int
    meaning: str
    remedy: str


ERRORS: dict[ErrorCode, ErrorKind] = {
    ErrorCode.MARKET_NOT_FOUND: ErrorKind(
        404,
        "there is no such market",
        "Look at `predmarket market list`; a draft is shown to admins alone.",
    ),
    ErrorCode.MARKET_NOT_OPEN: ErrorKind(
        409,
        "the market is not open for orders",
        "Wait until it opens; orders that rest can still be cancelled.",
    ),
    ErrorCode.DUPLICATE_CLIENT_ORDER_ID: ErrorKind(
        409,
        "the client order id was used for another order",
        "Choose a new id; send the same order again under the old one to have the original.",
    ),
    ErrorCode.DEADLINE_PASSED: ErrorKind(
        422,
        "the deadline or the expiry has passed",
        "Send it again with a later one; compare your clock with the exchange's.",
    ),
    ErrorCode.NO_LIQUIDITY: ErrorKind(
        422,
        "nothing rests on the other side",
        "Place a limit order, or wait for one on the other side.",
    ),
    ErrorCode.PRICE_OFF_TICK: ErrorKind(
        422,
        "the price is off the market's tick",
        "Round the price to a multiple of the market's tickSize.",
    ),
    ErrorCode.NOTHING_TO_REDUCE: ErrorKind(
        422,
        "there are no free opposite shares to reduce",
        "Look at `predmarket account positions` and at the orders that hold shares already.",
    ),
    ErrorCode.TOO_MANY_OPEN_ORDERS: ErrorKind(
        422,
        "the account has too many open orders",
        "Cancel some, or have the operator raise MAX_OPEN_ORDERS.",
    ),
    ErrorCode.POST_ONLY_WOULD_CROSS: ErrorKind(
        422,
        "a post-only order would take",
        "Choose a price that does not meet the other side, or leave out postOnly.",
    ),
    ErrorCode.FOK_NOT_FILLABLE: ErrorKind(
        422,
        "the order cannot be filled whole now",
        "Ask for less, at a worse price, or with IOC.",
    ),
    ErrorCode.INSUFFICIENT_FUNDS: ErrorKind(
        422,
        "the account does not hold enough",
        "Ask for less, or cancel orders that lock money; details say what is required and "
        "available.",
    ),
    ErrorCode.QTY_BELOW_FILLED: ErrorKind(
        422,
        "more than that quantity is filled already",
        "Amend to more than is filled, or cancel what is left.",
    ),
    ErrorCode.LIMIT_EXCEEDED: ErrorKind(
        422,
        "the amount exceeds a limit of the exchange",
        "Move less at a time; the message names the limit.",
    ),
    ErrorCode.ORDER_NOT_FOUND: ErrorKind(
        404,
        "there is no such order",
        "Look at `predmarket order list --all-status`.",
    ),
    ErrorCode.ORDER_NOT_OPEN: ErrorKind(
        409,
        "the order is not open any more",
        "It was filled, cancelled or has expired: look at its status and reason.",
    ),
    ErrorCode.FORBIDDEN: ErrorKind(
        403,
        "this is not allowed to you",
        "Use an account with the right role, or an API key with the scope that the message names.",
    ),
    ErrorCode.INVALID_TRANSITION: ErrorKind(
        409,
        "the market cannot change in that way",
        "Look at the market's status: a resolved or voided market is final.",
    ),
    ErrorCode.SLUG_TAKEN: ErrorKind(
        409,
        "another market or event has that slug",
        "Choose another slug.",
    ),
    ErrorCode.EVENT_NOT_FOUND: ErrorKind(
        404,
        "there is no such event",
        "Look at `predmarket event list`; a draft is shown to admins alone.",
    ),
    ErrorCode.EVENT_DECIDES: ErrorKind(
        409,
        "the market belongs to an event, which decides its outcome",
        "Resolve the event. Alone, a market of it can become NO, while two outcomes are left.",
    ),
    ErrorCode.EVENT_IS_EXHAUSTIVE: ErrorKind(
        409,
        "exactly one market of the event resolves YES",
        "Name a winner or weights: such an event takes no further markets and never ends in NONE.",
    ),
    ErrorCode.USER_NOT_FOUND: ErrorKind(
        404,
        "there is no such user",
        "Look at `predmarket user list`; e-mails are compared whole.",
    ),
    ErrorCode.IDEMPOTENCY_KEY_REUSED: ErrorKind(
        409,
        "the idempotency key was used for another transfer",
        "Choose a new key; send the same transfer again under the old one to have the original.",
    ),
    ErrorCode.VALIDATION_FAILED: ErrorKind(
        400,
        "the request is malformed",
        "Mend what details name; /openapi.json has each field.",
    ),
    ErrorCode.EMAIL_TAKEN: ErrorKind(
        409,
        "there is an account with that e-mail",
        "Log in, or register another e-mail.",
    ),
    ErrorCode.LAST_ADMIN: ErrorKind(
        409,
        "the exchange would be left without an active admin",
        "Make somebody else an admin first.",
    ),
    ErrorCode.INVALID_CREDENTIALS: ErrorKind(
        401,
        "the e-mail or the password is wrong",
        "Try again; an admin sees with `predmarket user list` whether the account is there.",
    ),
    ErrorCode.INVALID_REFRESH_TOKEN: ErrorKind(
        401,
        "the refresh token is not valid",
        "Log in again: the session has ended, or its token was used twice.",
    ),
    ErrorCode.UNAUTHENTICATED: ErrorKind(
        401,
        "a valid access token is needed",
        "Log in, or refresh the access token (15 minutes); an API key may have been revoked.",
    ),
    ErrorCode.CSRF: ErrorKind(
        403,
        "a write with a cookie must come from a known origin",
        "Name the page's origin in CORS_ORIGIN, or send a Bearer token in place of the cookie.",
    ),
    ErrorCode.NOT_FOUND: ErrorKind(
        404,
        "there is nothing at this address",
        "Compare the address with /openapi.json.",
    ),
    ErrorCode.METHOD_NOT_ALLOWED: ErrorKind(
        405,
        "this address does not take that method",
        "Use a method that the header Allow names.",
    ),
    ErrorCode.PAYLOAD_TOO_LARGE: ErrorKind(
        413,
        "the body is too large",
        "Send less at a time: a body has at most 64 KiB, a batch 256 KiB.",
    ),
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: ErrorKind(
        415,
        "the body must be application/json",
        "Send JSON with content-type: application/json.",
    ),
    ErrorCode.REQUEST_TIMEOUT: ErrorKind(
        408,
        "the request did not arrive in time",
        "Send it again; head and body have 10 s each to arrive.",
    ),
    ErrorCode.HEADERS_TOO_LARGE: ErrorKind(
        431,
        "the address and the headers are too large",
        "Send fewer cookies and a shorter address.",
    ),
    ErrorCode.RATE_LIMITED: ErrorKind(
        429,
        "too many requests",
        "Wait for as long as Retry-After says; the operator can raise the limit that the "
        "message names.",
    ),
    ErrorCode.OVERLOADED: ErrorKind(
        503,
        "too many commands wait; nothing was done",
        "Send it again after Retry-After: nothing was done.",
    ),
    ErrorCode.OUTCOME_UNKNOWN: ErrorKind(
        503,
        "no answer in time; it may or may not have been done",
        "Ask again under the same clientOrderId or Idempotency-Key: it is not done twice.",
    ),
    ErrorCode.UNAVAILABLE: ErrorKind(
        503,
        "a part of the exchange is down",
        "Try again later; /healthz names the part that is down.",
    ),
    ErrorCode.INTERNAL: ErrorKind(
        500,
        "a defect of the exchange",
        "Report it with the requestId: the exchange's log has the cause under it.",
    ),
}

STATUS: dict[ErrorCode, int] = {code: kind.status for code, kind in ERRORS.items()}


def exit_code(status: int) -> ExitCode:
    """Return the exit code of the command line for an error's HTTP status."""
    match status:
        case 401 | 403:
            return ExitCode.NOT_ALLOWED
        case 404:
            return ExitCode.NOT_FOUND
        case 409 | 422:
            return ExitCode.REFUSED
        case 408 | 429:
            return ExitCode.UNAVAILABLE
    return ExitCode.UNAVAILABLE if status >= 500 else ExitCode.USAGE


EXIT_CODES: dict[ErrorCode, ExitCode] = {code: exit_code(status) for code, status in STATUS.items()}


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
