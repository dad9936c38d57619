"""Limits the open connections of one address: MAX_CONNECTIONS_PER_ADDRESS, in this process.

HTTP connections and sockets count together, from their beginning to their end. Loopback and the
trusted proxies have no limit. Behind a proxy a client counts by its forwarded address, with each
of its sockets and running requests. IPv6 counts by /64 (client_address.py).

The open connections bound the memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from predmarket.server.errors import Refusal
from predmarket.server.gateway.limits.client_address import Client, Proxies, client_key, is_loopback
from predmarket.server.gateway.limits.rate_limited import too_many

RETRY_SECONDS = 5
_SOME_MORE = 10
"""A tenth of the limit more gets an answer that says why; beyond that, connections are aborted."""


class Connections:
    """Counts the open connections of each address."""

    def __init__(self, most: int, proxies: Proxies) -> None:
        self._most = most
        self._proxies = proxies
        self.open: dict[str, int] = {}
        """The number of open connections of each address."""

    def __len__(self) -> int:
        return len(self.open)

    def key(self, client: Client | None) -> str | None:
        """Return the key under which a connection counts; None if it does not count."""
        if client is None or is_loopback(client[0]) or self._proxies.trusts(client):
            return None
        return client_key(client[0])

    def enter(self, key: str | None) -> int:
        """Count one more; return the number beyond the limit. ``leave`` always follows."""
        if key is None:
            return 0
        count = self.open[key] = self.open.get(key, 0) + 1
        return max(count - self._most, 0)

    def leave(self, key: str | None) -> None:
        """Count one less."""
        if key is not None:
            count = self.open.pop(key) - 1
            if count:
                self.open[key] = count

    def is_hopeless(self, surplus: int) -> bool:
        """Tell whether so many are beyond the limit that another one gets no answer."""
        return surplus > self._most // _SOME_MORE + 1

    def forwarded(self, peer: Client | None, client: Client | None) -> str | None:
        """Return the key of a client behind a proxy; None for a direct client."""
        return None if peer == client else self.key(client)

    @contextmanager
    def held(self, key: str | None) -> Iterator[int]:
        """Count one while the block runs; yield the number beyond the limit."""
        try:
            yield self.enter(key)
        finally:
            self.leave(key)


def too_many_connections() -> Refusal:
    """Return 429 RATE_LIMITED for a connection beyond the limit."""
    return too_many(RETRY_SECONDS, "too many connections are open from this address")
