"""Twenty orders a request through POST /v1/orders/batch, beside pgbench."""

import statistics
from collections.abc import Iterator

from benchmarks import load
from benchmarks.daemon import Daemon, daemon
from benchmarks.table import RUNS, Line
from benchmarks.yardsticks import durability, prepare_pgbench, tpcb
from tests.support.postgres import PostgresServer

SIZE = 20
CONNECTIONS = 64
SECONDS = 5.0
CLIENTS = 32


def measure() -> Iterator[Line]:
    """Yield orders a second on both databases; yardstick and candidates take turns."""
    with PostgresServer() as server, daemon(server) as shared, daemon(None) as embedded:
        prepare_pgbench(server.pgbench, server.url())
        exchanges = {"PostgreSQL": shared, "SQLite": embedded}
        rates: dict[str, list[float]] = {kind: [] for kind in exchanges}
        errors = dict.fromkeys(exchanges, 0)
        tps = []
        for _ in range(RUNS):
            tps.append(tpcb(server.pgbench, server.url(), CLIENTS).tps)
            for kind, exchange in exchanges.items():
                rate, wrong = _run(exchange)
                rates[kind].append(rate)
                errors[kind] += wrong
        settings = {"PostgreSQL": durability(server.url()), "SQLite": "synchronous=full"}
        for kind, taken in rates.items():
            yield Line(
                "batch", f"{SIZE} orders a request, {kind}", statistics.median(taken), "/s",
                f"pgbench -c {CLIENTS}", statistics.median(tps), "≥ 4 ×",
                f"{settings[kind]}, closed loop, {CONNECTIONS} connections, "
                f"{errors[kind]} errors",
            )  # fmt: skip


def _run(exchange: Daemon) -> tuple[float, int]:
    """Return the orders a second and how many requests or orders of them failed."""
    refused = 0

    def count(_status: int, body: bytes) -> None:
        nonlocal refused
        refused += body.count(b'{"error":')

    result = load.run(
        load.closed_loop(
            "127.0.0.1",
            exchange.process.port,
            exchange.batches(SIZE),
            connections=CONNECTIONS,
            seconds=SECONDS,
            on_reply=count,
        )
    )
    return result.rate * SIZE, result.errors + refused
