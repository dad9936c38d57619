"""A clock that shows the test's own time."""

from collections.abc import Callable

from predmarket.server.clock import Clock
from predmarket.units import Micros


class Shown(Clock):
    """Shows the time that ``show`` returns; it is not compared with the database's time."""

    def __init__(self, show: Callable[[], Micros]) -> None:
        super().__init__()
        self._show = show

    @property
    def is_databases(self) -> bool:
        return False

    def now(self) -> Micros:
        return self._show()
