"""The types of settings that are more than a word or a number."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from pydantic import BeforeValidator, PlainSerializer
from pydantic_settings import NoDecode

from predmarket import units

_SECONDS = {"second": 1, "minute": 60, "hour": 3_600}
_LIMIT = re.compile(r"(?P<times>[0-9]{1,9})/(?P<span>[0-9]{0,4})(?P<unit>second|minute|hour)s?")
_MAPPED_BITS = 96
"""The bits before an IPv4 address in an IPv6 address that maps it."""


class RateLimit(NamedTuple):
    """A limit: at most ``times`` in any ``seconds``."""

    times: int
    seconds: int

    def __str__(self) -> str:
        for unit, seconds in reversed(_SECONDS.items()):
            if self.seconds % seconds == 0:
                span = self.seconds // seconds
                return f"{self.times}/{unit}" if span == 1 else f"{self.times}/{span}{unit}s"
        raise AssertionError("every limit is whole seconds")


def _rate_limit(value: object) -> object:
    if isinstance(value, RateLimit) or value is None or value == "off":
        return None if value == "off" else value
    found = _LIMIT.fullmatch(str(value))
    if found is None or not int(found["times"]) or not int(found["span"] or 1):
        raise ValueError('must be like "5/minute" or "100/15minutes", or "off"')
    return RateLimit(int(found["times"]), int(found["span"] or 1) * _SECONDS[found["unit"]])


def _slippage(value: object) -> object:
    slippage = units.parse(str(value), units.PRICE_DECIMALS)
    if not 0 <= slippage <= units.PRICE_ONE:
        raise ValueError("must lie between 0 and 1")
    return slippage


def _credit(value: object) -> object:
    credit = units.parse_money(str(value))
    if not 0 <= credit <= units.MAX_TRANSFER:
        raise ValueError("must lie between 0 and 1000000000")
    return credit


def _listed(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _networks(value: object) -> object:
    named = _listed(value)
    if not isinstance(named, tuple):
        return value
    return tuple(_network(one) if isinstance(one, str) else one for one in named)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError(
            f"{text} is no address and no network such as 10.0.0.0/8 or fd00::/8"
        ) from None
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    # A mapped IPv4 peer counts as IPv4 (limits/client_address.py), so its network must, too.
    return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))


def _origins(value: object) -> object:
    named = _listed(value)
    if not isinstance(named, tuple):
        return value
    for origin in named:
        parts = urlsplit(origin)
        try:
            possible = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # a port beyond 65535
            possible = False
        if not possible or "@" in parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
            raise ValueError("must be origins such as https://example.com, comma separated")
    return tuple(origin.lower() for origin in named)


Limit = Annotated[
    RateLimit | None,
    NoDecode,
    BeforeValidator(_rate_limit),
    PlainSerializer(lambda limit: "off" if limit is None else str(limit)),
]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)]
Proxies = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)]
Slippage = Annotated[int, BeforeValidator(_slippage)]
Credit = Annotated[int, BeforeValidator(_credit)]
