"""One busy book and its subscribers: how long it takes until each of them has heard of a change,
beside a bare broadcast of the library `websockets`.

A trader sends orders at a steady rate, each of which changes one level. The delay counts from the
first sign of an order (its acknowledgement, or its delta at whichever subscriber) to its delta at
each of the others, in the one process that is all of them; so it holds the server's work and this
process's, the same for both servers, and no commit. One subscriber does not read at all.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import psutil

from benchmarks import load, sockets
from benchmarks.daemon import MARKET, Daemon, daemon
from benchmarks.sockets import Client
from benchmarks.table import RUNS, Line

SUBSCRIBERS = (1, 100, 1_000)
RATE = 20.0
"""Orders a second: at 1 000 subscribers 20 000 messages a second."""
SECONDS = 4.0
_ACK, _SUBSCRIBED, _DELTA = (
    b'{"type":"%b"' % type for type in (b"order.ack", b"subscribed", b"orderbook.delta")
)
_SUBSCRIBE = b'{"type":"subscribe","data":{"topics":["orderbook:%b"]}}' % MARKET.encode()


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds. Nothing is missing: each order waits for all that the one before it brings."""

    p50: float
    p99: float
    connection_bytes: float


def measure() -> Iterator[Line]:
    """Yield the delays for each number of subscribers; the servers take turns."""
    with daemon(None) as exchange, _broadcaster() as (port, pid):
        for count in SUBSCRIBERS:
            ours, bare = [], []
            for _ in range(RUNS):
                bare.append(load.run(_run(port, pid, count, None)))
                ours.append(
                    load.run(_run(exchange.process.port, exchange.process.pid, count, exchange))
                )
            memory = statistics.median(run.connection_bytes for run in ours)
            for name, value, other in (
                ("p50", [run.p50 for run in ours], [run.p50 for run in bare]),
                ("p99", [run.p99 for run in ours], [run.p99 for run in bare]),
            ):
                yield Line(
                    "fanout", f"{count} subscribers, delay {name}",
                    statistics.median(value) * 1_000, "ms", "websockets broadcast",
                    statistics.median(other) * 1_000, "≤ 2 ×",
                    f"{RATE:.0f} orders/s on SQLite, one more reads nothing, none missing, "
                    f"{memory / 1024:.0f} KiB a connection",
                )  # fmt: skip


async def _run(port: int, pid: int, count: int, exchange: Daemon | None) -> Delays:
    """Have ``count`` subscribers and one that stalls listen to a trader."""
    process = psutil.Process(pid)
    delays: list[float] = []
    first = 0.0
    awaited = count + 1
    complete = asyncio.Event()

    def sign(kind: bytes, _client: Client, message: bytes) -> None:
        nonlocal first, awaited
        if not message.startswith(kind):
            return
        now = time.perf_counter()
        first = first or now
        if kind == _DELTA:
            delays.append(now - first)
        awaited -= 1
        if not awaited:
            complete.set()

    token = None if exchange is None else exchange.tokens[0]
    trader = await sockets.connect(port, partial(sign, _ACK), token=token)
    before = process.memory_info().rss
    clients = [await sockets.connect(port, partial(sign, _SUBSCRIBED)) for _ in range(count + 1)]
    for client in clients:
        client.send(_SUBSCRIBE)
    await complete.wait()
    for client in clients:
        client.on_message = partial(sign, _DELTA)
    memory = (process.memory_info().rss - before) / len(clients)
    clients[-1].transport.pause_reading()
    sent = 0
    began = time.perf_counter()
    while sent < RATE * SECONDS:
        await asyncio.sleep(max(0.0, began + sent / RATE - time.perf_counter()))
        first, awaited = 0.0, count + 1
        complete.clear()
        trader.send(_order(sent))
        async with asyncio.timeout(10):
            await complete.wait()
        sent += 1
    for client in [trader, *clients]:
        client.transport.abort()
    delays.sort()
    at = [delays[int(len(delays) * part)] for part in (0.5, 0.99)]
    return Delays(at[0], at[1], memory)


def _order(number: int) -> bytes:
    """Return an order that rests at a price of its own side, so that no two trade."""
    return (
        b'{"type":"order.place","data":{"marketId":"%b","side":"BUY","type":"LIMIT",'
        b'"price":"0.%02d","qty":"1"}}' % (MARKET.encode(), 1 + number % 40)
    )


@contextmanager
def _broadcaster() -> Iterator[tuple[int, int]]:
    """Start the yardstick; yield its port and its process id."""
    command = [sys.executable, "-m", "benchmarks.broadcast_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        yield int(server.stdout.readline()), server.pid
        server.stdin.close()
