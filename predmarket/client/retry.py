"""When to send a call again, and how long to wait before.

Only a repeatable call (calls.py) is ever sent twice, and only after silence or a 503.
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """attempts counts the first; pauses grow threefold from first_s, up to longest_s."""

    attempts: int = 4
    first_s: float = 0.1
    longest_s: float = 5.0

    def pause_s(self, attempt: int, asked_s: float | None = None) -> float | None:
        """Return the pause after failed attempt number ``attempt`` (from 1), None to give up.

        asked_s is the exchange's Retry-After; it is believed up to longest_s. The spread keeps
        clients that failed together from coming back together.
        """
        if attempt >= self.attempts:
            return None
        grown = self.first_s * 3.0 ** (attempt - 1) * random.uniform(0.8, 1.2)
        return min(self.longest_s, max(grown, asked_s or 0.0))
