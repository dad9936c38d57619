"""HTTP pipelining: bounds the requests that arrive behind an unanswered one.

Requests are answered one by one, in their order. While the client takes no answers, no further
request begins. At most MAX_PIPELINED parsed requests wait; the rest of a read stays unparsed, and
nothing more is read until there is room. The parser gets small pieces, for a few milliseconds in a
turn of the event loop. The work of all connections together is bounded and shared fairly
(gateway/fair_turns.py).

When the server stops, every request that was read is answered, the last one with
``connection: close``. A connection between requests stays open for another LINGER_SECONDS, after a
recent answer for BUSY_LINGER_SECONDS, because the next request may be on its way.
"""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from predmarket.server.gateway.fair_turns import (
    READ_AHEAD_BYTES,
    TURN_SECONDS,
    Turn,
    fair_turns,
)
from predmarket.server.gateway.limits.client_address import client_key

MAX_PIPELINED = 16
LINGER_SECONDS = 0.1
BUSY_LINGER_SECONDS = 1.0
"""Also how long ago an answer may be to have been just now."""
PIECE_BYTES = 4096
_HEAD_END = b"\r\n\r\n"


class Backlog:
    """Unparsed bytes of a connection."""

    def __init__(self) -> None:
        self._data = b""
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def __len__(self) -> int:
        return len(self._data) - self._at

    def add(self, data: bytes) -> None:
        """Append arrived bytes."""
        before = max(0, self._at - len(_HEAD_END) + 1)  # a head's end may have begun there
        self._data = self._data[before:] + data
        self._at -= before

    def take(self) -> bytes:
        """Return the next piece: at most PIECE_BYTES, and at most one head's end in it."""
        start, stop = self._at, min(self._at + PIECE_BYTES, len(self._data))
        ends = max(0, start - len(_HEAD_END) + 1)
        if stop < len(self._data) or self._data.count(_HEAD_END, ends) > 1:
            end = self._data.find(_HEAD_END, ends, stop)
            stop = stop if end < 0 else end + len(_HEAD_END)
        self._at = stop
        return self._data[start:stop]

    def take_all(self) -> bytes:
        """Return the rest; only between requests, where no head's end can have begun."""
        data = self._data[self._at :]
        self.clear()
        return data

    def clear(self) -> None:
        """Drop the rest."""
        self._data, self._at = b"", 0


class _Flow(FlowControl):
    """uvicorn's flow control, which only notes whether to pause reading.

    uvicorn pauses for a body that the route does not take yet. The connection also has other
    reasons to pause, so ``set_reading`` decides.
    """

    def __init__(self, transport: asyncio.Transport, changed: Callable[[], None]) -> None:
        super().__init__(transport)
        self._changed = changed

    def pause_reading(self) -> None:
        if not self.read_paused:
            self.read_paused = True
            self._changed()

    def resume_reading(self) -> None:
        if self.read_paused:
            self.read_paused = False
            self._changed()


