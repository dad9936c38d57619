"""One order a request over HTTP, every answer after its commit, beside pgbench and nothing."""

import statistics
from collections.abc import Iterator

import psutil

from benchmarks import empty, load
from benchmarks.daemon import Daemon, daemon
from benchmarks.table import Line
from benchmarks.yardsticks import durability, prepare_pgbench, tpcb
from tests.support.postgres import PostgresServer

CONNECTIONS = 64
SECONDS = 3.0
TURNS = 7
"""Short and many: a shared machine's speed drifts by half within a minute, and a median of a few
long runs compares moments, not programs."""
CLIENTS = 32


def measure() -> Iterator[Line]:
    """Yield orders a second on both databases; yardsticks and candidates take turns."""
    with PostgresServer() as server, daemon(server) as shared, daemon(None) as embedded:
        prepare_pgbench(server.pgbench, server.url())
        series = {"PostgreSQL": _Series(shared), "SQLite": _Series(embedded)}
        tps = []
        for _ in range(TURNS):
            tps.append(tpcb(server.pgbench, server.url(), CLIENTS, int(SECONDS)).tps)
            for one in series.values():
                one.run()
        settings = {"PostgreSQL": durability(server.url()), "SQLite": "synchronous=full"}
        for kind, one in series.items():
            yield from one.lines(kind, statistics.median(tps), settings[kind])


class _Series:
    """Runs against one exchange, with the CPU that they cost it."""

    def __init__(self, exchange: Daemon) -> None:
        self.exchange = exchange
        self.results: list[load.Result] = []
        self.empties: list[load.Result] = []
        self._process = psutil.Process(exchange.process.pid)
        self._cpu = 0.0

    def run(self) -> None:
        before = _cpu_seconds(self._process)
        self.results.append(closed_loop(self.exchange))
        self._cpu += _cpu_seconds(self._process) - before
        self.empties.append(closed_loop(self.exchange, path=empty.PATH))

    def lines(self, kind: str, tps: float, durable: str) -> Iterator[Line]:
        results = self.results
        replies = sum(len(result.latencies) for result in results)
        p50, p99 = (
            statistics.median(result.percentile_ms(percent) for result in results)
            for percent in (50, 99)
        )
        conditions = (
            f"{durable}, closed loop, {CONNECTIONS} connections, "
            f"{sum(result.errors for result in results)} errors, p50 {p50:.1f} ms, "
            f"p99 {p99:.1f} ms, server CPU {self._cpu / replies * 1e6:.0f} µs an order"
        )
        rate = statistics.median(result.rate for result in results)
        yield Line(
            "http", f"POST /v1/orders, {kind}", rate, "/s", f"pgbench -c {CLIENTS}", tps,
            "≥ 2 ×", conditions,
        )  # fmt: skip
        nothing = statistics.median(result.rate for result in self.empties)
        errors = sum(result.errors for result in self.empties)
        yield Line(
            "http", f"POST /v1/orders, {kind}", rate, "/s", "empty handler", nothing,
            "≥ 0.6 ×", f"the same server, token and body; {errors} errors",
        )  # fmt: skip


def closed_loop(
    exchange: Daemon, seconds: float = SECONDS, path: str = "/v1/orders"
) -> load.Result:
    """Load the exchange with one order a request on 64 connections."""
    return load.run(
        load.closed_loop(
            "127.0.0.1",
            exchange.process.port,
            exchange.orders(path),
            connections=CONNECTIONS,
            seconds=seconds,
        )
    )


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
