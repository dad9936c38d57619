"""When recorded orders are played: at the pace of real time, and along with a stepped clock."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from predmarket.client import Client
from predmarket.client.calls import Call
from predmarket.client.calls.call import moment as wire_time
from predmarket.client.response_types import JsonObject
from predmarket.units import Micros

STEPPED = "stepped"


def pace_of(clock: str) -> float | None:
    """Return the pace of an exchange's clock, as /v1/status names it; None: it stands still."""
    kind, _, factor = clock.partition("=")
    if kind == STEPPED:
        return None
    return float(factor) if factor else 1.0


class Pace:
    """Waits until it is a recorded time's turn. ``speed`` None does not wait.

    With ``stepped``, the client of an admin, it moves the exchange's clock as far as the recording
    has gone.
    """

    def __init__(
        self,
        speed: float | None,
        stepped: Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._speed = speed
        self._stepped = stepped
        self._sleep = sleep
        self._clock = clock
        self._first: Micros | None = None
        self._began_s = 0.0
        self._there: datetime | None = None

    def at(self, moment: Micros) -> None:
        """Return when it is the turn of what was recorded at ``moment``. Raises ApiError."""
        if self._first is None:
            self._first, self._began_s = moment, self._clock()
            if self._stepped is not None:
                self._there = datetime.fromisoformat(str(self._stepped.status()["time"]))
        passed = moment - self._first
        if self._speed is not None:
            left_s = self._began_s + passed / 1e6 / self._speed - self._clock()
            if left_s > 0:
                self._sleep(left_s)
        if self._stepped is not None and self._there is not None:
            there = wire_time(self._there + timedelta(microseconds=passed))
            move: Call[JsonObject] = Call("POST", "/v1/clock", body={"set": there}, repeatable=True)
            self._stepped.send(move)
