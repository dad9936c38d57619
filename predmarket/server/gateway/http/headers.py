"""The headers of every answer: the request's id, and security headers for browsers."""

import itertools
import re
import secrets
from collections.abc import Iterable

from litestar.types import Message, Send

SECURITY: list[tuple[bytes, bytes]] = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]

_HSTS = (b"strict-transport-security", b"max-age=31536000")

_GIVEN = re.compile(rb"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")
_HOST = re.compile(rb"[A-Za-z0-9\-._~!$&'()*+,;=%:\[\]]{0,300}")
_prefix = secrets.token_hex(6)
_count = itertools.count(1)


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the request's own id if it is short printable ASCII, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and _GIVEN.fullmatch(value):
            return value.decode("ascii")
    return f"{_prefix}-{next(_count)}"


def has_one_host(headers: Iterable[tuple[bytes, bytes]], *, needed: bool) -> bool:
    """Tell whether a request has one valid Host header, or none unless ``needed``.

    Source: RFC 9112, 3.2.
    """
    hosts = [value for name, value in headers if name == b"host"]
    if not hosts:
        return not needed
    return len(hosts) == 1 and _HOST.fullmatch(hosts[0]) is not None


def security_headers(*, on_loopback: bool) -> list[tuple[bytes, bytes]]:
    """Return the security headers for browsers.

    Except on loopback, which has no certificate, they tell browsers to insist on TLS. Over plain
    HTTP browsers ignore that header.
    """
    return SECURITY if on_loopback else [*SECURITY, _HSTS]


def with_headers(send: Send, id: str, security: list[tuple[bytes, bytes]]) -> Send:
    """Return a ``send`` that adds these headers where the answer has none of the same name."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message["headers"])
            present = {name.lower() for name, _ in headers}
            headers += [header for header in security if header[0] not in present]
            headers.append((b"x-request-id", id.encode()))
            message["headers"] = headers
        await send(message)

    return send_with_headers
