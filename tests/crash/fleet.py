"""Disturbs a fleet of several processes under load and checks its promises.

In each round traders place orders at both gateways, in events too, one of which begins to end; one
disturbance happens; then orders flow again. The checks: every acknowledged order exists once. An
order with an unknown outcome is found by its client order id and exists once too. Money is
conserved. Each event has the state that the organiser's answers say. At the end every event that
ended has paid everybody once, and the audit, replay included, passes.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import httpx

from tests.crash.campaign import audit_holds, sums_hold
from tests.crash.crowd import Crowd
from tests.crash.fleet_tally import FleetTally
from tests.crash.watch import same_books, snapshots
from tests.support.exchange import ExchangeProcess
from tests.support.fleet import Fleet, fleet
from tests.support.load import MARKET, Load
from tests.support.postgres import PostgresServer
from tests.support.program import small_steps
from tests.support.redis import RedisServer

LOADED = 60
BACK_S = 20.0
_CANCELED_S = 120.0
_PASSWORDS = {"user@example.com": "password123", "admin@example.com": "admin123"}
_DEPOSIT = "100000000"


@asynccontextmanager
async def signed_in(url: str, email: str) -> AsyncIterator[httpx.AsyncClient]:
    """Log one of the seed's users in at a gateway."""
    async with httpx.AsyncClient(base_url=url, timeout=20, verify=False) as client:
        body = {"email": email, "password": _PASSWORDS[email]}
        answer = await client.post("/v1/auth/login", json=body)
        client.cookies.clear()
        client.headers["authorization"] = f"Bearer {answer.json()['accessToken']}"
        yield client


@asynccontextmanager
async def loaded(
    running: Fleet, name: str, check: Callable[[str], None] = audit_holds
) -> AsyncIterator[list[Load]]:
    """Place orders at both gateways during the block; then check each order, and the money."""
    loads = [Load(url, 4, name=f"{name}-{n}") for n, url in enumerate(running.urls)]
    hands = [asyncio.create_task(load.run()) for load in loads]
    for load in loads:
        await load.reached(LOADED)
    yield loads
    for load in loads:
        load.stop()
    await asyncio.gather(*hands)
    async with signed_in(running.urls[0], "user@example.com") as user:
        for load in loads:
            assert load.refused == []
            for key in load.unknown:
                await _resolve(user, load, key)
        # an account has a bounded number of open orders, which a long campaign would reach
        await _cancel_all(user)
    for load in loads:
        assert await asyncio.to_thread(load.kept, running.database_url)
    await asyncio.to_thread(check, running.database_url)


async def _resolve(user: httpx.AsyncClient, load: Load, key: str) -> None:
    """Repeat an order with an unknown outcome, after which it is acknowledged."""
    body = {
        "marketId": MARKET, "side": "BUY", "type": "LIMIT", "price": "0.01", "qty": "1",
        "clientOrderId": key,
    }  # fmt: skip
    answer = await user.post("/v1/orders", json=body)
    assert answer.status_code in (200, 201), answer.text
    load.acknowledged[key] = answer.json()["id"]


async def _cancel_all(user: httpx.AsyncClient) -> None:
    """Cancel all orders; their many small steps may take longer than a gateway waits."""
    async with asyncio.timeout(_CANCELED_S):
        while (answer := await user.post("/v1/orders/cancel-all", json={})).status_code == 503:
            pass
    assert answer.status_code == 200, answer.text


async def flow(loads: list[Load], within_s: float = BACK_S) -> None:
    """Wait until orders flow at both gateways."""
    wanted = [len(load.acknowledged) + LOADED for load in loads]
    try:
        async with asyncio.timeout(within_s):
            await asyncio.gather(*map(Load.reached, loads, wanted))
    except TimeoutError:
        missing = [
            number - len(load.acknowledged) for load, number in zip(loads, wanted, strict=True)
        ]
        refused = [load.refused[:1] for load in loads]
        raise AssertionError(f"orders do not flow: {missing} missing, refused {refused}") from None


