"""The yardsticks alone: what a commit costs on this machine, before anything of ours runs."""

from collections.abc import Iterator

from benchmarks.table import Line
from benchmarks.yardsticks import durability, insert_commit, prepare_pgbench, tpcb
from tests.support.postgres import PostgresServer


def measure() -> Iterator[Line]:
    """Yield pgbench with 32 clients and with one, and the bare INSERT."""
    with PostgresServer() as server:
        url, program = server.url(), server.pgbench
        prepare_pgbench(program, url)
        conditions = f"{durability(url)}, closed loop"
        for clients in (32, 1):
            run = tpcb(program, url, clients)
            yield Line(
                "machine",
                f"pgbench TPC-B -c {clients}",
                run.tps,
                "tps",
                conditions=f"{conditions}, {run.failed} failed, p99 {run.p99_ms:.1f} ms",
            )
        run = insert_commit(program, url)
        for name, value in (("p50", run.p50_ms), ("p99", run.p99_ms)):
            yield Line(
                "machine", f"pgbench -c 1, INSERT {name}", value, "ms", conditions=conditions
            )
