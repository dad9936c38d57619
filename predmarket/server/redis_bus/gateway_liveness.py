"""Which gateways are alive: the orders tied to the connections of one that is not are cancelled.

A gateway shows a number that it counts up every BEAT_S (sender.py). One whose number has stood
still for SILENT_S, by the core's own clock, counts as disconnected: so within SILENT_S + LOOK_S +
BEAT_S after its death. While Redis is away nobody can be heard, and silence does not count.

Only gateways that have tied an order to a connection are looked at.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from predmarket.engine.commands import Disconnect
from predmarket.server.core.bus import BusError
from predmarket.server.core.core import Core
from predmarket.server.redis.client import FAILURES
from predmarket.server.redis_bus.connection import BusConnection

BEAT_S = 0.5
BEAT_KEPT_MS = 10_000
LOOK_S = 0.5
SILENT_S = 5.0


@dataclass(slots=True)
class _Heard:
    """A gateway's number as last seen, and when it was seen to change."""

    beat: int
    at: float


class GatewayLiveness:
    """The leading core's eye on gateways."""

    def __init__(self, connection: BusConnection, core: Core, clock: Callable[[], float]) -> None:
        """Prepare it, after the core has started; ``clock`` counts seconds."""
        self._connection = connection
        self._core = core
        self._clock = clock
        self._gateways: dict[str, _Heard] = {}
        for tied in core.connections:
            self.tied(tied.rpartition("-")[0])

    def tied(self, gateway: str) -> None:
        """Look at a gateway from now on: an order of its is tied to a connection."""
        if gateway not in self._gateways:
            self._gateways[gateway] = _Heard(0, self._clock())

    async def run(self) -> None:
        """Look every LOOK_S, for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            if not self._gateways:
                continue
            try:
                await self.look()
            except FAILURES:
                now = self._clock()
                for heard in self._gateways.values():
                    heard.at = now

    async def look(self) -> None:
        """See who is alive; cancel what is tied to those who are not."""
        names = [*self._gateways]
        beats = await self._connection.client.mget(
            [self._connection.keys.beat(name) for name in names]
        )
        now = self._clock()
        for name, beat in zip(names, beats, strict=True):
            heard, count = self._gateways[name], self._count(name, beat)
            if count > heard.beat:
                heard.beat, heard.at = count, now
            elif now - heard.at > SILENT_S:
                await self._disconnect(name)

    def _count(self, gateway: str, beat: bytes | None) -> int:
        """Return the number that a gateway shows, 0 without one that is signed."""
        if beat is None:
            return 0
        count = self._connection.mac.open(self._connection.keys.beat(gateway), beat, "sign of life")
        return 0 if count is None else int(count)

    async def _disconnect(self, gateway: str) -> None:
        # Whatever of its commands is tied to a connection comes later and has it looked at again.
        del self._gateways[gateway]
        try:
            await self._core.submit(Disconnect(gateway))
        except BusError:
            self.tied(gateway)
