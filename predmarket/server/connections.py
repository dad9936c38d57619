"""Connections to clients: uvicorn's, with a bound on everything that a client decides.

Bounds, looked at once a second (serving.py), so up to a second late:
- a request's address and headers arrive within HEAD_SECONDS and have at most MAX_HEAD_BYTES and
  MAX_HEADERS lines: else 408 or 431;
- its body arrives within BODY_SECONDS more: else 408. What it may hold is the routes' to say; what
  is sent beyond MAX_REQUEST_BYTES (padding, trailers) closes the connection;
- an answer is taken within READ_SECONDS, or the connection is closed;
- a connection without a request is closed after KEEP_ALIVE_SECONDS, a new one after HEAD_SECONDS;
- of more connections than ``limit_concurrency`` those beyond get 503 OVERLOADED, a tenth more are
  closed unheard.
After each of these answers the connection is closed, since what follows on it cannot be trusted.
"""

import asyncio
import logging
import math
from collections.abc import Iterable, Mapping
from typing import Any, cast

from litestar.types import HTTPScope
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from predmarket.server.express import Express, Running
from predmarket.server.gathering import GatheringTransport
from predmarket.server.refusal import Refusal
from predmarket.server.routes.errors import RETRY, envelope
from predmarket.server.routes.headers import SECURITY, request_id
from predmarket.terms import ErrorCode

log = logging.getLogger(__name__)

HEAD_SECONDS = 10.0
BODY_SECONDS = 10.0
READ_SECONDS = 30.0
KEEP_ALIVE_SECONDS = 75
REALTIME = b"/realtime"
MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 100
MAX_REQUEST_BYTES = 1024 * 1024

_IDLE, _HEAD, _BODY = range(3)
_CLOSE = [(b"content-type", b"application/json"), (b"connection", b"close")]


