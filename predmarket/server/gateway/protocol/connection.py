"""A client's HTTP connection: uvicorn's protocol, with a bound on everything that a client decides.

Bounds, checked once a second (server.py), so up to a second late:
- a request's address and headers arrive within HEAD_SECONDS and have at most MAX_HEAD_BYTES,
  MAX_HEADERS lines and, in the address, MAX_ESCAPES: else 408 or 431;
- a request has at most one Host header, with HTTP/1.1 exactly one: else 400;
- its body arrives within another BODY_SECONDS: else 408. The routes bound the body; bytes beyond
  MAX_REQUEST_BYTES (padding, trailers) close the connection;
- the client takes an answer within READ_SECONDS, or the connection is closed; the system buffers
  about SEND_BUFFER_BYTES of answers (slow_client.py);
- a connection without a request is closed after KEEP_ALIVE_SECONDS, a new one after HEAD_SECONDS;
- connections beyond ``limit_concurrency`` get 503 OVERLOADED, and beyond another tenth are closed
  without an answer; connections beyond the limit of their address (limits/connections.py) likewise,
  but with 429 RATE_LIMITED.
pipelining.py bounds the requests behind an unanswered one. After each of these answers the
connection is closed, because the bytes that follow cannot be trusted.
"""

import asyncio
import math
import time
from typing import Any

import httptools
from litestar.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from predmarket.contracts.errors import Problem
from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal
from predmarket.server.gateway.http.errors import RETRY
from predmarket.server.gateway.http.headers import has_one_host, request_id
from predmarket.server.gateway.limits.connections import too_many_connections
from predmarket.server.gateway.protocol.coalescing_transport import CoalescingTransport
from predmarket.server.gateway.protocol.config import ServerConfig
from predmarket.server.gateway.protocol.early_response import answering, closing
from predmarket.server.gateway.protocol.head_cache import PreparsedRequest
from predmarket.server.gateway.protocol.order_fast_path import OrderFastPath, scope_of
from predmarket.server.gateway.protocol.pipelining import PipeliningProtocol
from predmarket.server.gateway.protocol.slow_client import ReadProgress, bound_unread

HEAD_SECONDS = 10.0
BODY_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 60
MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 100
MAX_ESCAPES = 4096
"""Percent-escapes (%41) in an address: each costs a hundred times as much as a plain character."""
MAX_REQUEST_BYTES = 1024 * 1024

_IDLE, _HEAD, _BODY = range(3)


