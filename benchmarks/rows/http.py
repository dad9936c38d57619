"""One order a request over HTTP, every answer after its commit, beside pgbench."""

from collections.abc import Iterator

import psutil

from benchmarks import load
from benchmarks.daemon import Daemon, daemon
from benchmarks.table import Line, median_of
from benchmarks.yardsticks import durability, prepare_pgbench, tpcb
from tests.support.postgres import PostgresServer

CONNECTIONS = 64
SECONDS = 5.0
CLIENTS = 32


def measure() -> Iterator[Line]:
    """Yield orders a second on both databases."""
    with PostgresServer() as server:
        prepare_pgbench(server.pgbench, server.url())
        tps = median_of(lambda: tpcb(server.pgbench, server.url(), CLIENTS).tps)
        fsync = durability(server.url())
        with daemon(server) as exchange:
            yield from _lines("PostgreSQL", exchange, tps, fsync)
    with daemon(None) as exchange:
        yield from _lines("SQLite", exchange, tps, "synchronous=full")


def _lines(kind: str, exchange: Daemon, tps: float, fsync: str) -> Iterator[Line]:
    results: list[load.Result] = []
    process = psutil.Process(exchange.process.pid)
    before = _cpu_seconds(process)

    def rate() -> float:
        results.append(closed_loop(exchange))
        return results[-1].rate

    value = median_of(rate)
    replies = sum(len(result.latencies) for result in results)
    cpu = (_cpu_seconds(process) - before) / replies * 1e6
    last = results[-1]
    conditions = (
        f"{fsync}, closed loop, {CONNECTIONS} connections, "
        f"{sum(result.errors for result in results)} errors, "
        f"p50 {last.percentile_ms(50):.1f} ms, p99 {last.percentile_ms(99):.1f} ms, "
        f"server CPU {cpu:.0f} µs an order"
    )
    yield Line(
        "http", f"POST /v1/orders, {kind}", value, "/s", f"pgbench -c {CLIENTS}", tps, "≥ 1.5 ×",
        conditions,
    )  # fmt: skip


def closed_loop(exchange: Daemon, seconds: float = SECONDS) -> load.Result:
    """Load the exchange with one order a request on 64 connections."""
    return load.run(
        load.closed_loop(
            "127.0.0.1",
            exchange.process.port,
            exchange.orders(),
            connections=CONNECTIONS,
            seconds=seconds,
        )
    )


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
