"""An exchange of several processes: cores and gateways on one PostgreSQL and one Redis."""

import time
from collections.abc import Callable, Iterator, Sequence
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


Ways = Callable[[str], tuple[str, str]]
"""Returns the URLs of database and Redis for a process of that name."""
PROGRAMS = (QUICK, SKEWED, QUICK, QUICK)


class Fleet:
    """Two cores, one of them the leader, and two gateways, by default one core with a wrong clock.

    ``urls`` are where clients find the gateways.
    """

    def __init__(
        self,
        folder: Path,
        database_url: str,
        redis: RedisServer,
        ways: Ways | None = None,
        programs: Sequence[str] = PROGRAMS,
    ) -> None:
        self.database_url = database_url
        self.redis = redis
        self._ways = ways or (lambda _: (database_url, redis.url()))
        self.cores = [
            self._process(folder, f"core{n}", "core", program, "info")
            for n, program in enumerate(programs[:2], 1)
        ]
        self.gateways = [
            self._process(folder, f"gateway{n}", "gateway", program, "warning")
            for n, program in enumerate(programs[2:], 1)
        ]
        self.urls = [gateway.url for gateway in self.gateways]

    def _process(
        self, folder: Path, name: str, role: str, program: str, log_level: str
    ) -> ExchangeProcess:
        (folder / name).mkdir()
        database_url, redis_url = self._ways(name)
        settings = {"REDIS_URL": redis_url, "LOG_LEVEL": log_level}
        return ExchangeProcess(
            folder / name, database_url, "--role", role, settings=settings, program=program
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

    def leading(self) -> ExchangeProcess | None:
        """Return the core that leads, None while none does."""
        with httpx.Client(timeout=2, verify=False) as client:
            leaders = (one for one in self.cores if one.running and _leads(client, one.url))
            return next(leaders, None)

    def leader(self) -> ExchangeProcess:
        """Return the leading core once there is one."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            if (core := self.leading()) is not None:
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
def fleet(
    folder: Path,
    database_url: str,
    redis: RedisServer,
    ways: Ways | None = None,
    programs: Sequence[str] = PROGRAMS,
) -> Iterator[Fleet]:
    """Run a fleet with the seed data on an empty database, and end it."""
    migrations.upgrade(database_url)
    rounds, passwords.ROUNDS = passwords.ROUNDS, 4
    try:
        given = {"database_url": database_url, "data_dir": str(folder)}
        start.seed(given, force=False)
    finally:
        passwords.ROUNDS = rounds
    running = Fleet(folder, database_url, redis, ways, programs)
    try:
        running.start()
        yield running
    finally:
        running.close()
