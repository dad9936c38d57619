"""A socket with faults: its messages and frames arrive later or slowly, and it is cut.

``slow-feed`` holds frames back as a client does that reads slowly, so the bounds for such clients
apply (broadcast/send_buffer.py): the socket is closed with 1013.
"""

import asyncio

from uvicorn.server import ServerState

from predmarket.contracts.requests import Invalid
from predmarket.server.core.bus import Overloaded
from predmarket.server.gateway.faults.delay_line import DelayLine
from predmarket.server.gateway.faults.injection import CutTimer, Faults
from predmarket.server.gateway.protocol.config import ServerConfig
from predmarket.server.gateway.protocol.websocket import Socket
from predmarket.server.gateway.realtime.client import SocketClient
from predmarket.server.gateway.realtime.decoding import read, request_id_of

_PONG = "pong"


class FaultySocket(Socket):
    """One client's socket."""

    def __init__(
        self,
        faults: Faults,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._faults = faults
        self._cut = CutTimer(faults, self.loop, self._cut_off, lambda: True)
        self._arriving = DelayLine(self.loop, super().data_received, _nothing)
        self._leaving = DelayLine(self.loop, super().write, self._room_changed)
        self._is_full = False
        self._loses_answer = False
        faults.concern(self)

    def faults_changed(self) -> None:
        """Follow the faults now in force."""
        self._arriving.release()
        self._leaving.release()
        self._cut.restart()

    # the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._cut.start()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cut.stop()
        self._arriving.drop()
        self._leaving.drop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.handshake_initiated:
            self._arriving.put(data, self._faults.delay())
        else:
            super().data_received(data)

    def pause_writing(self) -> None:
        self._is_full = True
        super().pause_writing()

    def resume_writing(self) -> None:
        self._is_full = False
        if not self._leaving.is_full:
            super().resume_writing()

    def _room_changed(self) -> None:
        """Have the application write no more, or write on, as a transport does."""
        if self._leaving.is_full:
            super().pause_writing()
        elif not self._is_full:
            super().resume_writing()

    # the application's side

    def write(self, frames: bytes) -> None:
        """Send encoded frames."""
        if self._loses_answer:
            self.transport.abort()
        elif not self.close_sent:
            self._leaving.put(frames, self._faults.delay(), self._faults.spec.slow_feed)

    def _text(self, message: bytes) -> None:
        if self.transport.is_closing():  # it was cut: what came behind is lost, too
            return
        if not self._faults.on or _type_of(message) == _PONG:
            super()._text(message)
            return
        rejectable = self._orders(message)
        fate = self._faults.fate(may_reject=rejectable)
        if fate.lost_before or fate.lost_after:
            self._faults.struck("lost")
        if fate.lost_before:
            self.transport.abort()
        elif fate.rejected and isinstance(self.listener, SocketClient):
            self._faults.struck("rejected")
            self.listener.refuse(Overloaded(), request_id_of(message))
        else:
            self._loses_answer = fate.lost_after
            super()._text(message)

    def _flush_protocol(self) -> None:
        """Send a closing frame. It overtakes what a slow client has not taken."""
        if self._faults.spec.slow_feed is None:
            self._leaving.release()
        else:
            self._leaving.drop()
        super()._flush_protocol()

    def _cut_off(self) -> None:
        self.transport.abort()

    # messages

    def _orders(self, message: bytes) -> bool:
        """Tell whether a message is about orders; others are never refused as too many."""
        client = self.listener
        return isinstance(client, SocketClient) and _type_of(message) in client.shared.orders


def _type_of(message: bytes) -> str:
    """Return a message's type, "" if it cannot be read."""
    try:
        return read(message).type
    except Invalid:
        return ""


def _nothing() -> None:
    """Do nothing: what arrives waits for nobody."""
