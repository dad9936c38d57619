"""The exceptions of a call: one for a refusal, one for a missing answer.

The text of every exception is one line that a person may see; none contains a token.
"""

import os
import re

_ERRNO = re.compile(r"\[Errno -?\d+\] (.*)", re.DOTALL)


class ClientError(Exception):
    """The base of all exceptions that the client library raises on purpose."""


class ConfigurationError(ClientError):
    """A setting, profile or session file is unusable; the message names it."""


class Unreachable(ClientError):
    """No answer came, or an answer that is not an exchange's. A call that writes may have taken
    effect."""


class ApiError(ClientError):
    """The exchange answered with an error.

    status is the HTTP status and code the exchange's error code (docs/errors.md). details are those
    of the refusal: for VALIDATION_FAILED a list of {path, message}; str() shows the first.
    retry_after_s is the time to wait in seconds, if the exchange gave one.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: object = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}{_first_problem(details)}")
        self.status = status
        self.code = code
        self.message = message
        self.details = {} if details is None else details
        self.request_id = request_id
        self.retry_after_s = retry_after_s


def why(error: BaseException) -> str:
    """Return the reason of a failed connection, in plainer words than the system's or library's."""
    text = str(error)
    if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text:
        return "what listens there does not speak https; try http"
    if text.startswith("Server disconnected"):
        return "the connection was closed without an answer"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return f"its certificate is not trusted ({text.partition('failed: ')[2] or text})"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    failed = _ERRNO.fullmatch(text)
    return failed[1] if failed else text or "connection lost"


def _first_problem(details: object) -> str:
    """Return the first problem of a refused body, and the number of others."""
    if not isinstance(details, list) or not details or not isinstance(details[0], dict):
        return ""
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return f": {details[0].get('path')}: {details[0].get('message')}{more}"


def refusal(
    status: int,
    body: object,
    reason: str,
    *,
    request_id: str | None = None,
    retry_after_s: float | None = None,
) -> ApiError:
    """Return the exception for an answer with an error status and the decoded ``body``.

    The body may be anything, such as a proxy's error page. reason is from the status line.
    """
    fields = body if isinstance(body, dict) else {}
    error = fields.get("error")
    if not isinstance(error, dict):
        error = {}
    request_id = fields.get("requestId") or request_id
    return ApiError(
        status,
        str(error.get("code") or f"HTTP_{status}"),
        str(error.get("message") or reason or "no reason given"),
        details=error.get("details"),
        request_id=str(request_id) if request_id else None,
        retry_after_s=retry_after_s,
    )
