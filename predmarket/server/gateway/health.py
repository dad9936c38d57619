"""The health check: tells in bounded time whether every part works, even if one hangs.

Each part has at most one open probe. A probe that is still open after the limit counts as "down",
and ends by itself later. Callers in the meantime wait for the same probe.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from predmarket.contracts.operations import Health, Part

LIMIT_S = 1.5
"""All parts together must answer within this time."""
_SLICES = 10
"""The time is counted in so many pieces: while this process stands still, only one of them passes,
and a part that has answered meanwhile is heard."""


class Answers(Protocol):
    """A part that can be probed."""

    async def answers(self) -> bool:
        """Tell whether the part answers. May hang."""


class Probe:
    """The probe of one part."""

    def __init__(self, ask: Callable[[], Awaitable[bool]]) -> None:
        self._ask = ask
        self._asking: asyncio.Task[bool] | None = None

    async def part(self) -> Part:
        """Return the part's health, within LIMIT_S."""
        asking = self._asking
        if asking is None or asking.done():
            asking = self._asking = asyncio.create_task(self._answer())
        for _ in range(_SLICES):
            await asyncio.wait((asking,), timeout=LIMIT_S / _SLICES)
            if asking.done():
                return "ok" if asking.result() else "down"
        return "down"

    async def _answer(self) -> bool:
        try:
            return await self._ask()
        except Exception:  # noqa: BLE001 -- any error means that the part did not answer
            return False


class HealthCheck:
    """Probes the database, Redis (if there is one) and the core."""

    def __init__(self, db: Answers, redis: Answers | None, core: Callable[[], bool]) -> None:
        """Prepare the check; ``core`` tells whether the core works."""
        self._database = Probe(db.answers)
        self._redis = None if redis is None else Probe(redis.answers)
        self._core = core

    async def ask(self) -> Health:
        """Return every part's health, within LIMIT_S."""
        if self._redis is None:
            database, redis = await self._database.part(), _DISABLED
        else:
            database, redis = await asyncio.gather(self._database.part(), self._redis.part())
        core: Part = "ok" if self._core() else "down"  # last, so that it is current
        down = "down" in (database, redis, core)
        return Health("down" if down else "ok", database, redis, core)


_DISABLED: Part = "disabled"
