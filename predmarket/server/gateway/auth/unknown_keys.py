"""Bounds what API keys cost that do not exist: anybody can invent them, and a look-up takes a
connection of the database.

A key that is not found counts as a failed check of its address (failed_checks.py). After too many
the look-ups of that address wait for turns. A key that was not found is not looked up again for
some seconds, and then costs its address nothing: so a bot whose key was revoked does not slow the
others behind its address. No key begins to exist under a name that was asked for before, as we make
the names; only a user who is enabled again brings keys back, and that is news (``forget``).
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

from predmarket.server.gateway.auth import failed_checks
from predmarket.server.gateway.auth.failed_checks import FailedChecks
from predmarket.server.gateway.limits.client_address import Client

REMEMBERED = 4_096
"""Keys that were not found, the last ones."""
REMEMBERED_SECONDS = 5

T = TypeVar("T")


class UnknownKeys:
    """Looks up keys, and counts and remembers those that do not exist."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[Hashable, float] = {}
        self.failures = FailedChecks()

    async def find(
        self,
        look_up: Callable[[], Awaitable[T | None]],
        key: Hashable,
        client: Client | None,
        *,
        has_turn: bool = False,
    ) -> T | None:
        """Return what ``look_up`` finds of a key; wait for a turn before if its client must.

        ``has_turn`` says that the caller has waited for it. Raises Refusal RATE_LIMITED.
        """
        if self._until.get(key, 0.0) > self._clock():
            return None
        if has_turn or not self.failures.must_wait(client):
            return await self._look_up(look_up, key, client)
        async with self.failures.turn(client, str(key)):
            found = await self._look_up(look_up, key, client)
            if found is None:
                await asyncio.sleep(failed_checks.FAILED_TURN_S)
        return found

    def forget(self) -> None:
        """Look every key up again."""
        self._until.clear()

    async def _look_up(
        self, look_up: Callable[[], Awaitable[T | None]], key: Hashable, client: Client | None
    ) -> T | None:
        found = await look_up()
        if found is None:
            self.failures.failed(client)
            self._until.pop(key, None)
            if len(self._until) >= REMEMBERED:
                del self._until[next(iter(self._until))]
            self._until[key] = self._clock() + REMEMBERED_SECONDS
        return found