class Connection(HttpToolsProtocol):
    """One client's connection, and since when it waits for what."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._bound = config.limit_concurrency or math.inf
        self.limit_concurrency = None  # decided here, once a connection and not at each request
        self._surplus = False
        self._phase = _HEAD
        self._since = self.loop.time()
        self._received = 0
        self._arriving = 0
        self._unread_since: float | None = None
        self._express: Express | None = getattr(self.app, "express", None)
        self._unstarted: RequestResponseCycle | None = None
        self._handed_in: tuple[RequestResponseCycle | None, bytes] = None, b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        super().connection_made(GatheringTransport(transport))
        others = len(self.connections)
        self._surplus = others > self._bound
        if others > self._bound * 11 // 10:
            transport.abort()

    def _should_upgrade(self) -> bool:
        """Tell whether a socket is asked for where there are any; all else is a plain request.

        So is one behind a request without an answer yet, which would come in among the frames.
        """
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None and not cycle.response_complete:
            return False
        if self._surplus or self._head_too_large() or self.parser.get_method() != b"GET":
            return False
        return self.url.partition(b"?")[0] == REALTIME and super()._should_upgrade()

    def data_received(self, data: bytes) -> None:
        between, before = self._phase is _IDLE, self.cycle
        if between:
            if self._is_known(data):
                return
            # perhaps only an empty line, which begins no request
            self._phase, self._since = _HEAD, self.loop.time()
        self._arriving = len(data)
        self._received += self._arriving
        super().data_received(data)
        cycle, express = self.cycle, self._express
        handed_in, bearer = self._handed_in
        if between and cycle is not before and cycle is handed_in and cycle.keep_alive:
            assert express is not None  # it handed the order in
            express.heads.keep(data, bearer, cast("HTTPScope", cycle.scope))
        if self._phase is _HEAD and self._received > MAX_HEAD_BYTES:
            self._refuse(Refusal(ErrorCode.HEADERS_TOO_LARGE))
        elif self._phase is _BODY and self._received > MAX_REQUEST_BYTES:
            self._refuse(Refusal(ErrorCode.PAYLOAD_TOO_LARGE))

    def _is_known(self, data: bytes) -> bool:
        """Hand in an order whose head came before; False: nothing was done, parse it.

        Call it between requests, so after a first one.
        """
        express = self._express
        if express is None or not self.cycle.response_complete:
            return False
        found = express.heads.find(data)
        if found is None or self.transport.is_closing():
            return False
        whole = _Whole(self, *found)
        if not express.begin(whole, whole.bearer, self.tasks):  # type: ignore[arg-type]  # any future
            return False
        self.cycle = whole
        return True

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._phase, self._since = _HEAD, self.loop.time()

    def on_headers_complete(self) -> None:
        self._phase, self._since = _BODY, self.loop.time()
        app = self.app
        if self._surplus:
            self.app = _answering(Refusal(ErrorCode.OVERLOADED, headers=RETRY))
        elif self._head_too_large():
            self.app = _answering(Refusal(ErrorCode.HEADERS_TOO_LARGE))
            self.url = b"/"  # the parser of addresses has a bound of its own
        try:
            super().on_headers_complete()
        finally:
            self.app = app

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self.flow.read_paused:  # more than an order has; who reads it is to say so
            self._start_unstarted()

    def on_message_complete(self) -> None:
        self._phase = _IDLE
        self._received = 0  # what arrived in the same piece is not held against the next request
        super().on_message_complete()
        self._start_unstarted()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 -- as uvicorn
        express = self._express
        if express is None or app is not self.config.loaded_app or not express.concerns(cycle):
            super()._start_asgi_task(cycle, app)
        elif cycle.more_body and not self.flow.read_paused:
            self._unstarted = cycle
        elif cycle.more_body or not self._hand_in(express, cycle):
            super()._start_asgi_task(cycle, app)

    def _hand_in(self, express: Express, cycle: RequestResponseCycle) -> bool:
        """Hand in an order; False: nothing was done, go the ordinary way."""
        bearer = express.bearer(cast("HTTPScope", cycle.scope))
        if bearer is None or not express.begin(cycle, bearer, cast("Running", self.tasks)):
            return False
        self._handed_in = cycle, bearer
        return True

    def on_response_complete(self) -> None:
        """Wait for the next request; ``look`` ends the wait, so it takes no timer."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._since = self.loop.time()

    def _start_unstarted(self) -> None:
        """Have a request answered that was waiting for its body."""
        cycle, self._unstarted = self._unstarted, None
        if cycle is not None and not (cycle.disconnected or self.transport.is_closing()):
            self._start_asgi_task(cycle, self.config.loaded_app)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, in the envelope."""
        self._refuse(Refusal(ErrorCode.VALIDATION_FAILED, msg.rstrip(".")))

    def look(self, now: float) -> None:
        """Refuse or close the connection when it has been waiting for too long."""
        self._look_at_reader(now)
        if self.transport.is_closing():
            return
        if self._phase is _IDLE:
            cycle = cast("RequestResponseCycle | None", self.cycle)
            if (
                cycle is not None
                and cycle.response_complete
                and now - self._since > KEEP_ALIVE_SECONDS
            ):
                self.transport.close()
        elif self.flow.read_paused:  # it is we who keep the client waiting
            self._since = now
        elif now - self._since > (HEAD_SECONDS if self._phase is _HEAD else BODY_SECONDS):
            self._refuse(Refusal(ErrorCode.REQUEST_TIMEOUT))

    def _look_at_reader(self, now: float) -> None:
        if not self.transport.get_write_buffer_size():
            self._unread_since = None
        elif self._unread_since is None:
            self._unread_since = now
        elif now - self._unread_since > READ_SECONDS:
            self.transport.abort()

    def _head_too_large(self) -> bool:
        if len(self.headers) > MAX_HEADERS:
            return True
        if self._received + self._arriving <= MAX_HEAD_BYTES:
            return False
        lines = sum(len(name) + len(value) for name, value in self.headers)
        return len(self.url) + lines > MAX_HEAD_BYTES

    def _refuse(self, refusal: Refusal) -> None:
        """Answer in place of the routes, unless one answers already, and close."""
        if self.transport.is_closing():
            return
        cycle = cast("RequestResponseCycle | None", self.cycle)
        answered = False
        if cycle is not None and not cycle.response_complete:
            if self._phase is not _BODY or self.pipeline:
                # The one before is still under way, perhaps committed: its answer is the last.
                cycle.keep_alive = False
                self.flow.pause_reading()
                return
            answered = cycle.response_started
            cycle.disconnected = True  # so the route that waits for the body ends
            cycle.message_event.set()
        if not answered:
            id = request_id(self.headers or ())
            body = envelope(refusal, id)
            head = [b"HTTP/1.1 %d \r\n" % refusal.status]
            head += [b"%s: %s\r\n" % header for header in _headers(refusal, id, body)]
            self.transport.write(b"".join([*head, b"\r\n", body]))
        self.transport.close()


class _Whole(RequestResponseCycle):
    """A request that came whole behind a known head, as one of uvicorn's.

    What is the same for all of them is the class's; nobody waits for more of its body.
    """

    keep_alive = True
    disconnected = response_started = response_complete = False
    more_body = waiting_for_100_continue = False
    message_event = asyncio.Event()

    def __init__(self, connection: Connection, scope: Any, bearer: bytes, body: bytes) -> None:  # noqa: ANN401 -- as uvicorn
        scope["client"], scope["scheme"] = connection.client, connection.scheme
        scope["server"], scope["state"] = connection.server, connection.app_state.copy()
        self.scope = scope
        self.bearer = bearer
        self.body = body  # type: ignore[assignment]  # nothing is added to it
        self.transport = connection.transport
        self.default_headers = connection.server_state.default_headers
        self.on_response = connection.on_response_complete


def _headers(refusal: Refusal, id: str, body: bytes) -> Iterable[tuple[bytes, bytes]]:
    own: Mapping[str, str] = refusal.headers
    return [
        *SECURITY,
        *_CLOSE,
        (b"x-request-id", id.encode()),
        (b"content-length", b"%d" % len(body)),
        *((name.encode(), value.encode()) for name, value in own.items()),
    ]


def _answering(refusal: Refusal) -> Any:  # noqa: ANN401 -- as uvicorn
    """Return an application that answers everything alike and closes."""

    async def app(scope: Scope, _: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        headers = cast("Iterable[tuple[bytes, bytes]]", scope["headers"])  # type: ignore[typeddict-item]
        id = request_id(headers)
        body = envelope(refusal, id)
        await send(
            {
                "type": "http.response.start",
                "status": refusal.status,
                "headers": list(_headers(refusal, id, body)),
                "trailers": False,
            }
        )
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return app
