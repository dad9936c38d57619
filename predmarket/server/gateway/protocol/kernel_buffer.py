"""Bounds the system's send buffer for a client that does not read, for HTTP and WebSockets."""

import asyncio
import socket
from contextlib import suppress
from typing import cast

SEND_BUFFER_BYTES = 256 * 1024


def bound_unread(transport: asyncio.BaseTransport, seconds: float) -> None:
    """Bound the system's buffer for a client, and the time until the client takes it.

    By default Linux buffers 4 MiB for a connection, and nobody counts it. The time-out also ends a
    connection while nothing waits in this process.
    """
    sock = cast("socket.socket | None", transport.get_extra_info("socket"))
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with suppress(OSError):  # best effort
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1_000))
