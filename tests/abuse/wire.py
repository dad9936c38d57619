"""Raw bytes as an attacker sends them: requests, frames, and connections without clean-up."""

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
)
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_READ = 256 * 1024
_CONNECT_S = 5.0
ATTACKER = "127.0.0.2"
"""The address that attacks come from. The victim is at another one: an attacker can keep only those
waiting who share an address with it."""


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return the bytes of a request; ``headers`` are spelled with underscores."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    if body:
        headers.setdefault("content_type", "application/json")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def frame(payload: bytes, opcode: int = TEXT, *, fin: bool = True, rsv1: bool = False) -> bytes:
    """Return a client's frame. The mask is 0, which leaves the payload unchanged."""
    first = opcode | (0x80 if fin else 0) | (0x40 if rsv1 else 0)
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65_536:
        head = bytes((first, 0xFE)) + size.to_bytes(2)
    else:
        head = bytes((first, 0xFF)) + size.to_bytes(8)
    return head + b"\0\0\0\0" + payload


@dataclass
class Counts:
    """Counts of an attack's requests and of their answers."""

    bytes_sent: int = 0
    requests: int = 0
    statuses: dict[int, int] = field(default_factory=dict)

    def answered(self, status: int) -> None:
        """Count an answer by its status."""
        self.statuses[status] = self.statuses.get(status, 0) + 1

    @property
    def refused(self) -> int:
        """Return how many answers were refusals."""
        return sum(count for status, count in self.statuses.items() if status >= 400)

    @property
    def failed(self) -> int:
        """Return how many answers were 500, which always means a defect."""
        return self.statuses.get(500, 0)


class Line:
    """One TCP connection.

    When the server closes it, the attack goes on and further bytes are dropped.
    """

    def __init__(self, sock: socket.socket, counts: Counts) -> None:
        self.sock = sock
        self.counts = counts
        self.closed = False
        self._loop = asyncio.get_running_loop()
        self._rest = b""

    @property
    def local(self) -> tuple[str, int]:
        """Return the address and port of this end, which identify the server's end."""
        host, port = self.sock.getsockname()[:2]
        return host, port

    async def send(self, data: bytes, requests: int = 1) -> bool:
        """Send all bytes; tell whether the connection accepted them."""
        if self.closed:
            return False
        try:
            await self._loop.sock_sendall(self.sock, data)
        except OSError:
            self.closed = True
            return False
        self.counts.bytes_sent += len(data)
        self.counts.requests += requests
        return True

    async def push(self, data: bytes, seconds: float, requests: int = 1) -> bool:
        """Send, and stop when the server does not accept the bytes within this time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self.send(data, requests)
        return False

    async def answer(self, seconds: float = 30.0) -> tuple[int, bytes]:
        """Return the next answer's status and body, or (0, b"") if none arrives."""
        try:
            async with asyncio.timeout(seconds):
                head = await self._until(b"\r\n\r\n")
                status = int(head[9:12])
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line[15:])
                while len(self._rest) < length:
                    await self._more()
        except (OSError, TimeoutError):
            self.closed = True
            return 0, b""
        body, self._rest = self._rest[:length], self._rest[length:]
        self.counts.answered(status)
        return status, body

    async def ask(self, data: bytes, seconds: float = 30.0) -> tuple[int, bytes]:
        """Send a request and return its answer."""
        await self.send(data)
        return await self.answer(seconds)

    async def opened(self, path: str = "/realtime", headers: str = "") -> bool:
        """Send a WebSocket handshake, and tell whether the server accepted it."""
        if not await self.send(HANDSHAKE.format(path=path, headers=headers).encode()):
            return False
        try:
            async with asyncio.timeout(10):
                head = await self._until(b"\r\n\r\n")
        except (OSError, TimeoutError):
            self.closed = True
            return False
        self.counts.answered(int(head[9:12]))
        return head.startswith(b"HTTP/1.1 101")

    async def drain(self, seconds: float) -> int:
        """Read and drop bytes for this long or until the end; return how many bytes arrived."""
        got = len(self._rest)
        self._rest = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.closed:
                    try:
                        await self._more()
                    except OSError:
                        self.closed = True
                    got += len(self._rest)
                    self._count_errors()
                    self._rest = b""
        return got

    def _count_errors(self) -> None:
        """Count the errors among a socket's messages as refused answers."""
        defects = self._rest.count(b'"INTERNAL"')
        for status, count in ((500, defects), (400, self._rest.count(b'"type":"error"') - defects)):
            if count > 0:
                self.counts.statuses[status] = self.counts.statuses.get(status, 0) + count

    def close(self, *, reset: bool = False) -> None:
        """Close the connection; ``reset`` sends RST instead of FIN."""
        if reset:
            with contextlib.suppress(OSError):
                linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.closed = True
        self.sock.close()

    async def _until(self, end: bytes) -> bytes:
        while (at := self._rest.find(end)) < 0:
            await self._more()
        head, self._rest = self._rest[:at], self._rest[at + len(end) :]
        return head

    async def _more(self) -> None:
        data = await self._loop.sock_recv(self.sock, _READ)
        if not data:
            raise ConnectionError("closed by the server")
        self._rest += data


async def connect(
    port: int, counts: Counts, *, source: str = ATTACKER, receive: int | None = None
) -> Line | None:
    """Return a connection to the exchange, or None when the exchange accepts none.

    ``source``: the local address within 127.0.0.0/8. ``receive``: the size of the receive buffer.
    """
    sock = socket.socket()
    sock.setblocking(False)
    try:
        if receive is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        sock.bind((source, 0))
        async with asyncio.timeout(_CONNECT_S):
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    except (OSError, TimeoutError):
        sock.close()
        return None
    return Line(sock, counts)
