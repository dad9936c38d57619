"""A cache of request heads of orders, so that none is parsed twice.

Trading programs send the same few heads again and again; only the length of the body changes.
Parsing heads is a tenth of the cost of a small order. At the start of a connection's next request
the parser's result depends only on the bytes. So the same bytes mean the same request on every
connection; behind a proxy one connection carries many users.

Invariant: the cache keeps only heads of whole requests that the parser took, HTTP/1.1 with a
Content-Length, on a connection that stays open. The parser always handles everything else.
"""

import asyncio
from typing import Any, NamedTuple

from litestar.types import HTTPScope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_HEADS = 4_096
MAX_HEAD_BYTES = 2_048
_END = b"\r\n\r\n"
_OWN = ("client", "scheme", "server", "state", "user")
"""The keys of a scope that differ between connections or requests."""


class _Known(NamedTuple):
    """A parsed head: the body's length, the sender's Bearer value, and the scope without the fields
    of a single request."""

    length: int
    bearer: bytes
    scope: HTTPScope


class HeadCache:
    """The parsed heads of orders. At its bound the cache forgets the oldest."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Known] = {}

    def find(self, data: bytes) -> tuple[HTTPScope, bytes, bytes] | None:
        """Return scope, bearer and body if ``data`` is a whole request with a cached head."""
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
            and b"x-request-id" not in headers  # such a head does not repeat
        ):
            if len(self._known) >= MAX_HEADS:
                del self._known[next(iter(self._known))]
            plain = scope.copy()
            for key in _OWN:
                plain.pop(key, None)  # type: ignore[misc]  # each request sets them again
            self._known[data[:end]] = _Known(len(data) - end, bearer, plain)


class PreparsedRequest(RequestResponseCycle):
    """A whole request with a cached head, in the form of uvicorn's cycles.

    Attributes with the same value for all requests belong to the class. Nobody waits for more body.
    """

    keep_alive = True
    disconnected = response_started = response_complete = False
    more_body = waiting_for_100_continue = False
    message_event = asyncio.Event()

    def __init__(
        self,
        connection: HttpToolsProtocol,
        scope: Any,  # noqa: ANN401 -- uvicorn's and Litestar's are the same and have two types
        body: bytes,
    ) -> None:
        scope["client"], scope["scheme"] = connection.client, connection.scheme
        scope["server"], scope["state"] = connection.server, connection.app_state.copy()
        self.scope = scope
        self.body = body  # type: ignore[assignment]  # nothing is added to it
        self.transport = connection.transport
        self.default_headers = connection.server_state.default_headers
        self.on_response = connection.on_response_complete
