"""Whether what is shown may be believed: the connection, and each topic's place in its sequence.

A topic is in order when every message began where the one before it ended. One that is not is
named in ``broken`` until a snapshot mends it, and while any of the open market's topics is broken,
or the connection is down, nothing may be traded on what is shown.
"""

from enum import Enum

from predmarket.units import Micros

SILENT: Micros = 5_000_000
"""After this time without a sign of life a connection counts as stale; the feed asks every 2 s."""


class Light(Enum):
    """What the lamp shows."""

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
        """Note that something came."""
        self.heard_at = now

    def up(self, now: Micros) -> None:
        """Note that the connection stands; each topic is believed from its snapshot on."""
        self.connected = self.ever = True
        self.reason = ""
        self.heard(now)

    def down(self, reason: str) -> None:
        """Note that the connection is lost."""
        self.connected = False
        self.reason = reason

    def awaiting(self, topic: str) -> None:
        """Note that ``topic`` was asked for and has not come yet."""
        self.broken.add(topic)
        self._seq.pop(topic, None)

    def gap(self, topic: str) -> None:
        """Note that something of ``topic`` was missed."""
        self.broken.add(topic)

    def forget(self, topic: str) -> None:
        """Note that ``topic`` is no longer followed."""
        self.broken.discard(topic)
        self._seq.pop(topic, None)

    def snapshot(self, topic: str, seq: int) -> None:
        """Note that ``topic`` is whole again."""
        self._seq[topic] = seq
        self.broken.discard(topic)

    def follows(self, topic: str, last_seq: int | None, seq: int) -> bool:
        """Tell whether a message may be applied, and count it; a gap breaks the topic.

        One that the topic already holds, or one before the topic's snapshot, is passed over.
        """
        held = self._seq.get(topic)
        if held is None or seq <= held:
            return False
        if last_seq != held:
            self.broken.add(topic)
            return False
        # what was missing may also come message by message
        self.broken.discard(topic)
        self._seq[topic] = seq
        return True
