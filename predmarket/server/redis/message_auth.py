"""Message authentication of the parcels that processes send each other over Redis.

A parcel is dropped, counted and logged unless it carries the MAC of this exchange's secret for the
stream, epoch, gateway or channel that it is found in. So an intruder who can write to Redis but
does not know PREDMARKET_JWT_SECRET cannot give a command or tell a gateway anything. The intruder
can delete or repeat parcels; receivers drop repeats by their numbers.
"""

import hmac
import logging
from collections.abc import Callable

from predmarket.server.clock import elapsed
from predmarket.units import Micros

log = logging.getLogger(__name__)

_LABEL = b"predmarket parcels 1|"
_BYTES = 16
_SAY_EVERY: Micros = 60_000_000


class Mac:
    """Signs and opens parcels. ``dropped`` is told the kind of each one that is dropped."""

    def __init__(self, secret: str, exchange: str, dropped: Callable[[str], None]) -> None:
        self._key = hmac.digest(secret.encode(), _LABEL + exchange.encode(), "sha256")
        self._dropped = dropped
        self._count = 0
        self._say_at: Micros = 0

    def sign(self, place: str, data: bytes) -> bytes:
        """Return a parcel with its MAC; ``place`` names the one place where it is good."""
        return self._mac(place, data) + data

    def open(self, place: str, parcel: bytes | None, kind: str) -> bytes | None:
        """Return a parcel's data; None: it is not signed for this place, and is dropped."""
        if parcel is not None and len(parcel) >= _BYTES:
            data = parcel[_BYTES:]
            if hmac.compare_digest(parcel[:_BYTES], self._mac(place, data)):
                return data
        self.drop(kind, "it carries no MAC of this exchange: is PREDMARKET_JWT_SECRET the same?")
        return None

    def drop(self, kind: str, why: str) -> None:
        """Count a parcel that is dropped, and log so once a minute at the most."""
        self._dropped(kind)
        self._count += 1
        now = elapsed()
        if now >= self._say_at:
            self._say_at = now + _SAY_EVERY
            log.error("parcel_dropped", extra={"kind": kind, "why": why, "dropped": self._count})

    def _mac(self, place: str, data: bytes) -> bytes:
        head = place.encode()
        return hmac.digest(self._key, b"%d:%b" % (len(head), head) + data, "sha256")[:_BYTES]
