"""The answer to one request too many."""

import math

from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal


def too_many(wait_s: float, message: str | None = None) -> Refusal:
    """Return 429 RATE_LIMITED, with whole seconds after which it is worth trying again."""
    seconds = max(1, math.ceil(wait_s))
    return Refusal(ErrorCode.RATE_LIMITED, message, headers={"retry-after": str(seconds)})
