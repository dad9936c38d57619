"""How many connections one address has open: MAX_CONNECTIONS_PER_ADDRESS, by this process.

A connection counts from its first byte to its end, whatever it speaks: HTTP or the sockets. Free of
it are loopback and the trusted proxies; behind a proxy a client counts by its forwarded address,
with each of its sockets and each request that is under way. IPv6 counts by /64 (address.py).

Memory is bounded by the connections that are open.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from predmarket.server.limits.address import Client, Proxies, client_key, is_loopback
from predmarket.server.refusal import Refusal
from predmarket.terms import ErrorCode

RETRY_SECONDS = 5
_SOME_MORE = 10
"""Beyond the limit one more in so many is told why; those after them are closed unheard."""


class Connections:
    """The connections of every address that has any."""

    def __init__(self, most: int, proxies: Proxies) -> None:
        self._most = most
        self._proxies = proxies
        self._open: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._open)

    def key(self, client: Client | None) -> str | None:
        """Return what a connection is counted under; None for one that is not counted."""
        if client is None or is_loopback(client[0]) or self._proxies.trusts(client):
            return None
        return client_key(client[0])

    def enter(self, key: str | None) -> int:
        """Count one more; return by how many there are too many. ``leave`` follows in any case."""
        if key is None:
            return 0
        count = self._open[key] = self._open.get(key, 0) + 1
        return max(count - self._most, 0)

    def leave(self, key: str | None) -> None:
        """Count one less."""
        if key is not None:
            count = self._open.pop(key) - 1
            if count:
                self._open[key] = count

    def is_hopeless(self, surplus: int) -> bool:
        """Tell whether there are so many too many that not even an answer is given."""
        return surplus > self._most // _SOME_MORE + 1

    def forwarded(self, peer: Client | None, client: Client | None) -> str | None:
        """Return what the client behind a proxy counts under; None when it came by itself."""
        return None if peer == client else self.key(client)

    @contextmanager
    def held(self, key: str | None) -> Iterator[int]:
        """Count one for a while; say by how many there are too many."""
        try:
            yield self.enter(key)
        finally:
            self.leave(key)


def too_many_connections() -> Refusal:
    """Return 429 RATE_LIMITED for a connection too many."""
    headers = {"retry-after": str(RETRY_SECONDS)}
    why = "too many connections are open from this address"
    return Refusal(ErrorCode.RATE_LIMITED, why, headers=headers)
