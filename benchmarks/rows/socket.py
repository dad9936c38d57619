"""Orders through /realtime, every one acknowledged after its commit, beside pgbench."""

import statistics
from collections.abc import Iterator

from benchmarks import load, sockets
from benchmarks.daemon import Daemon, daemon, orders
from benchmarks.table import RUNS, Line
from benchmarks.yardsticks import durability, prepare_pgbench, tpcb
from tests.support.postgres import PostgresServer

CONNECTIONS = 64
GOALS = {1: "≥ 2 ×", 4: "≥ 2.5 ×"}
"""Each goal by the orders that a client has under way: one as over HTTP, or a few, as one that
quotes does."""
SECONDS = 5.0
CLIENTS = 32


def measure() -> Iterator[Line]:
    """Yield orders a second on both databases; yardstick and candidates take turns."""
    with PostgresServer() as server, daemon(server) as shared, daemon(None) as embedded:
        prepare_pgbench(server.pgbench, server.url())
        exchanges = {"PostgreSQL": shared, "SQLite": embedded}
        results: dict[tuple[str, int], list[load.Result]] = {}
        tps = []
        for _ in range(RUNS):
            tps.append(tpcb(server.pgbench, server.url(), CLIENTS).tps)
            for kind, exchange in exchanges.items():
                for in_flight in GOALS:
                    runs = results.setdefault((kind, in_flight), [])
                    runs.append(closed_loop(exchange, in_flight))
        settings = {"PostgreSQL": durability(server.url()), "SQLite": "synchronous=full"}
        for (kind, in_flight), runs in results.items():
            p50, p99 = (
                statistics.median(run.percentile_ms(percent) for run in runs)
                for percent in (50, 99)
            )
            yield Line(
                "socket", f"{in_flight} under way a client, {kind}",
                statistics.median(run.rate for run in runs), "/s",
                f"pgbench -c {CLIENTS}", statistics.median(tps), GOALS[in_flight],
                f"{settings[kind]}, closed loop, {CONNECTIONS} sockets, "
                f"{sum(run.errors for run in runs)} errors, p50 {p50:.1f} ms, p99 {p99:.1f} ms",
            )  # fmt: skip


def closed_loop(exchange: Daemon, in_flight: int, seconds: float = SECONDS) -> load.Result:
    """Load the exchange with orders over sockets."""
    return load.run(
        sockets.closed_loop(
            exchange.process.port,
            exchange.tokens,
            orders(),
            connections=CONNECTIONS,
            in_flight=in_flight,
            seconds=seconds,
        )
    )
