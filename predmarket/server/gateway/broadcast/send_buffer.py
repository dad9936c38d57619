"""What goes out on one socket, and what waits because the client does not read.

What is sent within one turn of the loop is written as one piece. While the transport is full,
frames wait here, and of a book or a ticker only what stands for all that was missed
(subscription.py). Past MAX_WAITING_BYTES the client is too slow: ``give_up`` is called, once.
So a stalled reader costs a bounded amount of memory and nobody any time.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

MAX_WAITING_BYTES = 1024 * 1024

READS_TOO_SLOWLY = "too much waits to be read"
MISSED_CHANGES = "this gateway missed changes"


class Sink(Protocol):
    """Where frames go: a socket."""

    def write(self, frames: bytes) -> None:
        """Send ready-made frames."""


class Merged(Protocol):
    """What stands in the queue for several messages and is put into words when its turn comes."""

    def take_frame(self) -> bytes:
        """Return the frame, empty when there is nothing to say any more."""


class SendBuffer:
    """One socket's way out. ``clear``: what is sent is written at the end of the turn."""

    __slots__ = (
        "_drained", "_full", "_give_up", "_loop", "_sink", "_size", "_waiting", "clear",
        "gathered",
    )  # fmt: skip

    def __init__(self, sink: Sink, give_up: Callable[[str], None]) -> None:
        """Begin an empty one. ``give_up`` closes the socket; it is told why."""
        self._sink = sink
        self._give_up = give_up
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[bytes | Merged] = deque()
        self._size = 0
        self._full = False
        self._drained: asyncio.Future[None] | None = None
        self.gathered: list[bytes] = []
        self.clear = True

    def send(self, frame: bytes) -> None:
        """Send a frame, now or when the client has taken what was sent before."""
        if self.clear:
            if not self.gathered:
                self._loop.call_soon(self.flush)
            self.gathered.append(frame)
        else:
            self._waiting.append(frame)
            self.charge(len(frame))

    def flush(self) -> None:
        """Write what was gathered in this turn."""
        gathered = self.gathered
        if gathered:
            self.gathered = []
            self._sink.write(gathered[0] if len(gathered) == 1 else b"".join(gathered))

    def wait(self, merged: Merged) -> None:
        """Put something into the queue that is put into words later; ``charge`` for what it holds.

        Only while not ``clear``.
        """
        self._waiting.append(merged)

    def charge(self, size: int) -> None:
        """Count bytes that are kept for this client; a negative size gives them back."""
        self._size += size
        if self._size > MAX_WAITING_BYTES:
            self._end_with(READS_TOO_SLOWLY)

    def missed(self) -> None:
        """Give this client up: the gateway missed changes and cannot send them any more."""
        self._end_with(MISSED_CHANGES)

    def _end_with(self, reason: str) -> None:
        self._loop.call_soon(self._give_up, reason)  # not in the midst of a delivery
        self._give_up = _nothing

    def paused(self) -> None:
        """Keep what is sent from now on: the transport is full."""
        self._full = True
        self.clear = False

    def resumed(self) -> None:
        """Write what waits, until the transport is full again or nothing waits any more."""
        self._full = False
        waiting = self._waiting
        self.flush()
        while waiting and not self._full:
            piece: list[bytes] = []
            size = 0
            while waiting and size < 16_384:
                one = waiting.popleft()
                if isinstance(one, bytes):
                    self._size -= len(one)
                    piece.append(one)
                else:
                    piece.append(one.take_frame())
                size += len(piece[-1])
            self._sink.write(b"".join(piece))
        if not self._full:
            self.clear = True
            self._wake()

    async def drained(self) -> None:
        """Return once the client has taken most of what was sent; also when it is gone."""
        self.flush()
        while not self.clear:
            if self._drained is None:
                self._drained = self._loop.create_future()
            await asyncio.shield(self._drained)

    def end(self) -> None:
        """Drop everything: nobody reads any more."""
        self._waiting.clear()
        self.gathered.clear()
        self._give_up = _nothing
        self._full = False
        self.clear = True
        self._wake()

    def _wake(self) -> None:
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None


def _nothing(_reason: str) -> None:
    """Do nothing: the client is given up already."""
