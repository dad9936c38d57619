"""The exchange's time: the database's at the last takeover plus the time elapsed since then.

A machine's clock may be wrong, and somebody may set it at any moment. So it is read only once, when
the process starts, because an embedded database has no other time. From then on the exchange adds
elapsed time, which nobody can set.

Invariants: ``elapsed`` never goes back and never jumps; every limit within a process uses it.
``now`` is for times that are stored or sent: stamps, deadlines, times that a user asks for.

A clock that shows another time (a demo's past, ``LaboratoryClock``) overrides ``now`` and
``seconds_until`` and sets ``is_databases`` to False. See docs/adr/0016-time-is-the-databases.md.
"""

import math
import time

from predmarket.units import MAX_TIME, Micros

AHEAD: Micros = 1_000_000
"""By how much the journal's last stamp may lie ahead of the database's time."""

MAX_RATE = 1_000_000
"""How many times as fast as real time a laboratory's clock may run."""

_TOKENS = ",tokens"

# Linux stops its monotonic clock while the machine is suspended; this one goes on.
_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def wall_clock() -> Micros:
    """Return the machine's own time in microseconds."""
    return time.time_ns() // 1_000


def elapsed() -> Micros:
    """Return microseconds since an arbitrary moment; they never go back."""
    return time.clock_gettime_ns(_ELAPSED) // 1_000


class Clock:
    """The time of one core. Times are microseconds since 1970."""

    def __init__(self) -> None:
        self._offset = machine_time() - elapsed()

    @property
    def is_databases(self) -> bool:
        """Tell whether it shows the database's time; then a journal ahead of it is a fault."""
        return True

    @property
    def kind(self) -> str:
        """Return the clock's name in the setting CLOCK and in GET /v1/status."""
        return "wall"

    @property
    def tokens_follow(self) -> bool:
        """Tell whether access tokens and sessions end by this clock, and not by real time."""
        return False

    def set(self, now: Micros, last: Micros) -> None:
        """Set the database's time, at each takeover; ``last`` is the journal's last stamp."""
        del last
        self._offset = now - elapsed()

    def now(self) -> Micros:
        """Return the exchange's time."""
        return elapsed() + self._offset

    def elapsed(self) -> Micros:
        """Return elapsed time, for limits."""
        return elapsed()

    def seconds_until(self, moment: Micros) -> float:
        """Return the seconds until the exchange's time is ``moment``, 0 if it has passed."""
        return max(0, moment - self.now()) / 1_000_000

    def ahead(self, stamp: Micros) -> Micros:
        """Return how far a journal's stamp is ahead of now, 0 if it is within ``AHEAD``."""
        if not self.is_databases:
            return 0
        gap = stamp - self.now()
        return gap if gap > AHEAD else 0


class LaboratoryClock(Clock):
    """A clock that an experiment moves: it only goes forward.

    It runs ``rate`` times as fast as real time; at rate 0 it stands still until it is moved. A new
    exchange begins with the machine's time; one that starts again continues at its journal's last
    stamp. Limits within the process keep to real time; tokens do, too, without ``tokens``.
    """

    def __init__(self, rate: int = 0, *, tokens: bool = False) -> None:
        super().__init__()
        self._rate = rate
        self._tokens = tokens
        self._shown, self._shown_at = machine_time(), elapsed()
        self._begun = False

    @property
    def is_databases(self) -> bool:
        return False

    @property
    def kind(self) -> str:
        name = f"scaled={self._rate}" if self._rate else "stepped"
        return f"{name}{_TOKENS}" if self._tokens else name

    @property
    def tokens_follow(self) -> bool:
        return self._tokens

    def set(self, now: Micros, last: Micros) -> None:
        del now
        if last and not self._begun:
            self._shown, self._shown_at = last, elapsed()
        self._begun = True
        self.move_to(last)

    def now(self) -> Micros:
        return min(self._shown + (elapsed() - self._shown_at) * self._rate, MAX_TIME)

    def move_to(self, moment: Micros) -> None:
        """Show ``moment``, unless it has passed."""
        self._shown, self._shown_at = max(self.now(), moment), elapsed()

    def seconds_until(self, moment: Micros) -> float:
        left = moment - self.now()
        if left <= 0:
            return 0.0
        return left / self._rate / 1_000_000 if self._rate else math.inf


def clock_of(kind: str) -> Clock:
    """Return the clock that a name stands for: wall, stepped or scaled=60.

    Behind the last two may stand ``,tokens``. Raises ValueError.
    """
    if kind == "wall":
        return Clock()
    tokens = kind.endswith(_TOKENS)
    alone = kind.removesuffix(_TOKENS)
    name, _, rate = alone.partition("=")
    if alone == "stepped":
        return LaboratoryClock(tokens=tokens)
    if name == "scaled" and rate.isascii() and rate.isdecimal() and 1 <= int(rate) <= MAX_RATE:
        return LaboratoryClock(int(rate), tokens=tokens)
    raise ValueError(
        f"must be wall, stepped, or scaled=N with N from 1 to {MAX_RATE}, the last two perhaps "
        f"with {_TOKENS} behind"
    )


def machine_time() -> Micros:
    """Return the machine's time at the process's start plus the elapsed time since."""
    return _machine_at_start + elapsed() - _elapsed_at_start


_machine_at_start, _elapsed_at_start = wall_clock(), elapsed()