class Connection(PipeliningProtocol):
    """One client's connection, with what it waits for and since when."""

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._bound = config.limit_concurrency or math.inf
        self.limit_concurrency = None  # checked here once for each connection, not for each request
        self._surplus: Refusal | None = None
        self._counters = config.counters
        self._sockets = config.socket_paths
        self._counted: str | None = None
        self._phase = _HEAD
        self._since = self.loop.time()
        self._received = 0
        self._arriving = 0
        self._reading = ReadProgress()
        self._input_ended = False
        self._fast_path = config.fast_path
        self._unstarted: RequestResponseCycle | None = None
        self._handed_in: tuple[RequestResponseCycle | None, bytes] = None, b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        super().connection_made(CoalescingTransport(transport))
        bound_unread(transport)
        others = len(self.connections)
        # no address: it was reset before it was accepted
        hopeless = self.client is None or others > self._bound * 11 // 10
        if others > self._bound:
            self._surplus = Refusal(ErrorCode.OVERLOADED, headers=RETRY)
        if self._counters is not None:
            self._counted = self._counters.key(self.client)
            if surplus := self._counters.enter(self._counted):
                self._surplus = too_many_connections()
                hopeless |= self._counters.is_hopeless(surplus)
        if hopeless:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._leave()

    def handle_websocket_upgrade(self) -> None:
        self._leave()  # the socket counts itself
        super().handle_websocket_upgrade()

    def _leave(self) -> None:
        if self._counters is not None:
            self._counters.leave(self._counted)
            self._counted = None

    def _should_upgrade(self) -> bool:
        """Tell whether the request is a WebSocket handshake at the right address.

        Behind an unanswered request it counts as a plain one: that answer would mix with the
        frames.
        """
        cycle = self.newest
        if cycle is not None and not cycle.response_complete:
            return False
        if self._surplus or self._head_too_large() or self.parser.get_method() != b"GET":
            return False
        if not self._has_one_host():
            return False
        return self.url.partition(b"?")[0] in self._sockets and super()._should_upgrade()

    def data_received(self, data: bytes) -> None:
        if self.is_over:
            return
        if self.is_waiting or self.turns.crowded:
            self.backlog.add(data)
            self.advance_later()
            self.set_reading()
            return
        began = time.monotonic()
        self._receive(data)
        self.turns.spent(self.share, time.monotonic() - began)

    def take_turn(self) -> None:
        if self._phase is _IDLE and self.backlog:
            self._receive(self.backlog.take_all())
            self.set_reading()
        else:
            self.advance()
        if self._input_ended and not self.is_waiting and not self._awaits_answer():
            self.transport.close()

    def _receive(self, data: bytes) -> None:
        between, before = self._phase is _IDLE and not self.backlog, self.cycle
        if between and self._is_known(data):
            return
        self.backlog.add(data)
        self.advance()
        cycle, fast_path = self.cycle, self._fast_path
        handed_in, bearer = self._handed_in
        if between and cycle is not before and cycle is handed_in and cycle.keep_alive:
            assert fast_path is not None  # it handed the order in
            fast_path.heads.keep(data, bearer, scope_of(cycle))

    def parse(self, piece: bytes) -> None:
        if self._phase is _IDLE:
            # perhaps only an empty line, which is no request
            self._phase, self._since = _HEAD, self.loop.time()
        self._arriving = len(piece)
        self._received += self._arriving
        self._feed(piece)
        if self._phase is _HEAD and self._received > MAX_HEAD_BYTES:
            self._refuse(Refusal(ErrorCode.HEADERS_TOO_LARGE))
        elif self._phase is _BODY and self._received > MAX_REQUEST_BYTES:
            self._refuse(Refusal(ErrorCode.PAYLOAD_TOO_LARGE))
        elif self._phase is _IDLE and not (self.is_over or self.cycle.keep_alive):
            self.end_input()

    def is_between_requests(self) -> bool:
        return self._phase is _IDLE

    def _feed(self, data: bytes) -> None:
        """Feed the parser, as uvicorn does, except for requests of other protocols."""
        try:
            while data:
                try:
                    self.parser.feed_data(data)
                    return
                except httptools.HttpParserUpgrade as upgrade:
                    data = data[upgrade.args[0] :]
                if self._should_upgrade():
                    self.end_input()
                    self.set_reading()
                    self.handle_websocket_upgrade()
                    return
                if not self._stay():
                    self._refuse(_malformed("asks for an upgrade that there is not"))
                    return
        except httptools.HttpParserError:
            self._refuse(_malformed("is no HTTP"))

    def _asks_in_vain(self) -> bool:
        """Tell whether a request asks for an upgrade that it does not get."""
        return self.parser.should_upgrade() and not self._should_upgrade()

    def _stay(self) -> bool:
        """Parse a head again without its upgrade; False: that is not possible.

        Behind an upgrade the parser expects no body; it would read the body as a request.
        """
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        if self.parser.get_method() == b"CONNECT" or any(b"\n" in line[:-2] for line in lines):
            return False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(b"".join([*lines, b"\r\n"]))
        return True

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks, uvicorn does not tell
        """Tell whether to stay open: a client that sends no more may still await an answer."""
        if self.is_waiting:  # earlier requests have their turn first
            self._input_ended = True
            return True
        return self._awaits_answer()

    def _awaits_answer(self) -> bool:
        """Tell whether the last request is whole and unanswered; its answer is the last."""
        cycle = self.newest
        if self._phase is not _IDLE or cycle is None or cycle.response_complete:
            return False
        cycle.keep_alive = False
        return True

    def _is_known(self, data: bytes) -> bool:
        """Send an order with a cached head; False: nothing was done, parse it.

        Call it only between two requests.
        """
        fast_path = self._fast_path
        if fast_path is None or self.is_stopping or self.flow.write_paused:
            return False
        if not self.cycle.response_complete:
            return False
        found = fast_path.heads.find(data)
        if found is None or self.transport.is_closing():
            return False
        scope, bearer, body = found
        whole = PreparsedRequest(self, scope, body)
        if not fast_path.begin(whole, bearer, self.running):
            return False
        self.cycle = self.answering = whole
        return True

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._phase, self._since = _HEAD, self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) <= MAX_HEADERS:  # one too many is enough for the refusal
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._asks_in_vain():
            return
        app = self.app
        if self._surplus:
            self.app = answering(self._surplus, self._note)
        elif self._head_too_large():
            self.app = answering(Refusal(ErrorCode.HEADERS_TOO_LARGE), self._note)
            self.url = b"/"  # the address parser has its own bound
        elif not self._has_one_host():
            self.app = answering(_malformed("needs one Host header"), self._note)
        try:
            super().on_headers_complete()
        finally:
            self.app = app
        self._phase, self._since = _BODY, self.loop.time()

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self.flow.read_paused:  # larger than any order: the route that reads it refuses it
            self._start_unstarted()

    def on_message_complete(self) -> None:
        if self._asks_in_vain():
            return
        self._phase = _IDLE
        self._received = 0  # bytes of the same piece do not count for the next request
        super().on_message_complete()
        self._start_unstarted()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 -- as uvicorn
        self.answering = cycle
        fast_path = self._fast_path
        if app is self.config.loaded_app:
            app = self.application(cycle, app)
        if fast_path is None or app is not self.config.loaded_app or not fast_path.concerns(cycle):
            super()._start_asgi_task(cycle, app)
        elif cycle.more_body and not self.flow.read_paused:
            self._unstarted = cycle
        elif cycle.more_body or not self._hand_in(fast_path, cycle):
            super()._start_asgi_task(cycle, app)

    def application(self, cycle: RequestResponseCycle, app: ASGIApp) -> ASGIApp:
        """Return what answers a request; with another application it takes no fast path."""
        del cycle
        return app

    def _hand_in(self, fast_path: OrderFastPath, cycle: RequestResponseCycle) -> bool:
        """Hand in an order; False: nothing was done, go the ordinary way."""
        bearer = fast_path.bearer(scope_of(cycle))
        if bearer is None or not fast_path.begin(cycle, bearer, self.running):
            return False
        if bearer:  # without one the head does not come again
            self._handed_in = cycle, bearer
        return True

    def on_response_complete(self) -> None:
        """Go on, or wait for the next request; ``look`` ends the wait without a timer."""
        self._since = self.loop.time()
        super().on_response_complete()

    def _start_unstarted(self) -> None:
        """Start the request that was waiting for its body."""
        cycle, self._unstarted = self._unstarted, None
        if cycle is not None and not (cycle.disconnected or self.transport.is_closing()):
            self._start_asgi_task(cycle, self.config.loaded_app)

    def look(self, now: float) -> None:
        """Refuse or close a connection that has waited too long."""
        if self._reading.stalled(now, self.transport.get_write_buffer_size()):
            self.transport.abort()
        if self.transport.is_closing():
            return
        if self._phase is _IDLE:
            cycle = self.newest
            if (
                cycle is not None
                and cycle.response_complete
                and now - self._since > KEEP_ALIVE_SECONDS
                and not self.is_waiting
            ):
                self.transport.close()
        elif self.reading_paused or self.is_waiting:  # we keep the client waiting
            self._since = now
        elif now - self._since > (HEAD_SECONDS if self._phase is _HEAD else BODY_SECONDS):
            self._refuse(Refusal(ErrorCode.REQUEST_TIMEOUT))

    def _has_one_host(self) -> bool:
        return has_one_host(self.headers, needed=self.parser.get_http_version() == "1.1")

    def _head_too_large(self) -> bool:
        if len(self.headers) > MAX_HEADERS or self.url.count(b"%") > MAX_ESCAPES:
            return True
        if self._received + self._arriving <= MAX_HEAD_BYTES:
            return False
        lines = sum(len(name) + len(value) for name, value in self.headers)
        return len(self.url) + lines > MAX_HEAD_BYTES

    def _refuse(self, refusal: Refusal) -> None:
        """Answer in place of the routes, unless a route answers already, and close."""
        if self.transport.is_closing():
            return
        cycle = self.newest
        answered = False
        if cycle is not None and not cycle.response_complete:
            if self._phase is not _BODY or self.pipeline:
                # The request before is still running, perhaps committed: its answer is the last.
                cycle.keep_alive = False
                self.end_input()
                return
            answered = cycle.response_started
            cycle.disconnected = True  # ends the route that waits for the body
            cycle.message_event.set()
        elif self._phase is _BODY:
            answered = True  # by a route that did not need the body
        if not answered:
            id = request_id(self.headers or ())
            self._note(id, refusal)
            self.transport.write(closing(refusal, id))
        self.transport.close()

    def _note(self, id: str, refusal: Refusal) -> None:
        """Have an answer that no route gave measured and told of."""
        if self._fast_path is not None:
            waited = self.loop.time() - self._since
            self._fast_path.access.refused(id, refusal.status, refusal.code, waited)


def _malformed(why: str) -> Refusal:
    return Refusal(ErrorCode.VALIDATION_FAILED, details=[Problem("", why)])
