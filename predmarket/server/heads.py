"""Heads of orders that came before, so that none is parsed twice.

Programs that trade send the same few heads again and again: only the length of the body changes.
With small orders, parsing heads is a tenth of what an order costs. What the parser makes of a head
that begins a connection's next request depends on its bytes alone, so the same bytes mean the same
request, on whichever connection they come: behind a proxy one carries many users.

Invariant: a head is kept only of a whole request that the parser took, HTTP/1.1 with a
Content-Length, on a connection that stays open. Everything else is the parser's, always.
"""

from typing import NamedTuple, cast

from litestar.types import HTTPScope

MAX_HEADS = 4_096
MAX_HEAD_BYTES = 2_048
_END = b"\r\n\r\n"
_OWN = ("client", "scheme", "server", "state", "user")
"""What of a scope is the connection's or the request's own."""


class _Known(NamedTuple):
    """What a head means: the length of the body, what to know its sender by, and the scope as the
    parser left it, but for what is its own."""

    length: int
    bearer: bytes
    scope: HTTPScope


class Heads:
    """What the heads of orders mean. At its bound the oldest is forgotten."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Known] = {}

    def find(self, data: bytes) -> tuple[HTTPScope, bytes, bytes] | None:
        """Return scope, bearer and body if ``data`` is a whole request with a known head."""
        end = data.find(_END) + len(_END)
        known = self._known.get(data[:end])
        if known is None or len(data) - end != known.length:
            return None
        return known.scope.copy(), known.bearer, data[end:]

    def keep(self, data: bytes, bearer: bytes, scope: HTTPScope) -> None:
        """Keep the head of an order if ``data``, parsed as this scope, was all of its request."""
        end = data.find(_END) + len(_END)
        headers = dict(scope["headers"])
        if (
            len(_END) <= end <= MAX_HEAD_BYTES
            and scope["http_version"] == "1.1"
            and headers.get(b"content-length") == b"%d" % (len(data) - end)
            and b"transfer-encoding" not in headers
            and b"x-request-id" not in headers  # it will not come again
        ):
            if len(self._known) >= MAX_HEADS:
                del self._known[next(iter(self._known))]
            plain = {key: value for key, value in scope.items() if key not in _OWN}
            self._known[data[:end]] = _Known(len(data) - end, bearer, cast("HTTPScope", plain))
