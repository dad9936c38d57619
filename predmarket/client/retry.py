"""Retries: when to send a call or connect again, and after which pause.

Only a repeatable call (calls/) is sent again, and only after a missing answer or a 503. A read is
also sent again after a 429, if its Retry-After is not above the longest pause. A feed reconnects
for ever.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """attempts counts the first; pauses grow threefold from first_s, up to longest_s. total_s is
    how long a call may take with all its attempts, None for as long as they do.
    """

    attempts: int = 4
    first_s: float = 0.1
    longest_s: float = 5.0
    total_s: float | None = None

    def pause_s(self, attempt: int, asked_s: float | None = None) -> float | None:
        """Return the pause after failed attempt number ``attempt`` (from 1), None to give up.

        asked_s is the exchange's Retry-After, used up to longest_s. The random spread keeps clients
        that failed together from coming back together.
        """
        if attempt >= self.attempts:
            return None
        grown = self.first_s * 3.0 ** (attempt - 1) * random.uniform(0.8, 1.2)
        return min(self.longest_s, max(grown, asked_s or 0.0))


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between connections: twofold from first_s up to longest_s, each shortened at random by
    up to half. A connection that lasted settled_s starts the pauses over. spread returns a number
    from 0 to 1.
    """

    first_s: float = 0.2
    longest_s: float = 15.0
    settled_s: float = 5.0
    spread: Callable[[], float] = random.random

    def pause_s(self, failures: int, asked_s: float | None = None) -> float:
        """Return the pause after ``failures`` (from 1) in a row; asked_s is the exchange's
        Retry-After, believed up to longest_s.
        """
        grown = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 30))
        spread = grown * (1.0 - 0.5 * self.spread())
        return min(self.longest_s, max(spread, asked_s or 0.0))
