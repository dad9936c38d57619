"""Whether every part works, told in bounded time whatever hangs.

Each part is asked once at a time. A question that is still open when the time is up counts as
"down" and is left to end by itself; whoever asks meanwhile waits for that one, adding no other.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from predmarket.contracts.operations import Health, Part

LIMIT_S = 1.5
"""How long the parts have to answer, all of them together."""
_SLICES = 10
"""The time is counted in so many pieces: while this process stands still, only one of them passes,
and a part that has answered meanwhile is heard."""


class Answers(Protocol):
    """A part that can be asked whether it is there."""

    async def answers(self) -> bool:
        """Tell whether it is. May hang."""


class Probe:
    """One part under question."""

    def __init__(self, ask: Callable[[], Awaitable[bool]]) -> None:
        self._ask = ask
        self._asking: asyncio.Task[bool] | None = None

    async def part(self) -> Part:
        """Return how the part is, within LIMIT_S."""
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
        except Exception:  # noqa: BLE001 -- whatever it is, the part did not answer
            return False


class HealthCheck:
    """Asks the database, Redis (where there is one) and the core."""

    def __init__(self, db: Answers, redis: Answers | None, core: Callable[[], bool]) -> None:
        """Prepare it; ``core`` tells whether the core works."""
        self._database = Probe(db.answers)
        self._redis = None if redis is None else Probe(redis.answers)
        self._core = core

    async def ask(self) -> Health:
        """Return how every part is, within LIMIT_S."""
        if self._redis is None:
            database, redis = await self._database.part(), _DISABLED
        else:
            database, redis = await asyncio.gather(self._database.part(), self._redis.part())
        core: Part = "ok" if self._core() else "down"  # last: it is as of now
        down = "down" in (database, redis, core)
        return Health("down" if down else "ok", database, redis, core)


_DISABLED: Part = "disabled"
