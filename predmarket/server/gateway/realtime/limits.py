"""The bounds of a socket, in one place so that a test can shorten them."""

from dataclasses import dataclass

from predmarket.contracts.realtime import MAX_TOPICS

UNAUTHENTICATED = 4401
SILENT = 4408
TOO_MANY = 4429
TRY_AGAIN = 1013
"""The client is to come back and resume; the reason says why it was given up."""
RESTARTING = 1012


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """A socket's bounds: seconds and counts.

    ``idle_s`` is how long an anonymous socket without subscriptions is kept.

    A token is spent on every message, every error, each 4 KiB of a message, and every two topics of
    a subscription. An order that reaches the core costs none, because orders have their own limits,
    as over HTTP. ``burst`` is the number of tokens at once; ``rate`` come back in a second.
    """

    ping_s: float = 15.0
    silence_s: float = 60.0
    idle_s: float = 60.0
    recheck_s: float = 5.0
    look_s: float = 1.0
    rate: float = 200.0
    burst: float = 2_000.0
    topics: int = MAX_TOPICS


TOPICS_A_TOKEN = 2
"""Topics of a request that cost one token."""


class Bucket:
    """The tokens of one socket."""

    __slots__ = ("_at", "_bounds", "_left")

    def __init__(self, bounds: SocketLimits, now: float) -> None:
        self._bounds = bounds
        self._left = bounds.burst
        self._at = now

    def take(self, now: float, cost: int = 1) -> bool:
        """Take tokens; False if too few are left."""
        bounds = self._bounds
        left = min(bounds.burst, self._left + (now - self._at) * bounds.rate) - cost
        self._at = now
        self._left = max(left, 0.0)
        return left >= 0
