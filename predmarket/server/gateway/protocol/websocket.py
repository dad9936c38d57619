"""One WebSocket's bytes: uvicorn's handshake, then messages straight to a listener.

After the handshake there is no queue and no task: whole text messages go to the listener as they
arrive, and encoded frames go from the listener to the transport. This module reads common frames.
It hands all others (control frames, fragments, mistakes) to the library, one whole frame at a time.

Bounds (``look`` checks them once a second, so up to a second late):
- a message has at most MAX_MESSAGE_BYTES (4413);
- the application decides on a handshake within HANDSHAKE_SECONDS;
- once either side closes, the connection is aborted after CLOSE_SECONDS. A client's Close waits for
  the messages sent before it: they are executed, then the Close is answered;
- a client that takes nothing for READ_SECONDS is closed as too slow (1013; slow_client.py);
- messages are read for TURN_SECONDS at a time. Then other clients have their turns. Until its next
  fair turn this client's bytes are read up to READ_AHEAD_BYTES (fair_turns.py).
"""

import asyncio
import time
from contextlib import suppress
from typing import Any, Protocol

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.speedups import apply_mask

from predmarket.contracts.errors import Problem
from predmarket.contracts.realtime import MAX_MESSAGE_BYTES
from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal
from predmarket.server.gateway.fair_turns import (
    READ_AHEAD_BYTES,
    TURN_SECONDS,
    Turn,
    fair_turns,
)
from predmarket.server.gateway.http.errors import envelope
from predmarket.server.gateway.http.headers import request_id
from predmarket.server.gateway.limits.client_address import client_key
from predmarket.server.gateway.protocol.coalescing_transport import CoalescingTransport
from predmarket.server.gateway.protocol.config import ServerConfig
from predmarket.server.gateway.protocol.slow_client import ReadProgress

HANDSHAKE_SECONDS = 15.0
CLOSE_SECONDS = 5.0
SOCKET = "predmarket.socket"
"""The ASGI extension under which an application finds its socket."""

TOO_LARGE = 4413
NOT_UTF8 = CloseCode.INVALID_DATA

_WHOLE_TEXT = 0x81
_OPCODE, _CLOSE = 0x0F, 0x8
_MASKED = 0x80
_LONGEST_HEAD = 14


class Listener(Protocol):
    """Takes a socket's messages; ``odd`` takes frames that are no whole text message."""

    def received(self, message: bytes) -> None:
        """Take a message."""

    def odd(self, *, binary: bool) -> None:
        """Handle a control frame, a fragment, or a binary message."""

    def answer(self, frame: bytes) -> None:
        """Send the answer to a control frame, after the waiting messages."""

    def stalled(self) -> None:
        """Give the client up: it takes nothing."""

    def paused(self) -> None:
        """Stop writing: the client takes nothing."""

    def resumed(self) -> None:
        """Continue writing."""

    def stopping(self) -> None:
        """End cleanly: the server stops."""

    def lost(self) -> None:
        """The connection is gone."""


class _Messages(ServerProtocol):
    """The library's protocol, with our response to a refused handshake and our code for a message
    that is too large."""

    def reject(self, status: int, text: str) -> Response:
        # a header may hold bytes that are no text
        why = text.strip().encode("ascii", "backslashreplace").decode()
        refusal = Refusal(ErrorCode.VALIDATION_FAILED, details=[Problem("", why)])
        id = request_id(())
        response = super().reject(refusal.status, envelope(refusal, id).decode())
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        response.headers["X-Request-Id"] = id
        return response

    def fail(self, code: CloseCode | int, reason: str = "") -> None:
        if code == CloseCode.MESSAGE_TOO_BIG:
            code, reason = TOO_LARGE, f"a message has at most {MAX_MESSAGE_BYTES} bytes"
        super().fail(code, reason)


