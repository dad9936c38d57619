"""The send buffer of one socket, for a client that reads slowly.

Frames of one loop turn are written in one piece. While the transport is full, frames wait here. For
a book or a ticker only one merged message waits (subscription.py). Past MAX_WAITING_BYTES the
client is too slow: ``close_slow`` is called, once, and closes the socket. So a slow reader costs
bounded memory, and delays nobody. protocol/slow_client.py lists the other bounds.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

MAX_WAITING_BYTES = 1024 * 1024

READS_TOO_SLOWLY = "too much waits to be read"
MISSED_CHANGES = "this gateway missed changes"


class Sink(Protocol):
    """The destination of frames: a socket."""

    def write(self, frames: bytes) -> None:
        """Send encoded frames."""


class Merged(Protocol):
    """A queue entry for several merged messages; it is rendered when its turn comes."""

    def take_frame(self) -> bytes:
        """Return the frame, empty if there is nothing to send."""


class SendBuffer:
    """One socket's output. ``clear`` means that frames are written at the end of the turn.

    ``waiting`` are the frames that the client has not taken, ``size`` their bytes.
    """

    __slots__ = (
        "_close_slow", "_drained", "_full", "_loop", "_sink", "clear", "gathered", "size",
        "waiting",
    )  # fmt: skip

    def __init__(self, sink: Sink, close_slow: Callable[[str], None]) -> None:
        """Begin an empty buffer. ``close_slow`` closes the socket and takes the reason."""
        self._sink = sink
        self._close_slow = close_slow
        self._loop = asyncio.get_running_loop()
        self.waiting: deque[bytes | Merged] = deque()
        self.size = 0
        self._full = False
        self._drained: asyncio.Future[None] | None = None
        self.gathered: list[bytes] = []
        self.clear = True

    def send(self, frame: bytes) -> None:
        """Send a frame, now or after the client has taken the earlier ones."""
        if self.clear:
            if not self.gathered:
                self._loop.call_soon(self.flush)
            self.gathered.append(frame)
        else:
            self.waiting.append(frame)
            self.charge(len(frame))

    def flush(self) -> None:
        """Write the frames of this turn."""
        gathered = self.gathered
        if gathered:
            self.gathered = []
            self._sink.write(gathered[0] if len(gathered) == 1 else b"".join(gathered))

    def wait(self, merged: Merged) -> None:
        """Queue an entry that is rendered later; ``charge`` counts its bytes.

        Only while not ``clear``.
        """
        self.waiting.append(merged)

    def charge(self, size: int) -> None:
        """Count bytes kept for this client; a negative size gives bytes back."""
        self.size += size
        if self.size > MAX_WAITING_BYTES:
            self._end_with(READS_TOO_SLOWLY)

    def missed(self) -> None:
        """Give this client up: the gateway missed changes and cannot send them any more."""
        self._end_with(MISSED_CHANGES)

    def _end_with(self, reason: str) -> None:
        self._loop.call_soon(self._close_slow, reason)  # not during a delivery
        self._close_slow = _nothing

    def paused(self) -> None:
        """Keep frames from now on: the transport is full."""
        self._full = True
        self.clear = False

    def resumed(self) -> None:
        """Write the waiting frames, until the transport is full or none is left."""
        self._full = False
        waiting = self.waiting
        self.flush()
        while waiting and not self._full:
            piece: list[bytes] = []
            size = 0
            while waiting and size < 16_384:
                one = waiting.popleft()
                if isinstance(one, bytes):
                    self.size -= len(one)
                    piece.append(one)
                else:
                    piece.append(one.take_frame())
                size += len(piece[-1])
            self._sink.write(b"".join(piece))
        if not self._full:
            self.clear = True
            self._wake()

    async def drained(self) -> None:
        """Return once the client has taken most of the frames, or is gone."""
        self.flush()
        while not self.clear:
            if self._drained is None:
                self._drained = self._loop.create_future()
            await asyncio.shield(self._drained)

    def end(self) -> None:
        """Drop everything: the client is gone."""
        self.waiting.clear()
        self.gathered.clear()
        self._close_slow = _nothing
        self._full = False
        self.clear = True
        self._wake()

    def _wake(self) -> None:
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None


def _nothing(_reason: str) -> None:
    """Do nothing: the client is given up already."""
