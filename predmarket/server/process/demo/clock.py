"""A clock that can live through past days before it shows the time.

The engine takes time as data, so trades made under a clock that runs through the past are trades
like any others: journaled, settled and replayed with their times.

It stands at the beginning of time until it is told what to show. An exchange's own time never goes
backwards, so until then no time passes for it: one that was stopped in its past is still there.
"""

from predmarket.server.clock import Clock
from predmarket.units import Micros

_TICK = 5_000
"""What passes between two looks while in the past, in microseconds: no two commands at one time."""


class DemoClock(Clock):
    """The core's clock."""

    def __init__(self) -> None:
        super().__init__()
        self._past: Micros | None = 0

    @property
    def is_databases(self) -> bool:
        return self._past is None

    def now(self) -> Micros:
        if self._past is None:
            return self.present()
        self._past = min(self._past + _TICK, self.present())
        return self._past

    def present(self) -> Micros:
        """Return the time that it does not show while in the past."""
        return super().now()

    def turn_back(self, to: Micros) -> None:
        """Show a past time, not before the core's own."""
        self._past = to

    def move_on(self, to: Micros) -> None:
        """Let time pass, while in the past."""
        if self._past is not None:
            self._past = max(self._past, to)

    def return_to_present(self) -> None:
        """Show the time from now on."""
        self._past = None