class PipeliningProtocol(HttpToolsProtocol):
    """uvicorn's protocol for one connection, with the bounds above."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.running: set[asyncio.Future[None]] = self.tasks  # type: ignore[assignment]  # any future
        """The tasks and futures that a stop of the server waits for."""
        self.answering: RequestResponseCycle | None = None
        """The request that is being answered, or was answered last."""
        self.backlog = Backlog()
        self.reading_paused = False
        self.is_over = False
        """Nothing more is parsed: the last request was."""
        self.is_stopping = False
        self._advancing = False
        self._has_lingered = False
        self._answered_at = -math.inf
        self._later: Turn | None = None
        self.turns = fair_turns(self.loop)

    @property
    def newest(self) -> RequestResponseCycle | None:
        """The request whose head was read last, None before the first."""
        return self.cycle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        super().connection_made(transport)
        self.share = self.turns.share(client_key(self.client[0] if self.client else None))
        """This connection's share of the event loop."""
        self.flow = _Flow(transport, self.advance)

    def connection_lost(self, exc: Exception | None) -> None:
        """Disconnect every request, not only the newest: nobody gets their answers."""
        for cycle in (self.answering, *(waiting for waiting, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        if self._later is not None:
            self._later.cancel()
        self.end_input()
        super().connection_lost(exc)

    def parse(self, piece: bytes) -> None:
        """Feed a piece to the parser."""
        raise NotImplementedError

    def is_between_requests(self) -> bool:
        """Tell whether the newest request is whole, and no other has begun to arrive."""
        raise NotImplementedError

    def end_input(self) -> None:
        """Parse nothing more."""
        self.is_over = True
        self.backlog.clear()

    def is_answered(self) -> bool:
        """Tell whether no request waits for its answer."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def advance(self) -> None:
        """Begin waiting requests and continue parsing, as far as there is room.

        This is a loop, not a recursion: an immediate answer calls it again, and so does a body that
        is read.
        """
        if self._advancing:
            return
        self._advancing = True
        began = time.perf_counter()
        try:
            while not self.transport.is_closing():
                if self.pipeline and self._is_free():
                    self._start_asgi_task(*self.pipeline.pop())
                elif not self._may_parse():
                    break
                elif time.perf_counter() - began > TURN_SECONDS:
                    self.advance_later()
                    break
                else:
                    self.parse(self.backlog.take())
        finally:
            self._advancing = False
        if self.is_stopping:
            self._look_for_last()
        if not self.transport.is_closing():
            self.set_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.advance()

    def _is_free(self) -> bool:
        if self.flow.write_paused:
            return False
        return self.answering is None or self.answering.response_complete

    def _has_room(self) -> bool:
        if self.flow.write_paused or self.flow.read_paused:
            return False
        return len(self.pipeline) < MAX_PIPELINED

    def _may_parse(self) -> bool:
        return bool(self.backlog) and self._has_room()

    def advance_later(self) -> None:
        """Advance when it is this connection's turn."""
        if self._later is None:
            self._later = self.turns.soon(self.share, self._take_turn)

    def _take_turn(self) -> None:
        self._later = None
        if not self.transport.is_closing():
            self.take_turn()

    def take_turn(self) -> None:
        """Continue with the arrived bytes."""
        self.advance()

    @property
    def is_waiting(self) -> bool:
        """Tell whether this connection waits for a turn."""
        return self._later is not None

    def set_reading(self) -> None:
        """Read while there is room, pause while there is none."""
        ahead = READ_AHEAD_BYTES if self.is_waiting else 0
        paused = not self.is_over and (len(self.backlog) > ahead or not self._has_room())
        if paused != self.reading_paused:
            self.reading_paused = paused
            if paused:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 -- as uvicorn
        self.answering = cycle

        async def metered(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 -- as uvicorn
            await self.turns.metered(self.share, app(scope, receive, send))

        super()._start_asgi_task(cycle, metered)

    def on_headers_complete(self) -> None:
        before = self.flow.read_paused
        super().on_headers_complete()
        self.flow.read_paused = before  # uvicorn would pause as soon as one request waits

    def on_response_complete(self) -> None:
        """Go on to the next request."""
        self._answered_at = self.loop.time()
        self.server_state.total_requests += 1
        self.flow.read_paused = False  # the rest of the body is ignored
        if self.transport.is_closing() or self._advancing:
            return
        if not (self.pipeline or self.backlog):
            if self.is_stopping:
                self._look_for_last()
            if self.reading_paused:
                self.set_reading()
        elif self.turns.crowded:
            self.advance_later()
        else:
            began = time.monotonic()
            self.advance()
            self.turns.spent(self.share, time.monotonic() - began)

    def shutdown(self) -> None:
        """Answer the requests that were read, then close."""
        if not self.is_stopping:
            self.is_stopping = True
            busy = self.loop.time() - self._answered_at < BUSY_LINGER_SECONDS
            linger = BUSY_LINGER_SECONDS if busy else LINGER_SECONDS
            self.loop.call_later(linger, self._end_linger)
            self._look_for_last()

    def _end_linger(self) -> None:
        self._has_lingered = True
        self._look_for_last()

    def _look_for_last(self) -> None:
        """Make the answer to the newest request the last one; close when all are answered."""
        if self.backlog or self.transport.is_closing():
            return
        if self.is_answered():
            if self._has_lingered:
                self.transport.close()
        elif self.is_between_requests():
            self.cycle.keep_alive = False
            self.end_input()
