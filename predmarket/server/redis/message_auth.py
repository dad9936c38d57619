"""Message authentication of the parcels that processes send over Redis.

A parcel needs the MAC of this exchange's secret for its stream, epoch, gateway or channel. Other
parcels are dropped, counted and logged. So an intruder who can write to Redis, but does not know
PREDMARKET_JWT_SECRET, cannot give a command or tell a gateway anything. The intruder can delete or
repeat parcels; receivers drop repeats by their numbers.
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
    """Signs and opens parcels. ``dropped`` is called with the kind of each dropped parcel."""

    def __init__(self, secret: str, exchange: str, dropped: Callable[[str], None]) -> None:
        self._key = hmac.digest(secret.encode(), _LABEL + exchange.encode(), "sha256")
        self._dropped = dropped
        self._count = 0
        self._say_at: Micros = 0

    def sign(self, place: str, data: bytes) -> bytes:
        """Return a parcel with its MAC; ``place`` names the only place where it is valid."""
        return self._mac(place, data) + data

    def open(self, place: str, parcel: bytes | None, kind: str) -> bytes | None:
        """Return a parcel's data; None: it is not signed for this place, and was dropped."""
        if parcel is not None and len(parcel) >= _BYTES:
            data = parcel[_BYTES:]
            if hmac.compare_digest(parcel[:_BYTES], self._mac(place, data)):
                return data
        self.drop(kind, "it carries no MAC of this exchange: is PREDMARKET_JWT_SECRET the same?")
        return None

    def drop(self, kind: str, why: str) -> None:
        """Count a dropped parcel; log it at most once a minute."""
        self._dropped(kind)
        self._count += 1
        now = elapsed()
        if now >= self._say_at:
            self._say_at = now + _SAY_EVERY
            log.error("parcel_dropped", extra={"kind": kind, "why": why, "dropped": self._count})

    def _mac(self, place: str, data: bytes) -> bytes:
        head = place.encode()
        return hmac.digest(self._key, b"%d:%b" % (len(head), head) + data, "sha256")[:_BYTES]
