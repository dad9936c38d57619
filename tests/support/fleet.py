"""An exchange of several processes: cores and gateways on one PostgreSQL and one Redis."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from predmarket.server.gateway.auth import passwords
from predmarket.server.process import start
from predmarket.server.storage import migrations
from tests.support.exchange import QUICK, SKEWED, ExchangeProcess
from tests.support.redis import RedisServer

WAIT_S = 60.0


class Fleet:
    """Two cores, one of them the leader, and two gateways. One core has a wrong clock."""

    def __init__(self, folder: Path, database_url: str, redis: RedisServer) -> None:
        self.database_url = database_url
        self.redis = redis
        self.cores = [
            self._process(folder, f"core{n}", "core", program, "info")
            for n, program in ((1, QUICK), (2, SKEWED))
        ]
        self.gateways = [
            self._process(folder, f"gateway{n}", "gateway", QUICK, "warning") for n in (1, 2)
        ]

    def _process(
        self, folder: Path, name: str, role: str, program: str, log_level: str
    ) -> ExchangeProcess:
        (folder / name).mkdir()
        settings = {"REDIS_URL": self.redis.url(), "LOG_LEVEL": log_level}
        return ExchangeProcess(
            folder / name, self.database_url, "--role", role, settings=settings, program=program
        )

    @property
    def processes(self) -> list[ExchangeProcess]:
        """Return all daemons."""
        return [*self.cores, *self.gateways]

    def start(self) -> None:
        """Start all daemons that do not run, at the same time; return when they are ready."""
        with ThreadPoolExecutor(len(self.processes)) as pool:
            stopped = [one for one in self.processes if not one.running]
            for started in [pool.submit(one.start) for one in stopped]:
                started.result()

    def leader(self) -> ExchangeProcess:
        """Return the core that leads, once one does."""
        deadline = time.monotonic() + WAIT_S
        with httpx.Client(timeout=2, verify=False) as client:
            while time.monotonic() < deadline:
                for core in self.cores:
                    if core.running and _leads(client, core.url):
                        return core
                time.sleep(0.02)
        raise AssertionError("no core leads")

    def close(self) -> None:
        """End all of them at once."""
        for one in self.processes:
            one.kill()


def _leads(client: httpx.Client, url: str) -> bool:
    try:
        return bool(client.get(f"{url}/healthz").json()["core"] == "ok")
    except httpx.TransportError:
        return False


@contextmanager
def fleet(folder: Path, database_url: str, redis: RedisServer) -> Iterator[Fleet]:
    """Run a fleet with the seed data on an empty database, and end it."""
    migrations.upgrade(database_url)
    rounds, passwords.ROUNDS = passwords.ROUNDS, 4
    try:
        given = {"database_url": database_url, "data_dir": str(folder)}
        start.seed(given, force=False)
    finally:
        passwords.ROUNDS = rounds
    running = Fleet(folder, database_url, redis)
    try:
        running.start()
        yield running
    finally:
        running.close()
