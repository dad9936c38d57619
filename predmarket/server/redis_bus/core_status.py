"""The core's status as a gateway knows it from announcements.

The gateway's clock may differ from the core's. An announcement carries the core's time of sending,
so it is late by its travel time. The fastest of the last announcements counts.
"""

from predmarket.server.clock import elapsed
from predmarket.server.core.advance import WALL, NotMovable
from predmarket.server.core.status import CoreStatus
from predmarket.server.redis_bus.messages import Announcement
from predmarket.units import Micros

SILENT: Micros = 1_500_000
"""From when on a core that has announced nothing counts as down."""
GONE: Micros = 5_000_000
"""From when on nothing more is sent to it: as long as a command may wait for a reply."""
_FASTEST_FOR: Micros = 10_000_000
"""For how long the fastest announcement counts: clocks run apart, if slowly."""

_NOBODY = Announcement(0, 0, 0, 0, "", healthy=False, durable=False, durability={}, waiting=0)


class KnownCoreStatus:
    """The leading core's last announcement."""

    def __init__(self) -> None:
        self._last = _NOBODY
        self.heard_at = -GONE
        """The elapsed time at the last announcement."""
        self._offset, self._offset_at = 0, -_FASTEST_FOR

    def hear(self, announcement: Announcement) -> bool:
        """Take an announcement; False: it is a deposed core's, or a repeat."""
        last = self._last
        if (announcement.epoch, announcement.number) <= (last.epoch, last.number):
            return False
        at, new = elapsed(), announcement.epoch > self._last.epoch
        self._last, self.heard_at = announcement, at
        offset = announcement.now - at
        if new or offset >= self._offset or at - self._offset_at >= _FASTEST_FOR:
            self._offset, self._offset_at = offset, at
        return True

    @property
    def clock(self) -> str:
        """Return the name of the exchange's clock."""
        return "wall"

    async def advance(self, moment: Micros) -> Micros:
        """Raise NotMovable: a laboratory's exchange is one process."""
        raise NotMovable(WALL)

    def now(self) -> Micros:
        """Return an estimate of the core's time, rather behind it than ahead."""
        return elapsed() + self._offset

    @property
    def stream(self) -> int:
        """Return the epoch of the stream for commands, 0 while no core reads one."""
        return self._last.stream if elapsed() - self.heard_at < GONE else 0

    def status(self) -> CoreStatus:
        """Return the core's last known status."""
        last = self._last
        near = elapsed() - self.heard_at < SILENT
        return CoreStatus(
            leader=last.leader,
            epoch=last.epoch,
            batch=last.batch,
            sequence=last.sequence,
            healthy=last.healthy and near and last.stream > 0,
            durable=last.durable,
            durability=last.durability,
            waiting=last.waiting,
            ahead=last.ahead,
        )
