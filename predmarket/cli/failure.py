"""What a command can fail with: one code, one message, one exit code.

OWN_EXIT_CODES has the errors that the command line finds by itself; the exchange's are in
contracts/errors.py.
"""

from dataclasses import dataclass, field
from math import ceil

from predmarket.client import ApiError, ClientError, ConfigurationError, Unreachable
from predmarket.exit_codes import ExitCode

OWN_EXIT_CODES = {
    "AUDIT_FAILED": ExitCode.REFUSED,
    "CONFIGURATION": ExitCode.USAGE,
    "CONFIRMATION_NEEDED": ExitCode.USAGE,
    "INTERNAL": ExitCode.USAGE,
    "INTERRUPTED": ExitCode.INTERRUPTED,
    "NOT_FILLED": ExitCode.REFUSED,
    "NOT_FOUND": ExitCode.NOT_FOUND,
    "OUTPUT_LOST": ExitCode.UNAVAILABLE,
    "REFUSED": ExitCode.REFUSED,
    "STILL_WORKING": ExitCode.UNAVAILABLE,
    "UNAVAILABLE": ExitCode.UNAVAILABLE,
    "UNHEALTHY": ExitCode.REFUSED,
    "UNREACHABLE": ExitCode.UNAVAILABLE,
    "UNREADABLE": ExitCode.UNAVAILABLE,
    "USAGE": ExitCode.USAGE,
}


@dataclass
class Failure(Exception):
    """Ends a command. hint, for people only, says what to do next."""

    code: str
    message: str
    exit_code: ExitCode
    details: object = field(default_factory=dict)
    request_id: str | None = None
    hint: str | None = None

    def advise(self, hint: str) -> None:
        """Add a line that says what to do next."""
        self.hint = f"{self.hint}\n{hint}" if self.hint else hint


def own(code: str, message: str, hint: str | None = None) -> Failure:
    """Return a failure that the command line found by itself."""
    return Failure(code, message, OWN_EXIT_CODES[code], hint=hint)


def usage(message: str, hint: str | None = None) -> Failure:
    """Return the failure of a command line that cannot be carried out as it stands."""
    return own("USAGE", message, hint)


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
        return own("UNREACHABLE", str(error))
    code = "CONFIGURATION" if isinstance(error, ConfigurationError) else "USAGE"
    return own(code, str(error))
