"""The load generator against the cheapest server: what it costs before any server of ours does."""

import subprocess
import sys
from collections.abc import Iterator

import psutil

from benchmarks import load
from benchmarks.table import Line

CONNECTIONS = 64
SECONDS = 4.0
OPEN_RATE = 2_000


def measure() -> Iterator[Line]:
    """Yield requests a second and CPU a request, then the latency of an open loop."""
    command = [sys.executable, "-m", "benchmarks.trivial_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        port = int(server.stdout.readline())
        yield from _measure(port, psutil.Process(server.pid))
        server.stdin.close()


def _measure(port: int, server: psutil.Process) -> Iterator[Line]:
    post = load.request("POST", "/v1/orders", body=b"{}", content_type="application/json")
    before = _cpu_seconds(server)
    closed = load.run(
        load.closed_loop("127.0.0.1", port, lambda: post, connections=CONNECTIONS, seconds=SECONDS)
    )
    served = _cpu_seconds(server) - before
    count = len(closed.latencies)
    conditions = f"{CONNECTIONS} connections, closed loop, {closed.errors} errors"
    yield Line("load", "requests to a trivial server", closed.rate, "/s", conditions=conditions)
    yield Line(
        "load",
        "CPU a request",
        closed.cpu_seconds / count * 1e6,
        "µs",
        "the trivial server's CPU",
        served / count * 1e6,
        "≤ 2 ×",
        conditions,
    )
    opened = load.run(
        load.open_loop(
            "127.0.0.1",
            port,
            lambda: post,
            rate=OPEN_RATE,
            seconds=SECONDS,
            connections=CONNECTIONS,
        )
    )
    conditions = f"open loop at {OPEN_RATE:,}/s, {opened.errors} errors"
    for percent in (50, 99, 99.9):
        latency = opened.percentile_ms(percent)
        yield Line("load", f"latency p{percent}", latency, "ms", conditions=conditions)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
