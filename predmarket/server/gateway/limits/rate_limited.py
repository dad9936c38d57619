"""The 429 answer to a request beyond a limit."""

import math

from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal


def too_many(wait_s: float, message: str | None = None) -> Refusal:
    """Return 429 RATE_LIMITED, with the whole seconds until the next try makes sense."""
    seconds = max(1, math.ceil(wait_s))
    return Refusal(ErrorCode.RATE_LIMITED, message, headers={"retry-after": str(seconds)})