class Socket(WebSocketsSansIOProtocol):
    """One client's socket."""

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = _Messages(max_size=MAX_MESSAGE_BYTES, logger=self.logger)
        self.listener: Listener | None = None
        self._counters = config.counters
        self._counted: str | None = None
        self._rest = bytearray()
        self._deaf = False
        self._halted = False
        self._turns = fair_turns(self.loop)
        self._next_turn: Turn | None = None
        self._written = 0
        self._reading = ReadProgress()
        self._opened = self.loop.time()

    # the application's side

    def hand_over(self, listener: Listener) -> None:
        """After the handshake, send messages to this listener instead of the ASGI application."""
        self.listener = listener

    def write(self, frames: bytes) -> None:
        """Send encoded frames."""
        if not self.close_sent:
            self._written += len(frames)
            self.transport.write(frames)

    def pause_reading(self) -> None:
        """Hand over only messages that have arrived, until ``resume_reading``."""
        self._halted = True
        self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Continue reading, unless other clients have their turn."""
        self._halted = False
        if self._next_turn is None and not self.transport.is_closing():
            self.transport.resume_reading()
            if self._rest and self._rest[0] & _OPCODE == _CLOSE:
                self._read_frames()

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake, after the written frames; read nothing more."""
        if self.close_sent or self.transport.is_closing():
            return
        if self.conn.state is OPEN:
            self.conn.send_close(code, reason)
            self._flush_protocol()
        self._closing()

    # the server's side

    def look(self, now: float) -> None:
        """End a connection that has waited too long for its client."""
        if self.transport.is_closing():
            self._closing()
        elif self.listener is None:
            if now - self._opened > HANDSHAKE_SECONDS:
                self.transport.abort()
        else:
            unsent = self.transport.get_write_buffer_size()
            if self._reading.stalled(now, unsent, self._written - unsent):
                self.listener.stalled()

    # the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, CoalescingTransport):
            transport = transport.inner
        super().connection_made(transport)
        self.share = self._turns.share(client_key(self.client[0] if self.client else None))
        if self._counters is not None:
            self._counted = self._counters.key(self.client)
            self._counters.enter(self._counted)  # in place of the former HTTP connection

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._deaf = self.close_sent = True
        if self._counters is not None:
            self._counters.leave(self._counted)
            self._counted = None
        if self._next_turn is not None:
            self._next_turn.cancel()
            self._next_turn = None
        if self.listener is not None:
            self.listener.lost()

    def eof_received(self) -> None:
        self._closing()  # asyncio closes the transport once all is written

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.listener is not None:
            self.listener.paused()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.listener is not None:
            self.listener.resumed()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if not self.handshake_initiated:
            super().data_received(data)
            self._check_handshake()
            return
        self._rest += data
        if self._next_turn is None and self._turns.crowded:
            self._next_turn = self._turns.soon(self.share, self._read_frames)
        if self._next_turn is not None:
            self._bound_rest()
            return
        began = time.monotonic()
        self._read_frames()
        self._turns.spent(self.share, time.monotonic() - began)

    def _read_frames(self) -> None:
        """Take whole frames, as many as one turn allows."""
        rested, self._next_turn = self._next_turn is not None, None
        rest = self._rest
        at = 0
        until = time.monotonic() + TURN_SECONDS
        while len(rest) - at >= 2:
            if self._has_failed():
                return
            end, start = _frame_end(rest, at)
            if self._halted and rest[at] & _OPCODE == _CLOSE:
                break  # the messages before it are not executed yet
            if end > len(rest):
                if start and end - start > MAX_MESSAGE_BYTES:
                    self._odd(bytes(rest[at:start]))  # the head is enough for the refusal
                break
            if at and time.monotonic() > until:
                self._next_turn = self._turns.soon(self.share, self._read_frames)
                break
            alone = self.conn.current_size is None  # no fragmented message is open
            if alone and rest[at] == _WHOLE_TEXT and rest[at + 1] & _MASKED:
                if end - start > MAX_MESSAGE_BYTES:
                    self._odd(bytes(rest[at:end]))
                else:
                    self._text(apply_mask(rest[start:end], rest[start - 4 : start]))
            else:
                self._odd(bytes(rest[at:end]))
            at = end
        del rest[:at]
        if self._next_turn is not None:
            self._bound_rest()
        elif rested and not (self._halted or self.transport.is_closing()):
            self.transport.resume_reading()

    def _bound_rest(self) -> None:
        if len(self._rest) > READ_AHEAD_BYTES:
            self.transport.pause_reading()

    def _has_failed(self) -> bool:
        return self._deaf

    def _odd(self, frame: bytes) -> None:
        """Hand a frame to the library."""
        super().data_received(frame)
        if self.listener is not None and not self._deaf:
            self.listener.odd(binary=False)

    def _text(self, message: bytes) -> None:
        if self.listener is None or self.close_sent:
            return
        if not message.isascii():
            try:
                message.decode()
            except UnicodeDecodeError:
                self.close(NOT_UTF8, "a text message is UTF-8")
                return
        self.listener.received(message)

    # uvicorn's side

    def handle_ping(self) -> None:
        pong = b"".join(self.conn.data_to_send())
        if self.listener is not None and not self.close_sent:
            self.listener.answer(pong)

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._closing()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            extensions = self.scope["extensions"]
            assert extensions is not None  # uvicorn names one of its own
            extensions[SOCKET] = {"socket": self}

    def send_receive_event_to_app(self) -> None:
        message = b"".join(bytes(part) for part in self.frames)
        self.frames = []
        if self.curr_msg_data_type == "text":
            self._text(message)
        elif self.listener is not None and not self.close_sent:
            self.listener.odd(binary=True)

    def handle_parser_exception(self) -> None:
        """Fail the connection; discard further input until the client knows."""
        self._deaf = True
        self._flush_protocol()
        self._closing()
        with suppress(OSError, RuntimeError):  # it is closing already
            self.transport.write_eof()

    def shutdown(self) -> None:
        if self.listener is None:
            super().shutdown()
        else:
            self.listener.stopping()

    async def run_asgi(self) -> None:
        """Let the application decide on the handshake; the connection outlives its task."""
        with suppress(ClientDisconnected):
            try:
                work = self.app(self.scope, self.receive, self.send)
                await self._turns.metered(self.share, work)
            except Exception:
                self.logger.exception("Exception in ASGI application\n")
                self.send_500_response()
        if self.listener is None:
            self.transport.close()

    def _check_handshake(self) -> None:
        """Answer a whole handshake that the library cannot read."""
        if self.handshake_initiated or self._deaf:
            return
        self._deaf = self.close_sent = True
        self.transport.write(self.conn.reject(400, "the handshake cannot be read").serialize())
        self.transport.close()

    def _flush_protocol(self) -> None:
        frames = b"".join(self.conn.data_to_send())
        self._written += len(frames)
        self.transport.write(frames)

    def _closing(self) -> None:
        """Stop writing, and abort the connection if it does not close in time."""
        self.close_sent = True
        if self.close_timer is None and not self.disconnected:
            self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)


def _frame_end(data: bytearray, at: int) -> tuple[int, int]:
    """Return the end of the frame at ``at`` and the start of its payload.

    A start of 0 means that the head is not whole yet; then the end lies beyond ``data``.
    """
    second = data[at + 1]
    size, start = second & 0x7F, at + 2
    if size == 126:
        start += 2
    elif size == 127:
        start += 8
    if len(data) < start:
        return at + _LONGEST_HEAD + len(data), 0
    if size >= 126:
        size = int.from_bytes(data[at + 2 : start])
    if second & _MASKED:
        start += 4
    return start + size, start
