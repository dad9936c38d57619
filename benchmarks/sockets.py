"""Load and listeners over WebSockets, raw as in load.py and for the same reason.

A client's frames must be masked; the mask here is 0, which leaves the payload as it is. Only whole
text frames are read; a longer conversation (fragments, control frames) is refused loudly.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import cast

from benchmarks.load import Result

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
)


def text_frame(payload: bytes) -> bytes:
    """Return a client's text message in its frame."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, 0x80 | size)) + b"\0\0\0\0" + payload
    return b"\x81\xfe" + size.to_bytes(2) + b"\0\0\0\0" + payload


class Stream:
    """Splits what arrives into text messages."""

    def __init__(self) -> None:
        self._rest = b""
        self.open = False

    def messages(self, data: bytes) -> Iterator[bytes]:
        """Yield each whole message's payload, once the handshake is over."""
        data = self._rest + data
        at = 0
        if not self.open:
            at = data.find(b"\r\n\r\n") + 4
            if at < 4:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                raise ConnectionError(f"no WebSocket: {data[:200]!r}")
            self.open = True
        while len(data) - at >= 2:
            if data[at] != 0x81:
                raise ConnectionError(f"not a text message: {data[at : at + 40]!r}")
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(data[at + 2 : at + 4]), at + 4
            elif size == 127:
                size, start = int.from_bytes(data[at + 2 : at + 10]), at + 10
            if len(data) < start + size:
                break
            yield data[start : start + size]
            at = start + size
        self._rest = data[at:]


class Client(asyncio.Protocol):
    """One socket; ``on_message`` hears of each message, ``opened`` ends with the handshake."""

    def __init__(self, path: str, headers: str, on_message: Callable[["Client", bytes], None]):
        self._hello = HANDSHAKE.format(path=path, headers=headers).encode()
        self.on_message = on_message
        self._stream = Stream()
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False
        self.since: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._hello)

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._stream.messages(data):
                self.on_message(self, message)
        except ConnectionError as error:
            if not self.opened.done():
                self.opened.set_exception(error)
            self.transport.abort()
            return
        if self._stream.open and not self.opened.done():
            self.opened.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("closed during the handshake"))

    def send(self, payload: bytes) -> None:
        """Send a text message."""
        self.transport.write(text_frame(payload))


async def connect(
    port: int, on_message: Callable[[Client, bytes], None], *, token: str | None = None
) -> Client:
    """Open a socket to an exchange on this machine."""
    headers = "" if token is None else f"Authorization: Bearer {token}\r\n"
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(
        lambda: Client("/realtime", headers, on_message), "127.0.0.1", port
    )
    await client.opened
    return client


async def closed_loop(
    port: int,
    tokens: list[str],
    next_order: Callable[[], bytes],
    *,
    connections: int,
    in_flight: int,
    seconds: float,
) -> Result:
    """Keep ``in_flight`` orders under way on each connection; each acknowledgement sends one."""
    result = Result()
    stopping = False
    under_way = 0
    over = asyncio.get_running_loop().create_future()

    def order(client: Client) -> None:
        nonlocal under_way
        under_way += 1
        client.since.append(time.perf_counter())
        client.send(b'{"type":"order.place","data":%b}' % next_order())

    def answered(client: Client, message: bytes) -> None:
        nonlocal under_way
        acknowledged = message.startswith(b'{"type":"order.ack"')
        if not acknowledged and not message.startswith(b'{"type":"error"'):
            return  # a ping
        under_way -= 1
        result.latencies.append(time.perf_counter() - client.since.pop(0))
        result.statuses[201 if acknowledged else 500] += 1
        if not stopping:
            order(client)
        elif not under_way:
            over.set_result(None)

    clients = [
        await connect(port, answered, token=tokens[number % len(tokens)])
        for number in range(connections)
    ]
    began, cpu = time.perf_counter(), time.process_time()
    for client in clients * in_flight:
        order(client)
    await asyncio.sleep(seconds)
    stopping = True
    await asyncio.wait([over], timeout=10)
    result.seconds, result.cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    result.lost = under_way
    for client in clients:
        client.transport.close()
    return result
