"""Heads of orders that came before, so that none is parsed twice.

Programs that trade send the same few heads again and again: only the length of the body changes.
With small orders, parsing heads is a tenth of what an order costs. What the parser makes of a head
that begins a connection's next request depends on its bytes alone, so the same bytes mean the same
request, on whichever connection they come: behind a proxy one carries many users.

Invariant: a head is kept only of a whole request that the parser took, HTTP/1.1 with a
Content-Length, on a connection that stays open. Everything else is the parser's, always.
"""

import asyncio
from typing import Any, NamedTuple, cast

from litestar.types import HTTPScope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

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


class HeadCache:
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


class PreparsedRequest(RequestResponseCycle):
    """A request that came whole behind a known head, as one of uvicorn's cycles.

    What is the same for all of them is the class's; nobody waits for more of its body.
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
