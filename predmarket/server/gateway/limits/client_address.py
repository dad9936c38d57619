"""A request's client address and scheme: the peer's own, or those that a trusted proxy reports.

Each proxy appends to X-Forwarded-For. So the list is read from its end, as long as a trusted proxy
wrote the entry; entries that a client made up are never reached. For the same reason only the last
entry of X-Forwarded-Proto is read.
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
    """The networks of trusted proxies, whose X-Forwarded-For and X-Forwarded-Proto are used."""

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._networks = tuple(networks)
        self._warned = False

    def heed(self, scope: HTTPScope | WebSocketScope, tls: Literal["https", "wss"]) -> None:
        """Give a request the client and the scheme that a trusted proxy names.

        Logs once that another peer forwards requests: the setting may lack that proxy.
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
        """Return the client's address; its port is 0 if a proxy named it.

        It is the last address before the trusted proxies. The search ends at an entry that is no
        address, and after MAX_HOPS entries; then the proxy that passed it on counts as the client.
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
        """Tell whether the peer is a trusted proxy that reports TLS to the client."""
        found = None if peer is None else parse(peer[0])
        if found is None or not self._trusts(found):
            return False
        schemes = [value for name, value in headers if name == b"x-forwarded-proto"]
        return b",".join(schemes).rpartition(b",")[2].strip().lower() == b"https"

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


@lru_cache(maxsize=4_096)
def client_keys(host: str | None) -> tuple[str, ...]:
    """Return the keys under which a client's calls are counted, the narrowest first.

    For IPv4 the key is the address; for IPv6 the keys are its /64, /56 and /48. A site has at least
    a /64, so counting single addresses would give one machine 2^64 tries. Counting only by /64
    would give a household with a /56 256 times its share.
    """
    address = None if host is None else parse(host)
    if isinstance(address, IPv6Address):
        return tuple(str(ip_network((address, bits), strict=False)) for bits in SITE_PREFIXES)
    return (_UNKNOWN if address is None else str(address),)


def client_key(host: str | None) -> str:
    """Return the narrowest key under which a client's calls are counted."""
    return client_keys(host)[0]


def plain_address(host: str | None) -> str | None:
    """Return a client's address in its usual notation, None when it has none."""
    address = None if host is None else parse(host)
    return None if address is None else str(address)


def is_loopback(host: str) -> bool:
    """Tell whether an address is this machine's own."""
    address = parse(host)
    return address is not None and address.is_loopback


def parse(text: str) -> Address | None:
    """Parse an address, with mapped IPv4 as IPv4; return None when the text is no address."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _parse_hop(text: str) -> Address | None:
    """Parse an entry: an address, perhaps with a port."""
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
    """Tell whether a request comes from this machine, and no proxy on it passed it on."""
    client = scope["client"]
    if client is None or not is_loopback(client[0]):
        return False
    return all(name not in _FORWARDED for name, _ in scope["headers"])
