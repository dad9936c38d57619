"""What a command can fail with: one code, one message, one exit code.

Exit codes (TERMINAL.md): 1 refused by the exchange, 2 usage or configuration, 3 cannot reach it or
try again later, 4 not logged in or not allowed, 5 not found, 130 interrupted. Which error of the
exchange has which is told by the contracts' table.
"""

from dataclasses import dataclass, field
from math import ceil

from predmarket.client import ApiError, ClientError, ConfigurationError, Unreachable

REFUSED = 1
USAGE = 2
UNAVAILABLE = 3
NOT_ALLOWED = 4
NOT_FOUND = 5
INTERRUPTED = 130


@dataclass
class Failure(Exception):
    """Ends a command. hint, for people only, says what to do next."""

    code: str
    message: str
    exit_code: int
    details: object = field(default_factory=dict)
    request_id: str | None = None
    hint: str | None = None

    def advise(self, hint: str) -> None:
        """Add a line that says what to do next."""
        self.hint = f"{self.hint}\n{hint}" if self.hint else hint


def usage(message: str, hint: str | None = None) -> Failure:
    """Return the failure of a command line that cannot be carried out as it stands."""
    return Failure("USAGE", message, USAGE, hint=hint)


def of_client(error: ClientError) -> Failure:
    """Return what the client library raised as a failure of the command. (Line.failure knows more:
    what to do about it depends on where the line connects and as whom.)
    """
    if isinstance(error, ApiError):
        from predmarket.contracts.errors import exit_code  # slow to load, and good news need it not

        hint = None
        if error.retry_after_s is not None:
            hint = f"try again in {ceil(error.retry_after_s)} s"
        return Failure(
            error.code,
            error.message,
            exit_code(error.status),
            error.details,
            error.request_id,
            hint,
        )
    if isinstance(error, Unreachable):
        return Failure("UNREACHABLE", str(error), UNAVAILABLE)
    code = "CONFIGURATION" if isinstance(error, ConfigurationError) else "USAGE"
    return Failure(code, str(error), USAGE)