async def until(found: Callable[[], Any], within_s: float = BACK_S) -> None:
    """Wait until a condition that is checked in a thread holds."""
    async with asyncio.timeout(within_s):
        while not await asyncio.to_thread(found):
            await asyncio.sleep(0.02)


def leads(core: ExchangeProcess) -> bool:
    """Tell whether a core leads."""
    with httpx.Client(timeout=2, verify=False) as client:
        return bool(client.get(f"{core.url}/healthz").json()["core"] == "ok")


def sequence(core: ExchangeProcess) -> int:
    """Return the last command that a core has committed, or followed as a standby."""
    with httpx.Client(timeout=2, verify=False) as client:
        lines = client.get(f"{core.url}/metrics").text.splitlines()
    (line,) = [line for line in lines if line.startswith("settlement_sequence ")]
    return int(float(line.split()[1]))


D = TypeVar("D", bound="Disturber")
Disturbance: TypeAlias = Callable[["Disturber"], Awaitable[None]]


@dataclass
class Disturber:
    """Breaks one part of the fleet at a time and repairs it."""

    running: Fleet
    database: PostgresServer
    draw: random.Random
    tally: FleetTally = field(default_factory=FleetTally)

    async def kill_leader(self) -> None:
        """SIGKILL the leader.

        The other core takes over, and the killed one returns as the standby.
        """
        leader = await asyncio.to_thread(self.running.leader)
        began = time.monotonic()
        await asyncio.to_thread(leader.kill)
        await until(lambda: leads(self._other(leader)))
        self.tally.takeovers_s.append(time.monotonic() - began)
        await asyncio.to_thread(leader.start)

    async def kill_followed_leader(self) -> None:
        """SIGKILL the leader after the standby has caught up.

        The standby continues with its copy and loads nothing.
        """
        leader = await asyncio.to_thread(self.running.leader)
        other = self._other(leader)
        reached = await asyncio.to_thread(sequence, leader)
        await until(lambda: sequence(other) >= reached)
        log, before = other.folder / "log", (other.folder / "log").stat().st_size
        began = time.monotonic()
        await asyncio.to_thread(leader.kill)
        await until(lambda: leads(other))
        self.tally.takeovers_s.append(time.monotonic() - began)
        assert "followed the journal" in log.read_bytes()[before:].decode()
        await asyncio.to_thread(leader.start)

    async def pause_leader(self) -> None:
        """SIGSTOP the leader past its lease, then SIGCONT. It finds itself deposed and exits."""
        leader = await asyncio.to_thread(self.running.leader)
        began = time.monotonic()
        os.kill(leader.pid, signal.SIGSTOP)
        await until(lambda: leads(self._other(leader)))
        self.tally.takeovers_s.append(time.monotonic() - began)
        await asyncio.sleep(self.draw.uniform(0, 1))
        os.kill(leader.pid, signal.SIGCONT)
        assert await asyncio.to_thread(leader.ended) == 1
        await asyncio.to_thread(leader.start)

    async def kill_gateway(self) -> None:
        """SIGKILL a gateway and start it again."""
        gateway = self.draw.choice(self.running.gateways)
        await asyncio.to_thread(gateway.kill)
        await asyncio.to_thread(gateway.start)

    async def kill_redis(self) -> None:
        """SIGKILL Redis and start it again, empty."""
        await asyncio.to_thread(self.running.redis.stop, "kill")
        await asyncio.sleep(self.draw.uniform(0, 1))
        await asyncio.to_thread(self.running.redis.start)

    async def pause_redis(self) -> None:
        """SIGSTOP Redis for long enough that calls fail although they reach it."""
        os.kill(self.running.redis.pid, signal.SIGSTOP)
        await asyncio.sleep(self.draw.uniform(1, 4))
        os.kill(self.running.redis.pid, signal.SIGCONT)

    async def crash_postgres(self) -> None:
        """Crash PostgreSQL and let it recover."""
        await asyncio.to_thread(self.database.stop, "immediate")
        await asyncio.to_thread(self.database.start)

    def _other(self, core: ExchangeProcess) -> ExchangeProcess:
        (other,) = (one for one in self.running.cores if one is not core)
        return other


