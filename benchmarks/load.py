"""An HTTP/1.1 load generator that costs far less CPU than any server it loads.

Raw asyncio protocols over uvloop, kept-alive connections, requests as ready-made bytes, replies
read by status and Content-Length only. What it cannot read (chunked replies) it refuses loudly.

Closed loop: each connection sends its next request when the reply to the last one has come.
Open loop: requests are due at a fixed rate whatever the server does, and a latency counts from the
moment a request was due, so a server that stalls cannot hide the requests it kept waiting. The
timer ticks each millisecond and sends what falls due until the next tick; a request sent ahead of
its moment is measured from its sending.

Limits: plain HTTP, one request a connection at a time, one process. A connection that the server
closes is not opened again: it is counted as lost.
"""

import asyncio
import re
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TypeVar, cast

import uvloop

T = TypeVar("T")

NextRequest = Callable[[], bytes]
"""Gives the bytes of the next request; called once for each."""
OnReply = Callable[[int, bytes], None]
"""Takes the status and the body of a reply, for a benchmark that must look inside."""

TICK_SECONDS = 0.001

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_BODILESS = frozenset({204, 304})


@dataclass(slots=True)
class Result:
    """What came back. A throughput counts only when ``errors`` is 0."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    """Seconds, in the order of the replies."""
    lost: int = 0
    """Requests whose connection ended before the reply."""
    unsent: int = 0
    """Open loop: requests still waiting for a free connection at the end."""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of the generator's own process."""

    @property
    def rate(self) -> float:
        """Replies a second."""
        return len(self.latencies) / self.seconds

    @property
    def errors(self) -> int:
        """Replies other than 2xx, and requests without one."""
        wrong = sum(n for status, n in self.statuses.items() if not 200 <= status < 300)
        return wrong + self.lost + self.unsent

    def percentile_ms(self, percent: float) -> float:
        """Return the latency in milliseconds that ``percent`` of the replies did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)] * 1_000


def request(method: str, path: str, *, body: bytes = b"", **headers: str) -> bytes:
    """Return the bytes of a request; ``content_type`` becomes Content-Type, and so on."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class _Connection(asyncio.Protocol):
    """One kept-alive connection, with at most one request under way."""

    def __init__(self, run: "_Run") -> None:
        self.run = run
        self.busy = False
        self.since = 0.0
        self.pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(
            "asyncio.Transport", transport
        )  # uvloop's own class, no subclass of it

    def send(self, since: float) -> None:
        """Send the next request; its latency counts from ``since``."""
        self.busy = True
        self.since = since
        self.transport.write(self.run.next_request())

    def data_received(self, data: bytes) -> None:
        data = self.pending + data if self.pending else data
        head = data.find(b"\r\n\r\n")
        if head < 0:
            self.pending = data
            return
        status = int(data[9:12])
        length = _LENGTH.search(data, 0, head)
        if length is None and status not in _BODILESS:
            self.run.fail(ValueError(f"a reply without Content-Length: {data[:head]!r}"))
            return
        end = head + 4 + (int(length[1]) if length else 0)
        if len(data) < end:
            self.pending = data
            return
        self.pending = data[end:]
        self.busy = False
        self.run.replied(self, status, data[head + 4 : end])

    def connection_lost(self, exc: Exception | None) -> None:
        self.run.left(self)


class _Run:
    """The state of one run: who is idle, what is due, what came back."""

    def __init__(
        self, next_request: NextRequest, on_reply: OnReply | None, *, closed_loop: bool
    ) -> None:
        self.next_request = next_request
        self.on_reply = on_reply
        self.closed_loop = closed_loop
        self.result = Result()
        self.idle: list[_Connection] = []
        self.due: deque[float] = deque()
        self.opened: list[_Connection] = []
        self.open = 0
        self.stopping = False
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def replied(self, connection: _Connection, status: int, body: bytes) -> None:
        now = time.perf_counter()
        self.result.latencies.append(now - connection.since)
        self.result.statuses[status] += 1
        if self.on_reply is not None:
            self.on_reply(status, body)
        if self.stopping:
            connection.transport.close()
        elif self.closed_loop:
            connection.send(now)
        elif self.due:
            connection.send(self.due.popleft())
        else:
            self.idle.append(connection)

    def dispatch(self, since: float) -> None:
        """Open loop: send on an idle connection, else keep it waiting with its moment."""
        if self.idle:
            self.idle.pop().send(min(since, time.perf_counter()))
        else:
            self.due.append(since)

    def left(self, connection: _Connection) -> None:
        self.open -= 1
        self.result.lost += connection.busy
        if connection in self.idle:
            self.idle.remove(connection)
        if not self.open and not self.over.done():
            self.over.set_result(None)

    def fail(self, error: Exception) -> None:
        if not self.over.done():
            self.over.set_exception(error)
        for connection in self.opened:
            connection.transport.abort()

    async def connect(self, host: str, port: int, count: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(count):
            _, connection = await loop.create_connection(lambda: _Connection(self), host, port)
            self.open += 1
            self.opened.append(connection)
        self.start, self.cpu = time.perf_counter(), time.process_time()

    async def finish(self, drain_seconds: float) -> Result:
        """Let what is under way come back, close what is idle, give up after a while."""
        self.stopping = True
        self.result.unsent = len(self.due)
        self.due.clear()
        for connection in self.idle.copy():
            connection.transport.close()
        await asyncio.wait([self.over], timeout=drain_seconds)
        if self.over.done():
            self.over.result()
        self.result.seconds = time.perf_counter() - self.start
        self.result.cpu_seconds = time.process_time() - self.cpu
        for connection in self.opened:
            if connection.busy and not connection.transport.is_closing():
                connection.transport.abort()
                self.result.lost += 1
                connection.busy = False
        return self.result


async def closed_loop(
    host: str,
    port: int,
    next_request: NextRequest,
    *,
    connections: int,
    seconds: float,
    on_reply: OnReply | None = None,
    drain_seconds: float = 10,
) -> Result:
    """Keep ``connections`` requests under way for ``seconds``; then wait for the last replies."""
    run = _Run(next_request, on_reply, closed_loop=True)
    await run.connect(host, port, connections)
    for connection in run.opened:
        connection.send(time.perf_counter())
    await asyncio.wait([run.over], timeout=seconds)
    return await run.finish(drain_seconds)


async def open_loop(
    host: str,
    port: int,
    next_request: NextRequest,
    *,
    rate: float,
    seconds: float,
    connections: int,
    on_reply: OnReply | None = None,
    drain_seconds: float = 10,
) -> Result:
    """Have ``rate`` requests a second fall due for ``seconds``, on at most ``connections``."""
    run = _Run(next_request, on_reply, closed_loop=False)
    await run.connect(host, port, connections)
    run.idle = run.opened.copy()
    sent, total = 0, int(rate * seconds)
    while sent < total and not run.over.done():
        horizon = time.perf_counter() - run.start + TICK_SECONDS
        while sent < total and sent / rate < horizon:
            run.dispatch(run.start + sent / rate)
            sent += 1
        await asyncio.sleep(TICK_SECONDS)
    give_up = run.start + seconds + drain_seconds
    while run.due and not run.over.done() and time.perf_counter() < give_up:
        await asyncio.wait([run.over], timeout=TICK_SECONDS)
    return await run.finish(drain_seconds)


def run(main: Coroutine[object, object, T]) -> T:
    """Run one of the loops above on uvloop."""
    return uvloop.run(main)
