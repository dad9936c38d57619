"""Watches whether gateways are alive; cancels the orders tied to a dead gateway's connections.

A gateway increments a number in Redis every BEAT_S (sender.py). If its number has not changed for
SILENT_S, by the core's own clock, the gateway counts as disconnected. This takes at most SILENT_S +
LOOK_S + BEAT_S after its death. While Redis is unavailable, silence does not count.

Only gateways with an order tied to a connection are watched.
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
    """A gateway's last number, and the time of its last change."""

    beat: int
    at: float


class GatewayLiveness:
    """The leading core's watch over gateways."""

    def __init__(self, connection: BusConnection, core: Core, clock: Callable[[], float]) -> None:
        """Prepare it, after the core has started; ``clock`` counts seconds."""
        self._connection = connection
        self._core = core
        self._clock = clock
        self._gateways: dict[str, _Heard] = {}
        for tied in core.connections:
            self.tied(tied.rpartition("-")[0])

    def tied(self, gateway: str) -> None:
        """Watch a gateway from now on, because one of its orders is tied to a connection."""
        if gateway not in self._gateways:
            self._gateways[gateway] = _Heard(0, self._clock())

    async def run(self) -> None:
        """Check every LOOK_S, for ever."""
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
        """Check all watched gateways; cancel the orders tied to dead ones."""
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
        """Return a gateway's number, 0 if there is no signed one."""
        if beat is None:
            return 0
        count = self._connection.mac.open(self._connection.keys.beat(gateway), beat, "sign of life")
        return 0 if count is None else int(count)

    async def _disconnect(self, gateway: str) -> None:
        # A later command that is tied to a connection makes the core watch it again.
        del self._gateways[gateway]
        try:
            await self._core.submit(Disconnect(gateway))
        except BusError:
            self.tied(gateway)