DISTURBANCES: tuple[Disturbance, ...] = (
    Disturber.kill_leader,
    Disturber.kill_followed_leader,
    Disturber.pause_leader,
    Disturber.kill_gateway,
    Disturber.kill_redis,
    Disturber.pause_redis,
    Disturber.crash_postgres,
)


async def disturb(disturber: D, steps: Iterable[Callable[[D], Awaitable[None]]]) -> FleetTally:
    """Run one round on a fleet for each disturbance."""
    running, draw, tally = disturber.running, disturber.draw, disturber.tally
    async with signed_in(running.urls[0], "admin@example.com") as admin:
        body = {"email": "user@example.com", "amount": _DEPOSIT, "reason": "for the campaign"}
        assert (await admin.post("/v1/user/transfer", json=body)).status_code == 201
    crowd, urls = Crowd(draw), running.urls
    await crowd.open(urls[0])
    for number, step in enumerate(steps):
        name = step.__name__.replace("_", " ")
        tally.under_way = f"{number + 1}, {name}"
        # A leader that had no PostgreSQL for longer than its lease may have been deposed.
        tally.deposed += await asyncio.to_thread(_start_deposed, running)
        async with loaded(running, f"round{number}", sums_hold) as loads:
            async with crowd.trading(urls), snapshots(running.database_url) as taken:
                await asyncio.sleep(draw.uniform(0, 0.5))
                await step(disturber)
                await flow(loads)
            tally.unknown += await crowd.find_out(urls[0])
            tally.snapshots += taken.count
        await same_books(urls, [MARKET, *crowd.organiser.markets])
        tally.rounds[name] += 1
        tally.acknowledged += sum(len(load.acknowledged) for load in loads)
        tally.unknown += sum(len(load.unknown) for load in loads)
    await asyncio.to_thread(audit_holds, running.database_url)
    tally.payouts = await asyncio.to_thread(crowd.check_payouts, running.database_url)
    tally.traded = sum(len(trader.acknowledged) for trader in crowd.traders)
    tally.acts, tally.cut = crowd.organiser.did, crowd.organiser.cut
    return tally


def run(disturber: D, steps: Iterable[Callable[[D], Awaitable[None]]]) -> FleetTally:
    """Run the rounds; on a failure print the round and the last lines of all logs."""
    try:
        return asyncio.run(disturb(disturber, steps))
    except BaseException:
        print(f"in round {disturber.tally.under_way}")
        for one in disturber.running.processes:  # their folders are gone in a moment
            print(f"{one.folder.name}: {_health(one)}")
            print((one.folder / "log").read_text()[-3000:])
        raise


def _health(one: ExchangeProcess) -> str:
    try:
        return httpx.get(f"{one.url}/healthz", timeout=5, verify=False).text
    except httpx.HTTPError as error:
        return repr(error)


def _start_deposed(running: Fleet) -> int:
    """Start the cores again that have exited by themselves, and return how many.

    No other process may have exited.
    """
    assert all(gateway.running for gateway in running.gateways)
    ended = [core for core in running.cores if not core.running]
    for core in ended:
        assert core.ended() == 1
        assert "Deposed" in (core.folder / "log").read_text()
        core.start()
    return len(ended)


@small_steps()
def campaign(folder: Path, rounds: int, seed: int) -> FleetTally:
    """Run a campaign on its own servers."""
    with (
        PostgresServer() as database,
        RedisServer() as redis,
        fleet(folder, database.url(), redis) as running,
    ):
        disturber = Disturber(running, database, random.Random(seed))
        steps = (disturber.draw.choice(DISTURBANCES) for _ in range(rounds))
        return run(disturber, steps)
