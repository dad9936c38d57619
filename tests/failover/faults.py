"""Faults of a fleet on a PostgreSQL with a standby, one at a time, each repaired afterwards."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import psutil

from tests.crash.fleet import Disturber, until
from tests.support.exchange import ExchangeProcess
from tests.support.jumping import FILE
from tests.support.postgres import PostgresServer, StopMode
from tests.support.postgres_pair import PostgresPair
from tests.support.wires import Wires

PAST_LEASE_S = (2.5, 5.0)
CORES_JUMP_S, GATEWAYS_JUMP_S = 600.0, 2.0
"""Largest jumps of clocks. Tokens expire by a gateway's clock, which must be right in seconds."""
_AWAY_S = (0.0, 1.0)
_CUTS = 12


@dataclass(kw_only=True)
class Faults(Disturber):
    """Injects every fault; ``pair`` is the database, ``wires`` are all connections."""

    pair: PostgresPair
    wires: Wires

    async def kill_standby_core(self) -> None:
        """SIGKILL the standby core and start it again."""
        standby = self._other(await asyncio.to_thread(self.running.leader))
        await asyncio.to_thread(standby.kill)
        await asyncio.sleep(self.draw.uniform(*_AWAY_S))
        await asyncio.to_thread(standby.start)

    async def pause_standby_core(self) -> None:
        """SIGSTOP the standby core past the lease, then SIGCONT."""
        await self._pause(self._other(await asyncio.to_thread(self.running.leader)))

    async def pause_gateway(self) -> None:
        """SIGSTOP a gateway past the lease, then SIGCONT."""
        await self._pause(self.draw.choice(self.running.gateways))

    async def kill_redis_with_its_data(self) -> None:
        """SIGKILL Redis and start it again with its persisted data."""
        await asyncio.to_thread(self.running.redis.stop, "kill")
        await asyncio.sleep(self.draw.uniform(*_AWAY_S))
        await asyncio.to_thread(self.running.redis.start, with_data=True)

    async def kill_postgres(self) -> None:
        """SIGKILL the primary and let it recover."""
        await self._restart(self.pair.primary, "kill")

    async def stop_postgres(self) -> None:
        """Stop the primary immediately and let it recover."""
        await self._restart(self.pair.primary, "immediate")

    async def kill_postgres_standby(self) -> None:
        """SIGKILL the standby: commits wait until it returns."""
        await self._restart(self.pair.standby, "kill")

    async def pause_postgres(self) -> None:
        """SIGSTOP all processes of the primary past the lease, then SIGCONT."""
        with _stopped(self.pair.primary):
            await asyncio.sleep(self.draw.uniform(*PAST_LEASE_S))

    async def cut_connections(self) -> None:
        """Cut random wires one after the other. A cut may hit every connection of the processes."""
        for _ in range(_CUTS):
            self.wires.cut(self.draw.choice(self.wires.names))
            await asyncio.sleep(self.draw.uniform(0, 0.2))

    async def cut_all_connections(self) -> None:
        """Cut every wire at once."""
        for name in self.wires.names:
            self.wires.cut(name)

    async def jump_clock(self) -> None:
        """Set one process's clock forward or back."""
        one = self.draw.choice(self.running.processes)
        far = CORES_JUMP_S if one in self.running.cores else GATEWAYS_JUMP_S
        (one.folder / FILE).write_text(str(self.draw.uniform(-far, far)))
        os.kill(one.pid, signal.SIGUSR1)

    async def fail_over_killed(self) -> None:
        """SIGKILL the primary and promote the standby."""
        await self._fail_over("kill")

    async def fail_over_stopped(self) -> None:
        """Stop the primary immediately and promote the standby."""
        await self._fail_over("immediate")

    async def fail_over_paused(self) -> None:
        """Pause the primary, promote the standby, and only then end the primary."""
        began = time.monotonic()
        with _stopped(self.pair.primary):
            await asyncio.sleep(self.draw.uniform(*_AWAY_S))
            await asyncio.to_thread(self.pair.fail_over)
            await asyncio.sleep(self.draw.uniform(*PAST_LEASE_S))
        await asyncio.to_thread(self.pair.standby.stop, "kill")
        await self._again(began)

    async def _fail_over(self, mode: StopMode) -> None:
        began = time.monotonic()
        await asyncio.to_thread(self.pair.primary.stop, mode)
        await asyncio.sleep(self.draw.uniform(*_AWAY_S))
        await asyncio.to_thread(self.pair.fail_over)
        await self._again(began)

    async def _again(self, began: float) -> None:
        """Wait for a leader on the promoted server; then restore the pair."""
        await until(self._leads)
        self.tally.failovers_s.append(time.monotonic() - began)
        await asyncio.to_thread(self.pair.restore, anew=self.draw.random() < 0.3)

    def _leads(self) -> bool:
        return self.running.leading() is not None

    async def _restart(self, server: PostgresServer, mode: StopMode) -> None:
        await asyncio.to_thread(server.stop, mode)
        await asyncio.sleep(self.draw.uniform(*_AWAY_S))
        await asyncio.to_thread(server.start)

    async def _pause(self, process: ExchangeProcess) -> None:
        os.kill(process.pid, signal.SIGSTOP)
        await asyncio.sleep(self.draw.uniform(*PAST_LEASE_S))
        os.kill(process.pid, signal.SIGCONT)


@contextmanager
def _stopped(server: PostgresServer) -> Iterator[None]:
    """Pause all processes of a server during the block."""
    postmaster = psutil.Process(server.pid)
    postmaster.suspend()
    stopped = [postmaster, *postmaster.children()]
    for process in stopped:
        process.suspend()
    try:
        yield
    finally:
        for process in stopped:
            process.resume()


Fault: TypeAlias = Callable[[Faults], Awaitable[None]]

FAILOVERS: tuple[Fault, ...] = (
    Faults.fail_over_killed,
    Faults.fail_over_stopped,
    Faults.fail_over_paused,
)
OTHERS: tuple[Fault, ...] = (
    Disturber.kill_leader,
    Disturber.pause_leader,
    Disturber.kill_gateway,
    Disturber.kill_redis,
    Disturber.pause_redis,
    Faults.kill_standby_core,
    Faults.pause_standby_core,
    Faults.pause_gateway,
    Faults.kill_redis_with_its_data,
    Faults.kill_postgres,
    Faults.stop_postgres,
    Faults.kill_postgres_standby,
    Faults.pause_postgres,
    Faults.cut_connections,
    Faults.cut_all_connections,
    Faults.jump_clock,
)
