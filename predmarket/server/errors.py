"""The server's refusals: an exception that carries an error of the API."""

from collections.abc import Mapping

from predmarket.contracts.errors import ERRORS, MAX_PROBLEMS, STATUS, Details
from predmarket.engine.replies import Refused
from predmarket.enums import ErrorCode


class Refusal(Exception):
    """An error answer, with its ``headers``.

    Its details list the first MAX_PROBLEMS problems. ``more`` counts problems that the caller left
    out; the message tells how many are not listed.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str | None = None,
        details: Details | None = None,
        headers: Mapping[str, str] | None = None,
        more: int = 0,
    ) -> None:
        self.code = code
        self.message = ERRORS[code].meaning if message is None else message
        if isinstance(details, list) and len(details) + more > MAX_PROBLEMS:
            more += len(details[MAX_PROBLEMS:])
            details = details[:MAX_PROBLEMS]
            self.message = f"{self.message}; {more} more problems are not listed"
        self.details: Details = {} if details is None else details
        self.headers = dict(headers or {})
        super().__init__(f"{code.value}: {self.message}")

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return STATUS[self.code]

    @classmethod
    def of(cls, reply: Refused) -> "Refusal":
        """Convert the core's refusal to the API's."""
        details: dict[str, str | int] = dict(reply.details or {})
        if reply.order_id is not None:
            details["orderId"] = reply.order_id
        return cls(reply.code, reply.message, details)
