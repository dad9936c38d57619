"""A simulation: what several shards would do, of the costs of a batch measured here."""

import statistics
from collections.abc import Iterator

from benchmarks.rows.engine import translated
from benchmarks.rows.settle import settle_rate
from benchmarks.shards import MAX_BATCH, Costs, most_orders
from benchmarks.stream import commands
from benchmarks.table import RUNS, Line
from benchmarks.yardsticks import durability
from predmarket.server.interpreter import tune_interpreter
from tests.support.postgres import PostgresServer, fresh_database

SHARDS = (1, 2, 4, 8)
P99_S = 0.05
_FEW = 10
_COMMANDS = {_FEW: 5_000, MAX_BATCH: 40_000}


def measure() -> Iterator[Line]:
    """Yield the rate that each number of shards would bear, beside that of one."""
    tune_interpreter()  # as serve does
    with PostgresServer() as server:
        costs, fsync = measured_costs(server), durability(server.url())
    one, _ = most_orders(costs, 1, P99_S)
    for shards in SHARDS:
        rate, outcome = most_orders(costs, shards, P99_S)
        yield Line(
            "scale", f"simulated: {shards} shards", rate, "/s", "one shard", one,
            conditions=f"{fsync}, a batch {costs.batch_s * 1e3:.2f} ms and "
            f"{costs.command_s * 1e6:.0f} µs a command, p50 {outcome.p50_s * 1e3:.0f} ms, p99 at "
            f"most {P99_S * 1e3:.0f} ms, {outcome.transfers:.3f} transfers an order, the busiest "
            f"shard busy {outcome.busiest:.0%}",
        )  # fmt: skip


def measured_costs(server: PostgresServer) -> Costs:
    """Return what a batch and a command of it take: the line through two sizes of batches."""
    calls = translated(commands(max(_COMMANDS.values())))
    took = {}
    for size, count in _COMMANDS.items():
        rates = []
        for _ in range(RUNS):
            with fresh_database(server.url()) as url:
                rates.append(settle_rate(url, calls[:count], size))
        took[size] = size / statistics.median(rates)
    command_s = (took[MAX_BATCH] - took[_FEW]) / (MAX_BATCH - _FEW)
    return Costs(max(0.0, took[_FEW] - _FEW * command_s), command_s)
