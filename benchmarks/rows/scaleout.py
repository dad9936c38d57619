"""Orders through gateways beside a core, on PostgreSQL and Redis, against one process.

What counts is the processor time of an order: this machine has too few processors to show a rate.
"""

import asyncio
import itertools
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from benchmarks import load
from benchmarks.daemon import Daemon, daemon, sign_up
from benchmarks.rows.http import CONNECTIONS, SECONDS
from benchmarks.table import Line
from benchmarks.yardsticks import durability
from predmarket.server.process import start
from predmarket.server.storage import migrations
from tests.support.exchange import ExchangeProcess
from tests.support.postgres import PostgresServer, fresh_database
from tests.support.redis import RedisServer

GATEWAYS = (1, 2)
TURNS = 5


def measure() -> Iterator[Line]:
    """Yield rates beside one process, and processor time beside one gateway."""
    with ExitStack() as stack:
        server = stack.enter_context(PostgresServer())
        redis = stack.enter_context(RedisServer())
        alone = stack.enter_context(daemon(server))
        runs = {0: _Runs([alone], [alone.process])}
        for count in GATEWAYS:
            runs[count] = stack.enter_context(_fleet(server, redis, count))
        for _ in range(TURNS):
            for one in runs.values():
                one.take()
        fsync = durability(server.url())
    for count in GATEWAYS:
        yield from _lines(count, runs, fsync)


def _lines(count: int, runs: "dict[int, _Runs]", fsync: str) -> Iterator[Line]:
    one, work = runs[count], f"{count} gateway{'s' * (count > 1)} and a core"
    conditions = (
        f"{fsync}, closed loop, {CONNECTIONS} connections, {one.errors} errors, p99 "
        f"{one.p99_ms:.0f} ms"
    )
    yield Line(
        "scaleout", f"{work}, orders", one.rate, "/s", "one process", runs[0].rate, "", conditions
    )
    yield Line(
        "scaleout", f"{work}, CPU an order", one.cpu_us, "µs", f"{GATEWAYS[0]} gateway",
        runs[GATEWAYS[0]].cpu_us, "≤ 1.1 ×",
        f"all daemons, without PostgreSQL and Redis; one process: {runs[0].cpu_us:.0f} µs",
    )  # fmt: skip


class _Runs:
    """Runs through some gateways, with the processor time of all daemons."""

    def __init__(self, gateways: list[Daemon], processes: list[ExchangeProcess]) -> None:
        self._gateways = gateways
        self._processes = [psutil.Process(process.pid) for process in processes]
        self._sources = [gateway.orders() for gateway in gateways]
        self._results: list[list[load.Result]] = []
        self._cpu_s: list[float] = []

    def take(self) -> None:
        before = self._cpu()
        self._results.append(load.run(self._load()))
        self._cpu_s.append(self._cpu() - before)

    async def _load(self) -> list[load.Result]:
        """Load all gateways at once."""
        share = CONNECTIONS // len(self._gateways)
        return await asyncio.gather(
            *(
                load.closed_loop(
                    "127.0.0.1", one.process.port, source, connections=share, seconds=SECONDS
                )
                for one, source in zip(self._gateways, self._sources, strict=True)
            )
        )

    def _cpu(self) -> float:
        times = [process.cpu_times() for process in self._processes]
        return float(sum(taken.user + taken.system for taken in times))

    @property
    def rate(self) -> float:
        return statistics.median(sum(one.rate for one in results) for results in self._results)

    @property
    def p99_ms(self) -> float:
        return statistics.median(
            max(one.percentile_ms(99) for one in results) for results in self._results
        )

    @property
    def cpu_us(self) -> float:
        return statistics.median(
            cpu_s / sum(len(one.latencies) for one in results) * 1e6
            for cpu_s, results in zip(self._cpu_s, self._results, strict=True)
        )

    @property
    def errors(self) -> int:
        return sum(one.errors for one in itertools.chain.from_iterable(self._results))


@contextmanager
def _fleet(server: PostgresServer, redis: RedisServer, gateways: int) -> Iterator[_Runs]:
    """Start a core and gateways of one exchange."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(fresh_database(server.url()))
        migrations.upgrade(url)
        start.seed({"database_url": url, "data_dir": str(folder)}, force=False)
        settings = {
            "REDIS_URL": redis.url(), "SIGNUP_CREDIT": "1000000", "LOG_LEVEL": "error",
        }  # fmt: skip
        processes = []
        for number in range(gateways + 1):
            own, role = folder / str(number), "gateway" if number else "core"
            own.mkdir()
            process = ExchangeProcess(own, url, "--role", role, settings=settings)
            stack.callback(process.kill)
            process.start()
            processes.append(process)
        tokens = sign_up(processes[1].url)
        yield _Runs([Daemon(one, tokens) for one in processes[1:]], processes)
