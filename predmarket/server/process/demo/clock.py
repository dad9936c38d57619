"""A clock that can live through past days before it shows the time.

The engine takes time as data. So trades under a clock that runs through the past are ordinary
trades: they are journaled, settled and replayed with their times.

The clock shows the beginning of time until it is set. An exchange's time never goes backwards, so
until then no time passes for it; an exchange that was stopped in its past continues there.
"""

from predmarket.server.clock import Clock
from predmarket.units import Micros

_TICK = 5_000
"""In the past the clock advances by this many microseconds at each look: no two are equal."""


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
        """Return the present time, even while the clock shows the past."""
        return super().now()

    def turn_back(self, to: Micros) -> None:
        """Show a past time, not before the core's own."""
        self._past = to

    def move_on(self, to: Micros) -> None:
        """Let time pass, while in the past."""
        if self._past is not None:
            self._past = max(self._past, to)

    def return_to_present(self) -> None:
        """Show the present time from now on."""
        self._past = None
