"""How long one order takes: alone, then in an open loop at half of what the exchange can do."""

from collections.abc import Iterator

from benchmarks import load
from benchmarks.daemon import Daemon, daemon
from benchmarks.rows.http import CONNECTIONS, closed_loop
from benchmarks.table import Line
from benchmarks.yardsticks import durability, insert_commit, prepare_pgbench
from tests.support.postgres import PostgresServer

SECONDS = 6.0
_YARDSTICK = "pgbench -c 1, one INSERT"


def measure() -> Iterator[Line]:
    """Yield percentiles on both databases."""
    with PostgresServer() as server:
        prepare_pgbench(server.pgbench, server.url())
        commit_ms = insert_commit(server.pgbench, server.url()).p50_ms
        fsync = durability(server.url())
        with daemon(server) as exchange:
            yield from _lines("PostgreSQL", exchange, commit_ms, fsync)
    with daemon(None) as exchange:
        yield from _lines("SQLite", exchange, commit_ms, "synchronous=full")


def _lines(kind: str, exchange: Daemon, commit_ms: float, fsync: str) -> Iterator[Line]:
    port, orders = exchange.process.port, exchange.orders()
    alone = load.run(load.closed_loop("127.0.0.1", port, orders, connections=1, seconds=SECONDS))
    for percent in (50, 99, 99.9):
        goal = "≤ 3 ×" if percent == 50 else ""
        yield Line(
            "latency", f"{kind}, one client, p{percent}", alone.percentile_ms(percent), "ms",
            _YARDSTICK, commit_ms, goal, f"{fsync}, closed loop, {alone.errors} errors",
        )  # fmt: skip
    rate = closed_loop(exchange, 3.0).rate / 2
    opened = load.run(
        load.open_loop(
            "127.0.0.1", port, orders, rate=rate, seconds=SECONDS, connections=CONNECTIONS
        )
    )
    for percent in (50, 99, 99.9):
        yield Line(
            "latency", f"{kind}, half load, p{percent}", opened.percentile_ms(percent), "ms",
            conditions=f"{fsync}, open loop at {rate:,.0f}/s, {opened.errors} errors",
        )  # fmt: skip
