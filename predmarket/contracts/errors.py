"""The table of the API's errors: HTTP status, meaning and remedy of each code.

To add an error code: add it to ``ErrorCode`` (predmarket/enums.py) and to ``ERRORS`` here, then
write docs/errors.md anew (tools/error_docs.py). Tests check that the three agree.
"""

from typing import NamedTuple

import msgspec

from predmarket.enums import ErrorCode
from predmarket.exit_codes import ExitCode


class ErrorKind(NamedTuple):
    """An error's HTTP status, its meaning, and the remedy for the user (Markdown)."""

    status: int
    meaning: str
    remedy: str


ERRORS: dict[ErrorCode, ErrorKind] = {
    ErrorCode.MARKET_NOT_FOUND: ErrorKind(
        404,
        "there is no such market",
        "Look at `predmarket market list`. Only admins see a draft.",
    ),
    ErrorCode.MARKET_NOT_OPEN: ErrorKind(
        409,
        "the market is not open for orders",
        "Wait until it opens. You can still cancel resting orders.",
    ),
    ErrorCode.DUPLICATE_CLIENT_ORDER_ID: ErrorKind(
        409,
        "the client order id was used for another order",
        "Choose a new id. To see the original order, send it again unchanged.",
    ),
    ErrorCode.DEADLINE_PASSED: ErrorKind(
        422,
        "the deadline or the expiry has passed",
        "Send it again with a later time. Compare your clock with the exchange's.",
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
        "Look at `predmarket account positions`. Resting orders may reserve the shares.",
    ),
    ErrorCode.TOO_MANY_OPEN_ORDERS: ErrorKind(
        422,
        "the account has too many open orders",
        "Cancel some of them, or ask the operator to raise MAX_OPEN_ORDERS.",
    ),
    ErrorCode.ORDER_GROUP_NOT_FOUND: ErrorKind(
        404,
        "there is no such order group",
        "Look at GET /v1/order-groups; a deleted group does not come back.",
    ),
    ErrorCode.GROUP_TRIPPED: ErrorKind(
        409,
        "the order group has tripped and takes no orders",
        "Reset it with POST /v1/order-groups/{id}/reset, or leave out orderGroupId.",
    ),
    ErrorCode.POST_ONLY_WOULD_CROSS: ErrorKind(
        422,
        "the post-only order would trade at once",
        "Choose a price that does not meet the other side, or leave out postOnly.",
    ),
    ErrorCode.FOK_NOT_FILLABLE: ErrorKind(
        422,
        "the order cannot be filled whole now",
        "Lower the quantity, accept a worse price, or use IOC.",
    ),
    ErrorCode.INSUFFICIENT_FUNDS: ErrorKind(
        422,
        "the account does not hold enough",
        "Lower the quantity, or cancel orders that lock money. The details hold the required and "
        "the available amount.",
    ),
    ErrorCode.QTY_BELOW_FILLED: ErrorKind(
        422,
        "the order's filled quantity has reached that quantity",
        "Amend to a quantity above the filled one, or cancel the order.",
    ),
    ErrorCode.LIMIT_EXCEEDED: ErrorKind(
        422,
        "the amount exceeds a limit of the exchange",
        "Stay within the limit that the message names.",
    ),
    ErrorCode.ORDER_NOT_FOUND: ErrorKind(
        404,
        "there is no such order",
        "Look at `predmarket order list --all-status`.",
    ),
    ErrorCode.ORDER_NOT_OPEN: ErrorKind(
        409,
        "the order is not open any more",
        "It was filled or cancelled, or it expired. Look at its status and reason.",
    ),
    ErrorCode.FORBIDDEN: ErrorKind(
        403,
        "you are not allowed to do this",
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
        "Look at `predmarket event list`. Only admins see a draft.",
    ),
    ErrorCode.EVENT_DECIDES: ErrorKind(
        409,
        "the market belongs to an event, which decides its outcome",
        "Resolve the event, or confirm or withdraw what is proposed for it. A single market of it "
        "can only resolve NO, and only while two outcomes remain.",
    ),
    ErrorCode.EVENT_IS_EXHAUSTIVE: ErrorKind(
        409,
        "exactly one market of the event resolves YES",
        "Resolve it with a winner or with weights. It never ends in NONE and takes no new markets.",
    ),
    ErrorCode.PROPOSAL_NOT_FOUND: ErrorKind(
        404,
        "no resolution is proposed there",
        "Look at the market or the event: the proposal was made, withdrawn, or never there.",
    ),
    ErrorCode.PROPOSAL_CHANGED: ErrorKind(
        409,
        "another resolution is proposed by now",
        "Look at what is proposed now, and confirm that.",
    ),
    ErrorCode.ANOTHER_ADMIN_NEEDED: ErrorKind(
        403,
        "an admin other than the proposer has to confirm the resolution",
        "Ask another admin to confirm it, or withdraw it. The operator has set RESOLVE_BY_TWO.",
    ),
    ErrorCode.USER_NOT_FOUND: ErrorKind(
        404,
        "there is no such user",
        "Look at `predmarket user list`. Give the complete e-mail address.",
    ),
    ErrorCode.IDEMPOTENCY_KEY_REUSED: ErrorKind(
        409,
        "the idempotency key was used for another transfer",
        "Choose a new key. To see the original transfer, send it again unchanged.",
    ),
    ErrorCode.VALIDATION_FAILED: ErrorKind(
        400,
        "the request is malformed",
        "Correct the fields that the details name. /openapi.json describes each field.",
    ),
    ErrorCode.EMAIL_TAKEN: ErrorKind(
        409,
        "there is an account with that e-mail",
        "Log in, or register another e-mail.",
    ),
    ErrorCode.NAME_TAKEN: ErrorKind(
        409,
        "the name is taken",
        "Choose another name. Case, blanks and the style of letters make no difference.",
    ),
    ErrorCode.GROUP_NOT_FOUND: ErrorKind(
        404,
        "there is no such group",
        "Look at `predmarket group list`, or make it with `predmarket group create NAME`.",
    ),
    ErrorCode.SEASON_NOT_FOUND: ErrorKind(
        404,
        "there is no such season",
        "Look at `predmarket season list`.",
    ),
    ErrorCode.LAST_ADMIN: ErrorKind(
        409,
        "the exchange would be left without an active admin",
        "Make another user an admin first.",
    ),
    ErrorCode.INVALID_CREDENTIALS: ErrorKind(
        401,
        "the e-mail or the password is wrong",
        "Try again. An admin can look for the account with `predmarket user list`.",
    ),
    ErrorCode.INVALID_CODE: ErrorKind(
        401,
        "the code is not valid",
        "Type it again. It has ended after seven days or its last use, or an admin has given a new "
        "one; whoever has claimed a code logs in with the password chosen then.",
    ),
    ErrorCode.SIGNUP_CLOSED: ErrorKind(
        403,
        "one cannot register here without the operator's help",
        "Ask an admin for an invitation (`predmarket auth register --invite`), or for an account "
        "and its one-time code (`predmarket auth claim`).",
    ),
    ErrorCode.INVALID_REFRESH_TOKEN: ErrorKind(
        401,
        "the refresh token is not valid",
        "Log in again. The session has ended, or somebody used its token twice.",
    ),
    ErrorCode.UNAUTHENTICATED: ErrorKind(
        401,
        "a valid access token is needed",
        "Log in, or refresh the access token, which lasts 15 minutes. An API key may have been "
        "revoked.",
    ),
    ErrorCode.CSRF: ErrorKind(
        403,
        "a write with a cookie must come from a known origin",
        "Add the page's origin to CORS_ORIGIN, or send a Bearer token instead of the cookie.",
    ),
    ErrorCode.NOT_FOUND: ErrorKind(
        404,
        "there is nothing at this address",
        "Look the address up in /openapi.json.",
    ),
    ErrorCode.METHOD_NOT_ALLOWED: ErrorKind(
        405,
        "this address does not take that method",
        "Use a method from the Allow header.",
    ),
    ErrorCode.PAYLOAD_TOO_LARGE: ErrorKind(
        413,
        "the body is too large",
        "Send a smaller body: at most 64 KiB, or 256 KiB for a batch.",
    ),
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: ErrorKind(
        415,
        "the body must be application/json",
        "Send JSON with content-type: application/json.",
    ),
    ErrorCode.REQUEST_TIMEOUT: ErrorKind(
        408,
        "the request did not arrive in time",
        "Send it again. Head and body must each arrive within 10 s.",
    ),
    ErrorCode.HEADERS_TOO_LARGE: ErrorKind(
        431,
        "the address and the headers are too large",
        "Send fewer cookies and a shorter address.",
    ),
    ErrorCode.RATE_LIMITED: ErrorKind(
        429,
        "too many requests",
        "Wait for the time in Retry-After. The operator can raise the limit that the message "
        "names.",
    ),
    ErrorCode.OVERLOADED: ErrorKind(
        503,
        "too many commands are waiting; nothing was done",
        "Send it again after the time in Retry-After.",
    ),
    ErrorCode.OUTCOME_UNKNOWN: ErrorKind(
        503,
        "the answer did not come in time; the request may or may not have been done",
        "Send it again with the same clientOrderId or Idempotency-Key: it is not done twice.",
    ),
    ErrorCode.UNAVAILABLE: ErrorKind(
        503,
        "a part of the exchange is down",
        "Try again later. /healthz names the part that is down.",
    ),
    ErrorCode.INTERNAL: ErrorKind(
        500,
        "the exchange has a defect",
        "Report it with the requestId. The exchange's log has the cause under that id.",
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
"""The most problems that an answer lists; its message counts the others."""


Details = dict[str, str | int] | list[Problem]


class ErrorBody(msgspec.Struct, frozen=True):
    """The refusal: code, message and details. VALIDATION_FAILED lists its problems as details."""

    code: ErrorCode
    message: str
    details: Details


class ErrorAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The envelope of every error."""

    error: ErrorBody
    request_id: str
