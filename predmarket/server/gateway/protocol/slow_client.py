"""Closes connections whose client reads too slowly, for HTTP and WebSockets.

Output that a client does not read waits in three places, each with a bound:
- the system's buffer, about SEND_BUFFER_BYTES; without progress for READ_SECONDS the system ends
  the connection (``bound_unread``);
- the process's buffer of a connection: without progress for READ_SECONDS it is ``stalled``, and
  ``look`` of connection.py aborts it, ``look`` of websocket.py closes it (1013);
- a WebSocket's own queue, at most MAX_WAITING_BYTES (broadcast/send_buffer.py); beyond that the
  socket is closed at once (1013, ``SocketClient.close_slow`` in realtime/client.py).
"""

import asyncio
import socket
from contextlib import suppress

READ_SECONDS = 30.0
SEND_BUFFER_BYTES = 256 * 1024


def bound_unread(transport: asyncio.BaseTransport) -> None:
    """Bound the system's buffer for a client, and the time until the client reads from it.

    By default Linux buffers 4 MiB for a connection, and nobody counts it. The time-out also ends a
    connection while nothing waits in this process.
    """
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with suppress(OSError):  # best effort
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(READ_SECONDS * 1_000))


class ReadProgress:
    """Watches whether a client reads; ``look`` of its connection asks once a second."""

    __slots__ = ("_since", "_taken")

    def __init__(self) -> None:
        self._taken = 0
        self._since: float | None = None

    def stalled(self, now: float, unsent: int, taken: int = 0) -> bool:
        """Tell whether output has waited for READ_SECONDS without progress.

        ``unsent`` bytes wait in the process. ``taken`` counts the bytes that the client has taken;
        without it only an empty buffer is progress.
        """
        if not unsent:
            self._since = None
        elif self._since is None or taken != self._taken:
            self._taken, self._since = taken, now
        return self._since is not None and now - self._since > READ_SECONDS
