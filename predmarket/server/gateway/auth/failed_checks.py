"""Bounds what wrong credentials cost: a check takes processor or a look-up in the database, and
an unknown sender has no account to charge.

An address may fail a number of checks in a minute; wider IPv6 networks twice and four times as many
(limits/client_address.py). While that budget lasts, a check begins at once. Afterwards the checks
of that address wait for turns, of which the gateway gives one at a time, and a failed one holds its
turn for a while. The turns go round over the addresses, and within one over its connections. So
wrong credentials cost a bounded part of the processor, and an honest client behind the same address
is slower, but not locked out.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth.fair_queue import FairQueue, TooManyWaiting
from predmarket.server.gateway.limits.client_address import Client, client_key, client_keys
from predmarket.server.gateway.limits.local_window import LocalWindow
from predmarket.server.gateway.limits.rate_limited import too_many
from predmarket.server.gateway.limits.sign_in import TIER_FACTORS
from predmarket.server.setting_types import RateLimit

FAILURES = RateLimit(100, 60)
"""Failed checks of an address that wait for nothing."""
FAILED_TURN_S = 0.005
"""How long a failed check holds its turn: there are at most 200 in a second."""
WAITING, WAITING_OF_ONE = 1_000, 8
"""Checks of one address that may wait, and those of one of its connections."""


class FailedChecks:
    """Counts the failed checks of each address, and gives turns to those with too many."""

    def __init__(self) -> None:
        self._windows = [
            LocalWindow[str](FAILURES._replace(times=factor * FAILURES.times))
            for factor in TIER_FACTORS
        ]
        self._addresses = FairQueue(1, WAITING, WAITING)
        self._connections: dict[str, FairQueue] = {}

    def must_wait(self, client: Client | None) -> bool:
        """Tell whether a client's check has to wait for its turn."""
        keys = client_keys(None if client is None else client[0])
        return any(window.wait(key) for window, key in zip(self._windows, keys, strict=False))

    def failed(self, client: Client | None) -> None:
        """Count a failed check."""
        keys = client_keys(None if client is None else client[0])
        for window, key in zip(self._windows, keys, strict=False):
            window.take(key)

    @asynccontextmanager
    async def turn(self, client: Client | None, key_name: str) -> AsyncIterator[None]:
        """Wait for the turn of a check. Raises Refusal RATE_LIMITED.

        Behind a proxy the client's connection is not known, so the key takes its place.
        """
        host, port = ("", 0) if client is None else client
        address = client_key(host)
        own = self._connections.setdefault(address, FairQueue(1, WAITING, WAITING_OF_ONE))
        try:
            async with own.turn(str(port or key_name)), self._addresses.turn(address):
                try:
                    yield
                except Refusal:
                    await asyncio.sleep(FAILED_TURN_S)
                    raise
        except TooManyWaiting:
            raise too_many(1, "too many wrong keys or signatures came from your address") from None
        finally:
            if own.idle:
                self._connections.pop(address, None)
