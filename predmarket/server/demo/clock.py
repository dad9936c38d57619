"""A clock that can live through past days before it shows the time.

The engine takes time as data, so trades made under a clock that runs through the past are trades
like any others: journaled, settled and replayed with their times.
"""

from predmarket.server.settlement.core import wall_clock
from predmarket.units import Micros

_TICK = 5_000
"""What passes between two looks while in the past, in microseconds: no two commands at one time."""


class DemoClock:
    """The core's clock. It shows the present unless it was turned back."""

    def __init__(self) -> None:
        self._past: Micros | None = None

    def __call__(self) -> Micros:
        """Return the time in microseconds."""
        if self._past is None:
            return wall_clock()
        self._past = min(self._past + _TICK, wall_clock())
        return self._past

    def turn_back(self, to: Micros) -> None:
        """Go back to a past time. Only for a core that has done nothing yet: an exchange's own
        times never go backwards, whatever its clock shows.
        """
        self._past = to

    def move_on(self, to: Micros) -> None:
        """Let time pass, while in the past. Nobody may be waiting for a reply meanwhile: to the
        core that wait would have lasted as long.
        """
        if self._past is not None:
            self._past = max(self._past, to)

    def return_to_present(self) -> None:
        """Show the time from now on."""
        self._past = None
