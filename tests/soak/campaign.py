"""Traders and an organiser on one exchange for a given time, and samples of what it holds.

Everything is answered, everything acknowledged is there once, money is conserved in each snapshot
taken meanwhile, and in the last half memory, descriptors, threads and tasks do not grow.
"""

import asyncio
import os
import random
import signal
import statistics
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import psutil

from tests.crash.campaign import audit_holds, sums_hold
from tests.crash.organiser import Organiser
from tests.crash.traders import Trader
from tests.soak import sampled
from tests.support.exchange import SAMPLED, ExchangeProcess
from tests.support.load import MARKET

TRADERS = 4
SAMPLES = 60
"""How many are taken at most."""
LEAST_S = 0.4
"""The least time between two of them."""
GROWTH, SLACK_MIB = 1.1, 16
"""Memory may grow by a tenth and so much from the second quarter to the last: the caches fill, and
final markets stay in the lists."""
MORE = 5
"""So many more descriptors, threads or tasks are chance."""
_PAUSE_S = 1.0
_TURN_S = 20.0
"""A trader's socket lasts so long, and the use of a token over HTTP."""
_TOKEN_S = 300.0
"""A third of the life of a token."""
_CHECKED = 200
_SAMPLE_S = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The resources of the process at one time."""

    rss_mib: float
    descriptors: int
    threads: int
    tasks: int


@dataclass
class Soaked:
    """The results of a run."""

    samples: list[Sample] = field(default_factory=list)
    acknowledged: int = 0
    refused: int = 0
    events: int = 0
    sockets: int = 0

    def __str__(self) -> str:
        first, last = self.quarter(1), self.quarter(3)
        return (
            f"{self.acknowledged} orders acknowledged, {self.refused} refused, 0 unanswered, "
            f"{self.events} events ended, {self.sockets} sockets; second quarter and last: "
            f"{first.rss_mib:.0f} and {last.rss_mib:.0f} MiB, {first.descriptors} and "
            f"{last.descriptors} descriptors, {first.threads} and {last.threads} threads, "
            f"{first.tasks} and {last.tasks} tasks"
        )

    def quarter(self, number: int) -> Sample:
        """Return the medians of a quarter of the samples, counted from 0."""
        size = len(self.samples) // 4
        part = self.samples[number * size : (number + 1) * size]
        return Sample(
            statistics.median(one.rss_mib for one in part),
            round(statistics.median(one.descriptors for one in part)),
            round(statistics.median(one.threads for one in part)),
            round(statistics.median(one.tasks for one in part)),
        )

    def check(self) -> None:
        """Raise AssertionError if a resource grew."""
        first, last = self.quarter(1), self.quarter(3)
        assert last.rss_mib <= first.rss_mib * GROWTH + SLACK_MIB, self
        assert last.descriptors <= first.descriptors + MORE, self
        assert last.threads <= first.threads + MORE, self
        assert last.tasks <= first.tasks + MORE, self


def soak(folder: Path, database_url: str, seconds: float, seed: int) -> Soaked:
    """Trade for some seconds on a new exchange; check the run and return its results."""
    sample = folder / "tasks"
    settings = {"SIGNUP_CREDIT": "1000", "LOG_LEVEL": "error"}
    with patch.dict(os.environ, {sampled.FILE: str(sample)}):
        daemon = ExchangeProcess(folder, database_url, "--seed", settings=settings, program=SAMPLED)
    daemon.start()
    try:
        soaked = asyncio.run(_trade(daemon, sample, seconds, random.Random(seed)))
        assert daemon.stop() == 0
    finally:
        daemon.kill()
    audit_holds(database_url)
    soaked.check()
    return soaked


async def _trade(
    daemon: ExchangeProcess, sample: Path, seconds: float, draw: random.Random
) -> Soaked:
    soaked, stop = Soaked(), asyncio.Event()
    organiser = Organiser(random.Random(draw.random()), [MARKET], pause_s=_PAUSE_S)
    traders = [Trader(f"s{n}@example.com", random.Random(draw.random())) for n in range(TRADERS)]
    async with httpx.AsyncClient(base_url=daemon.url, timeout=30, verify=False) as client:
        for trader in traders:
            await trader.sign_up(client)
        await organiser.sign_in(client)
        hands: list[Coroutine[Any, Any, None]] = [
            _organise(organiser, client, stop),
            _renew(organiser, traders, client, stop),
            *(_over_http(one, client, organiser.markets, stop) for one in traders),
            *(_over_sockets(one, daemon.url, organiser.markets, stop, soaked) for one in traders),
        ]
        trading = asyncio.gather(*hands)
        try:
            await _watch(daemon, sample, seconds, soaked)
        finally:
            stop.set()
            await trading
        for trader in traders:
            assert trader.unknown == {}, trader.unknown
            await trader.check(client, _CHECKED)
            soaked.acknowledged += len(trader.acknowledged)
            soaked.refused += len(trader.refused)
        await organiser.find_out(client)
        soaked.events = organiser.did["resolve"]
    return soaked


async def _organise(organiser: Organiser, client: httpx.AsyncClient, stop: asyncio.Event) -> None:
    """Create and end events until the stop."""
    never = asyncio.Event()
    organising = asyncio.create_task(organiser.organise(client, never, never))
    await asyncio.wait(
        {organising, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED
    )
    organising.cancel()
    with suppress(asyncio.CancelledError):
        await organising


async def _renew(
    organiser: Organiser, traders: Sequence[Trader], client: httpx.AsyncClient, stop: asyncio.Event
) -> None:
    """Get new tokens from time to time, as a run lasts longer than one."""
    while not await _stopped(stop, _TOKEN_S):
        await organiser.sign_in(client)
        for trader in traders:
            await trader.log_in(client)


async def _over_http(
    trader: Trader, client: httpx.AsyncClient, markets: Sequence[str], stop: asyncio.Event
) -> None:
    """Trade over HTTP, with the current token in each turn."""
    while not stop.is_set():
        async with _turn(stop) as leave:
            await trader.trade_over_http(client, markets, leave)


async def _over_sockets(
    trader: Trader, url: str, markets: Sequence[str], stop: asyncio.Event, soaked: Soaked
) -> None:
    """Trade on one socket after another."""
    while not stop.is_set():
        async with _turn(stop) as leave:
            await trader.trade_over_socket(url, markets, leave)
        soaked.sockets += 1


@asynccontextmanager
async def _turn(stop: asyncio.Event) -> AsyncIterator[asyncio.Event]:
    """Yield an event that is set at the stop, or after a turn."""
    leave = asyncio.Event()

    async def wait() -> None:
        await _stopped(stop, _TURN_S)
        leave.set()

    waiting = asyncio.create_task(wait())
    try:
        yield leave
    finally:
        waiting.cancel()


async def _stopped(stop: asyncio.Event, within_s: float) -> bool:
    """Wait so long for the stop, and tell whether it came."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), within_s)
    return stop.is_set()


async def _watch(daemon: ExchangeProcess, sample: Path, seconds: float, soaked: Soaked) -> None:
    """Take samples, and check the conservation of money in a snapshot each time."""
    process, end = psutil.Process(daemon.pid), time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(left, max(LEAST_S, seconds / SAMPLES)))
        await asyncio.to_thread(sums_hold, daemon.database_url)
        soaked.samples.append(await asyncio.to_thread(_sample, process, sample))


def _sample(process: psutil.Process, path: Path) -> Sample:
    path.unlink(missing_ok=True)
    process.send_signal(signal.SIGUSR2)
    deadline = time.monotonic() + _SAMPLE_S
    while not path.exists():
        assert time.monotonic() < deadline, "the exchange does not answer a signal"
        time.sleep(0.01)
    return Sample(
        process.memory_info().rss / 2**20,
        process.num_fds(),
        process.num_threads(),
        int(path.read_text()),
    )
