"""What a gateway has heard of the core, by its announcements."""

import time

from predmarket.server.settlement.core import CoreStatus
from predmarket.server.stream.messages import Announcement

SILENT_S = 1.5
"""From when on a core that has announced nothing counts as down."""
GONE_S = 5.0
"""From when on nothing more is sent to it: as long as a command may wait for a reply."""

_NOBODY = Announcement(0, 0, 0, 0, "", healthy=False, durable=False, durability={}, waiting=0)


class Heard:
    """The last announcement of the core that leads."""

    def __init__(self) -> None:
        self._last = _NOBODY
        self._at = 0.0

    def hear(self, announcement: Announcement) -> bool:
        """Take note of an announcement; False: it is a deposed core's."""
        if announcement.epoch < self._last.epoch:
            return False
        self._last, self._at = announcement, time.monotonic()
        return True

    @property
    def stream(self) -> int:
        """Return the epoch of the stream that commands go into, 0 while nobody reads any."""
        return self._last.stream if time.monotonic() - self._at < GONE_S else 0

    def status(self) -> CoreStatus:
        """Return how the core is, as far as is known here."""
        last = self._last
        near = time.monotonic() - self._at < SILENT_S
        return CoreStatus(
            leader=last.leader,
            epoch=last.epoch,
            batch=last.batch,
            sequence=last.sequence,
            healthy=last.healthy and near and last.stream > 0,
            durable=last.durable,
            durability=last.durability,
            waiting=last.waiting,
        )
