"""What a call can end in besides an answer: one exception for a refusal, one for silence.

Every exception here reads as one line that may be shown to a person; none carries a token.
"""


class ClientError(Exception):
    """Anything the client library raises on purpose."""


class ConfigurationError(ClientError):
    """A setting, profile or session file that cannot be used; the message names it."""


class Unreachable(ClientError):
    """No answer came, or none that an exchange would give. Whether the call took effect is
    unknown unless it only reads."""


class ApiError(ClientError):
    """The exchange answered with an error.

    status is the HTTP status, code the exchange's own name for the refusal (API.md), details what
    came with it (for VALIDATION_FAILED a list of {path, message}). retry_after_s is what the
    exchange asked to wait, when it did.
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
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = {} if details is None else details
        self.request_id = request_id
        self.retry_after_s = retry_after_s
