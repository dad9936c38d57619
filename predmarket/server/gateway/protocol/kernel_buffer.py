"""What the system keeps for a client that does not read, HTTP and sockets alike."""

import asyncio
import socket
from contextlib import suppress
from typing import cast

SEND_BUFFER_BYTES = 256 * 1024


def bound_unread(transport: asyncio.BaseTransport, seconds: float) -> None:
    """Bound what the system buffers for a client, and how long it waits for it to be taken.

    Left alone, Linux buffers 4 MiB a connection, where nobody counts it. The time-out also ends a
    connection while nothing waits in this process.
    """
    sock = cast("socket.socket | None", transport.get_extra_info("socket"))
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with suppress(OSError):  # a wish
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1_000))
