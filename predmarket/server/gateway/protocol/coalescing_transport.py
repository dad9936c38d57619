"""A transport that sends an answer's head and body in one piece.

uvicorn writes head and body separately. Each would cost a system call here and a packet that wakes
the client. So writes are kept until the end of the event loop's turn, and sent together.
"""

import asyncio
from typing import Any


class CoalescingTransport(asyncio.Transport):
    """A transport that keeps writes until the loop's turn ends."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._kept: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self.pause_reading = transport.pause_reading  # type: ignore[method-assign]  # faster
        self.resume_reading = transport.resume_reading  # type: ignore[method-assign]  # faster
        self.is_closing = transport.is_closing  # type: ignore[method-assign]  # faster
        self.get_extra_info = transport.get_extra_info  # type: ignore[method-assign]  # faster

    @property
    def inner(self) -> asyncio.Transport:
        """Send the kept bytes and return the inner transport, for a caller with its own buffer."""
        self._flush()
        return self._transport

    def write(self, data: Any) -> None:  # noqa: ANN401 -- the base class takes any buffer
        """Keep ``data`` for the end of the turn; drop it if the transport is closing."""
        if self._transport.is_closing():
            return
        if not self._kept:
            self._loop.call_soon(self._flush)
        self._kept.append(data)

    def send(self, data: bytes) -> None:
        """Send the kept bytes and ``data``, a whole answer, without waiting for the turn's end."""
        if self._kept:
            data = b"".join([*self._kept, data])
            self._kept = []
        if not self._transport.is_closing():
            self._transport.write(data)

    def _flush(self) -> None:
        kept, self._kept = self._kept, []
        if kept and not self._transport.is_closing():
            self._transport.write(b"".join(kept))

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that the system has not taken yet."""
        return sum(map(len, self._kept)) + self._transport.get_write_buffer_size()

    def close(self) -> None:
        """Send the kept bytes, then close."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once; the kept bytes are lost."""
        self._kept.clear()
        self._transport.abort()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the socket to another protocol."""
        self._flush()
        self._transport.set_protocol(protocol)
