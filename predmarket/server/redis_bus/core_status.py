"""The core's status as a gateway knows it from announcements.

The gateway's clock may differ from the core's. An announcement carries the core's time of sending,
so it is late by its travel time. The fastest of the last announcements counts.
"""

from predmarket.server.clock import elapsed
from predmarket.server.core.advance import WALL, NotMovable
from predmarket.server.core.durability import Durability
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
        self.last = _NOBODY
        """Its last announcement."""
        self._behind = ""
        self.heard_at = -GONE
        """The elapsed time at the last announcement."""
        self._offset, self._offset_at = 0, -_FASTEST_FOR

    def hear(self, announcement: Announcement) -> bool:
        """Take an announcement; False: it is a deposed core's, or a repeat.

        Two cores have one epoch if the database has lost a takeover: the silent one is gone.
        """
        last, at = self.last, elapsed()
        new = announcement.epoch > last.epoch or (
            announcement.epoch == last.epoch
            and announcement.leader != last.leader
            and at - self.heard_at >= SILENT
        )
        if not new and (announcement.epoch, announcement.number) <= (last.epoch, last.number):
            return False
        self.last, self.heard_at = announcement, at
        offset = announcement.now - at
        if new or offset >= self._offset or at - self._offset_at >= _FASTEST_FOR:
            self._offset, self._offset_at = offset, at
        return True

    def distrust(self, behind: str) -> None:
        """Take the core for down from now on: its journal lacks what this gateway was told of."""
        self._behind = behind

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
        near = elapsed() - self.heard_at < GONE and not self._behind
        return self.last.stream if near else 0

    def status(self) -> CoreStatus:
        """Return the core's last known status."""
        last = self.last
        near = elapsed() - self.heard_at < SILENT and not self._behind
        durability = Durability(last.durable, last.durability).lacking(self._behind)
        return CoreStatus(
            leader=last.leader,
            epoch=last.epoch,
            batch=last.batch,
            sequence=last.sequence,
            healthy=last.healthy and near and last.stream > 0,
            durable=durability.durable,
            durability=durability.settings,
            waiting=last.waiting,
            ahead=last.ahead,
        )
