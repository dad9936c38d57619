"""Injects faults into a fleet whose PostgreSQL has a synchronous standby.

The rounds are those of tests/crash/fleet.py: orders at both gateways, events that end, one fault,
then orders again. The checks: every acknowledged order exists once, unknown outcomes are found, and
both gateways show the same books. Money is conserved in every snapshot taken meanwhile, and at the
end the audit passes, replay included.
"""

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.crash.fleet import run
from tests.crash.fleet_tally import FleetTally
from tests.failover.faults import FAILOVERS, OTHERS, Fault, Faults
from tests.support.exchange import JUMPING
from tests.support.fleet import fleet
from tests.support.postgres_pair import PostgresPair
from tests.support.program import small_steps
from tests.support.redis import RedisServer
from tests.support.wires import Wires

FAILOVERS_AT_LEAST = 20


@small_steps()
def campaign(folder: Path, faults: int, seed: int) -> FleetTally:
    """Run a campaign on its own servers."""
    draw = random.Random(seed)
    with (
        PostgresPair() as pair,
        RedisServer(keeps=True) as redis,
        _sockets() as sockets,
        Wires() as wires,
    ):

        def ways(name: str) -> tuple[str, str]:
            """Open a process's wires to both servers of the pair and to Redis."""
            hosts = []
            for number, server in enumerate((pair.primary, pair.standby), 1):
                host = sockets / f"{name}-{number}"
                host.mkdir()
                path = ".s.PGSQL.5432"
                wires.add(f"{name} postgres {number}", str(server.sockets / path), host / path)
                hosts.append(host)
            own = sockets / f"{name}.redis"
            wires.add(f"{name} redis", str(redis.socket), own)
            return pair.url(hosts=hosts), redis.url(socket=own)

        with fleet(folder, pair.url(), redis, ways, (JUMPING,) * 4) as running:
            running.urls = [
                wires.add(f"clients of gateway {number}", one.url)
                for number, one in enumerate(running.gateways, 1)
            ]
            disturber = Faults(running, pair.primary, draw, pair=pair, wires=wires)
            return run(disturber, steps(faults, draw))


def steps(faults: int, draw: random.Random) -> list[Fault]:
    """Return the faults in random order, each kind equally often, with many failovers."""
    failovers = max(min(FAILOVERS_AT_LEAST, (faults + 2) // 3), faults // 8)
    chosen = [FAILOVERS[n % len(FAILOVERS)] for n in range(failovers)]
    others = draw.sample(OTHERS, len(OTHERS))
    chosen += [others[n % len(others)] for n in range(faults - failovers)]
    draw.shuffle(chosen)
    return chosen


@contextmanager
def _sockets() -> Iterator[Path]:
    """Create a folder for sockets, whose path may have only about 100 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="pm-wire-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
