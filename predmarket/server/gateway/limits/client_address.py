"""Whom a request comes from, and how: the peer's address, or what a trusted proxy says of it.

X-Forwarded-For is a list that each proxy extends at its end. So it is read from the end, and only
as long as the one who wrote the entry is trusted: what a client puts there itself is never reached.
Of X-Forwarded-Proto the last entry alone is read, for the same reason.
"""

import logging
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Literal, TypeAlias

from litestar.types import HTTPScope, WebSocketScope

log = logging.getLogger(__name__)

Address: TypeAlias = IPv4Address | IPv6Address
Client: TypeAlias = tuple[str, int]

SITE_PREFIXES = (64, 56, 48)
"""Prefixes of the IPv6 addresses that one site may have: a network, a household, an
organisation."""
MAX_HOPS = 16
"""Entries of X-Forwarded-For that are looked at; no chain of proxies is longer."""
_UNKNOWN = "unknown"


class Proxies:
    """The networks of the proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."""

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._networks = tuple(networks)
        self._warned = False

    def heed(self, scope: HTTPScope | WebSocketScope, tls: Literal["https", "wss"]) -> None:
        """Give a request the client and the scheme that a trusted proxy names.

        Logs once that another peer forwards requests: it may be a proxy that was forgotten.
        """
        peer, headers = scope["client"], scope["headers"]
        if self._networks and peer is not None and self.trusts(peer):
            scope["client"] = self.client(peer, headers)
            if self.ends_tls(peer, headers):
                scope["scheme"] = tls
        elif not self._warned and any(name == b"x-forwarded-for" for name, _ in headers):
            self._warned = True
            log.warning(
                "%s sends X-Forwarded-For and is not among PREDMARKET_TRUSTED_PROXIES: if it is a "
                "proxy of yours, all clients behind it count as one address",
                "somebody" if peer is None else peer[0],
            )

    def trusts(self, peer: Client) -> bool:
        """Tell whether a peer is a trusted proxy."""
        found = parse(peer[0])
        return found is not None and self._trusts(found)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def client(self, peer: Client | None, headers: Iterable[tuple[bytes, bytes]]) -> Client | None:
        """Return the client's address; its port is 0 where a proxy named it.

        It is the last one before the trusted proxies. An entry that is no address ends the search,
        and so do MAX_HOPS entries: the proxy that passed it on counts as the client.
        """
        found = None if peer is None else parse(peer[0])
        if found is None or not self._trusts(found):
            return peer
        hops = [value for name, value in headers if name == b"x-forwarded-for"]
        for hop in reversed(b",".join(hops).rsplit(b",", MAX_HOPS)[-MAX_HOPS:]) if hops else ():
            address = _parse_hop(hop.strip().decode("latin-1"))
            if address is None:
                break
            found = address
            if not self._trusts(address):
                break
        else:
            if not hops:
                return peer
        return str(found), 0

    def ends_tls(self, peer: Client | None, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Tell whether the peer is a trusted proxy and says that the client came through TLS."""
        found = None if peer is None else parse(peer[0])
        if found is None or not self._trusts(found):
            return False
        schemes = [value for name, value in headers if name == b"x-forwarded-proto"]
        return b",".join(schemes).rpartition(b",")[2].strip().lower() == b"https"

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


@lru_cache(maxsize=4_096)
def client_keys(host: str | None) -> tuple[str, ...]:
    """Return the keys that a client's calls are counted under, the narrowest first.

    The key of IPv4 is the address; the keys of IPv6 are its /64, /56 and /48. A site has at least a
    /64: by single addresses one machine would have 2^64 tries, and by /64 alone a household with a
    /56 would have 256 times as many as it should.
    """
    address = None if host is None else parse(host)
    if isinstance(address, IPv6Address):
        return tuple(str(ip_network((address, bits), strict=False)) for bits in SITE_PREFIXES)
    return (_UNKNOWN if address is None else str(address),)


def client_key(host: str | None) -> str:
    """Return the narrowest key that a client's calls are counted under."""
    return client_keys(host)[0]


def plain_address(host: str | None) -> str | None:
    """Return a client's address as people write it, None when it has none."""
    address = None if host is None else parse(host)
    return None if address is None else str(address)


def is_loopback(host: str) -> bool:
    """Tell whether an address is this machine's own."""
    address = parse(host)
    return address is not None and address.is_loopback


def parse(text: str) -> Address | None:
    """Return the address that a text names, None when it names none; a mapped IPv4 one as IPv4."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _parse_hop(text: str) -> Address | None:
    """Read an entry: an address, with a port where a proxy adds one."""
    if text.startswith("["):
        inner, closed, port = text[1:].partition("]")
        return parse(inner) if closed and _is_port(port) else None
    host, colon, port = text.partition(":")
    if colon and ":" not in port:
        return parse(host) if _is_port(colon + port) else None
    return parse(text)


def _is_port(text: str) -> bool:
    digits = text.removeprefix(":")
    return not text or (text != digits and digits.isascii() and digits.isdigit())


_FORWARDED = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip"})


def is_local(scope: HTTPScope) -> bool:
    """Tell whether a request comes from this machine and was not passed on by a proxy on it."""
    client = scope["client"]
    if client is None or not is_loopback(client[0]):
        return False
    return all(name not in _FORWARDED for name, _ in scope["headers"])
