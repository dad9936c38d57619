"""How long nobody leads after the leader was killed, by how much the exchange holds.

TAKEOVER_ORDERS (0,100000,1000000) are the sizes, with as many idle accounts as the largest has
orders in that one alone; TAKEOVER_ROUNDS (5) how often the leader is killed at each.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx

from benchmarks.crowd import gather
from benchmarks.table import Line
from benchmarks.yardsticks import durability
from predmarket.server.process import start
from predmarket.server.storage import migrations
from tests.crash.fleet import leads, sequence
from tests.support.exchange import QUICK, ExchangeProcess
from tests.support.postgres import PostgresServer, fresh_database
from tests.support.redis import RedisServer

SIZES = [int(size) for size in os.environ.get("TAKEOVER_ORDERS", "0,100000,1000000").split(",")]
ROUNDS = int(os.environ.get("TAKEOVER_ROUNDS", "5"))
_LOADED_S = 600.0
_LOOK_S = 0.01


def measure() -> Iterator[Line]:
    """Yield the median and the longest takeover at each size, beside that of the smallest."""
    first: float | None = None
    with PostgresServer() as server, RedisServer() as redis:
        fsync = durability(server.url())
        for size in SIZES:
            idle = size if size == max(SIZES) else 0
            took = _takeovers(server, redis, size, idle)
            median = statistics.median(took)
            first = first or median
            work = f"{size:,} open orders, {idle:,} idle accounts"
            conditions = f"{fsync}, {ROUNDS} kills, lease included"
            yield Line(
                "takeover", f"{work}, median", median * 1_000, "ms", "itself at the first size",
                first * 1_000, "≤ 1.2 ×", conditions,
            )  # fmt: skip
            yield Line(
                "takeover", f"{work}, longest", max(took) * 1_000, "ms",
                conditions=f"{conditions}; to beat: 3 s",
            )  # fmt: skip


def _takeovers(server: PostgresServer, redis: RedisServer, orders: int, idle: int) -> list[float]:
    """Kill the leader time and again, a standby following; return the seconds until it leads."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(fresh_database(server.url()))
        migrations.upgrade(url)
        start.seed({"database_url": url, "data_dir": str(folder)}, force=False)
        gather(url, idle, orders)
        cores = [_core(folder / name, url, redis) for name in ("a", "b")]
        for core in cores:
            stack.callback(core.kill)
        leader, standby = cores
        leader.start()
        _until(lambda: leads(leader))
        took = []
        for _ in range(ROUNDS):
            if not standby.running:
                standby.start()
            reached = sequence(leader)
            _until(lambda: sequence(standby) >= reached)  # noqa: B023 -- at once
            began = time.monotonic()
            leader.kill()
            _until(lambda: leads(standby))  # noqa: B023 -- at once
            took.append(time.monotonic() - began)
            leader, standby = standby, leader
        return took


def _core(folder: Path, url: str, redis: RedisServer) -> ExchangeProcess:
    folder.mkdir()
    settings = {"REDIS_URL": redis.url(), "LOG_LEVEL": "warning"}
    return ExchangeProcess(folder, url, "--role", "core", settings=settings, program=QUICK)


def _until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LOADED_S
    while time.monotonic() < deadline:
        with suppress(httpx.TimeoutException):  # it is busy loading
            if found():
                return
        time.sleep(_LOOK_S)
    raise TimeoutError("the core was not there in time")
