"""Whether the shown data is current: the connection, and each topic's sequence.

A topic is in order if every message continues from the one before. Otherwise it is in ``broken``
until a snapshot repairs it. While any topic of the open market is broken, or the connection is
down, the trader cannot enter orders.
"""

from enum import Enum

from predmarket.units import Micros

SILENT: Micros = 5_000_000
"""After this time without a sign of life a connection counts as stale; the feed asks every 2 s."""


class Light(Enum):
    """The states of the status light."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    LOST = "lost"


class ConnectionStatus:
    """The state of the connection."""

    def __init__(self) -> None:
        self.connected = False
        self.ever = False
        self.heard_at: Micros = 0
        self.reason = ""
        self.broken: set[str] = set()
        self._seq: dict[str, int] = {}

    def light(self, now: Micros) -> Light:
        """Return what to show at ``now``."""
        if not self.connected:
            return Light.LOST if self.ever else Light.CONNECTING
        if self.broken or now - self.heard_at > SILENT:
            return Light.STALE
        return Light.LIVE

    def heard(self, now: Micros) -> None:
        """Record that something arrived."""
        self.heard_at = now

    def up(self, now: Micros) -> None:
        """Record that the connection is up; each topic is current from its snapshot on."""
        self.connected = self.ever = True
        self.reason = ""
        self.heard(now)

    def down(self, reason: str) -> None:
        """Record that the connection is lost."""
        self.connected = False
        self.reason = reason

    def awaiting(self, topic: str) -> None:
        """Record that ``topic`` was requested and has not arrived yet."""
        self.broken.add(topic)
        self._seq.pop(topic, None)

    def gap(self, topic: str) -> None:
        """Record that a message of ``topic`` is missing."""
        self.broken.add(topic)

    def forget(self, topic: str) -> None:
        """Record that ``topic`` is no longer followed."""
        self.broken.discard(topic)
        self._seq.pop(topic, None)

    def snapshot(self, topic: str, seq: int) -> None:
        """Record that ``topic`` is complete again."""
        self._seq[topic] = seq
        self.broken.discard(topic)

    def has(self, topic: str) -> bool:
        """Tell whether ``topic`` has arrived and is complete."""
        return topic in self._seq and topic not in self.broken

    def follows(self, topic: str, last_seq: int | None, seq: int) -> bool:
        """Tell whether a message may be applied, and count it; a gap breaks the topic.

        A repeated message, or one before the topic's snapshot, is skipped.
        """
        held = self._seq.get(topic)
        if held is None or seq <= held:
            return False
        if last_seq != held:
            self.broken.add(topic)
            return False
        # missing messages may also arrive one by one
        self.broken.discard(topic)
        self._seq[topic] = seq
        return True
