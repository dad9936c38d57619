"""The access log: measures each request and logs it in one line.

Accepted orders and health probes are logged at DEBUG, because they are frequent; everything else at
INFO. On a terminal all requests are logged at DEBUG, so that the exchange's address and the first
commands stay visible.
"""

import logging
import time
from typing import Protocol

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Send

from predmarket.enums import ErrorCode
from predmarket.server.observability.metrics import Metrics
from predmarket.server.observability.redaction import cut
from predmarket.server.observability.request import CURRENT


class BareRoute(Protocol):
    """A route without the framework. Its requests are counted under ``path``, in any spelling."""

    path: str

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer one request."""


log = logging.getLogger(__name__)

GONE = 499
"""Status of a request whose client left before there was an answer (nginx's number for it)."""
_WIDEST_PATH = 512
_QUIET = frozenset({"/healthz", "/metrics"})


class Access:
    """Follows requests from their head to the end of their answer."""

    def __init__(self, metrics: Metrics, *, quiet: bool = False) -> None:
        """Prepare the log; ``quiet`` logs everything at DEBUG."""
        self._metrics = metrics
        self._level = logging.DEBUG if quiet else logging.INFO

    async def follow(self, app: ASGIApp, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Call a framework's application; record the status in the scope's state."""
        CURRENT.set(scope)
        began, state = time.perf_counter(), scope["state"]

        async def watching(message: Message) -> None:
            if message["type"] == "http.response.start":
                state["status"] = message["status"]
            await send(message)

        try:
            await app(scope, receive, watching)
        finally:
            status = state.get("status", GONE)
            route = scope.get("path_template", "")
            quiet = route in _QUIET and status < 400
            self.ended(scope, route, status, began, quiet=quiet)

    async def follow_bare(
        self, route: BareRoute, scope: HTTPScope, receive: Receive, send: Send
    ) -> None:
        """Call a bare route; it leaves its status in the scope's state."""
        CURRENT.set(scope)
        began = time.perf_counter()
        try:
            await route(scope, receive, send)
        finally:
            status = scope["state"].get("status", GONE)
            self.ended(scope, route.path, status, began, quiet=status < 400)

    def ended(
        self, scope: HTTPScope, route: str, status: int, began: float, *, quiet: bool
    ) -> None:
        """Measure and log an answered request; ``quiet`` logs it at DEBUG."""
        seconds = time.perf_counter() - began
        self._metrics.request(scope["method"], route, status, seconds)
        level = logging.DEBUG if quiet else self._level
        if log.isEnabledFor(level):
            fields = {
                "method": scope["method"],
                # As it was sent, without the query, which may hold a token.
                "path": cut(scope["raw_path"].decode("latin-1"), _WIDEST_PATH),
                "status": status,
                "durationMs": round(seconds * 1000, 3),
            }
            log.log(level, "request", extra=fields)

    def refused(self, id: str, status: int, code: ErrorCode, seconds: float) -> None:
        """Measure and log a request that the protocol layer refused."""
        self._metrics.request("", "", status, seconds)
        fields = {"status": status, "code": code.value, "durationMs": round(seconds * 1000, 3)}
        log.log(self._level, "request refused", extra={"requestId": id, **fields})
