"""Kill the exchange at random moments under load, start it again, and hold it to its word.

Each round: trade with several users at once, each over HTTP and over a socket; SIGKILL at a random
moment; start again. Then: every acknowledged order is there once and has lost nothing; what was
unknown is found out by its client order id and is there once too; what was placed on a socket with
cancelOnDisconnect is canceled, and nothing else is; money is conserved in a snapshot read under
load; and at the end the audit, replay included, holds.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from predmarket.server.core import audit
from predmarket.server.core.stores.factory import open_store
from tests.crash.traders import Trader
from tests.support.exchange import QUICK, ExchangeProcess

MARKET = "will-it-rain-tomorrow"
TRADERS = 6
WAYS = ("http", "socket")
AT_LEAST = 10
"""So many orders of a round are acknowledged over each way in before its kill, however busy the
machine is."""
_LONGEST_S = 0.6
_LATEST_S = 20.0
_CHECKED = 100


@dataclass
class Tally:
    """What a campaign went through."""

    kills: int = 0
    acknowledged: int = 0
    by_way: Counter[str] = field(default_factory=Counter)
    """Of the acknowledged ones, those placed over each way in; the rest were found out."""
    refused: int = 0
    unknown: int = 0
    happened: int = 0
    """Of the unknown ones, those that had been carried out before the kill."""
    disconnected: int = 0
    """Orders canceled because their socket was gone."""

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.acknowledged} orders acknowledged "
            f"({self.by_way['http']} over HTTP, {self.by_way['socket']} over sockets), "
            f"{self.refused} refused, {self.unknown} unknown at a kill ({self.happened} of them "
            f"had happened), {self.disconnected} canceled with their socket"
        )


def sums_hold(database_url: str) -> None:
    """Check conservation in one snapshot of the database, whoever is writing to it."""
    store = open_store(database_url)
    store.connect()
    try:
        store.begin_snapshot()
        assert [check for check in audit.sums(store) if not check.ok] == []
    finally:
        store.close()


def audit_holds(database_url: str) -> None:
    """Check everything, replay included."""
    store = open_store(database_url)
    store.connect()
    try:
        store.begin_snapshot()
        checks = [*audit.sums(store), *audit.replay(store, lambda *_: None)]
    finally:
        store.close()
    assert [check for check in checks if not check.ok] == []


async def campaign(folder: Path, database_url: str, kills: int, seed: int) -> Tally:
    """Run ``kills`` rounds. The seed decides what the traders do and when the kills come."""
    draw = random.Random(seed)
    settings = {"SIGNUP_CREDIT": "60", "LOG_LEVEL": "error"}
    daemon = ExchangeProcess(folder, database_url, "--seed", settings=settings, program=QUICK)
    traders = [Trader(f"t{n}@example.com", random.Random(draw.random())) for n in range(TRADERS)]
    tally = Tally()
    try:
        await asyncio.to_thread(daemon.start)
        async with httpx.AsyncClient(base_url=daemon.url, timeout=10, verify=False) as client:
            await asyncio.gather(*(trader.sign_up(client) for trader in traders))
        for _ in range(kills):
            await _round(daemon, traders, draw.uniform(0.02, _LONGEST_S), tally)
        assert await asyncio.to_thread(daemon.stop) == 0
    finally:
        daemon.kill()
    await asyncio.to_thread(audit_holds, database_url)
    tally.acknowledged = sum(len(trader.acknowledged) for trader in traders)
    tally.refused = sum(len(trader.refused) for trader in traders)
    tally.by_way = _by_way(traders)
    tally.disconnected = _once_each(database_url, traders)
    return tally


async def _round(
    daemon: ExchangeProcess, traders: list[Trader], until_kill_s: float, tally: Tally
) -> None:
    stop = asyncio.Event()
    before = _by_way(traders)
    async with httpx.AsyncClient(base_url=daemon.url, timeout=10, verify=False) as client:
        # both ways each, so that a user's own orders race as well
        trading = [
            asyncio.create_task(hand)
            for trader in traders
            for hand in (
                trader.trade_over_http(client, MARKET, stop),
                trader.trade_over_socket(daemon.url, MARKET, stop),
            )
        ]
        await asyncio.sleep(until_kill_s / 2)
        await asyncio.to_thread(sums_hold, daemon.database_url)
        await asyncio.sleep(until_kill_s / 2)
        async with asyncio.timeout(_LATEST_S):
            while min((_by_way(traders) - before)[way] for way in WAYS) < AT_LEAST:
                await asyncio.sleep(0.01)
        await asyncio.to_thread(daemon.kill)
        stop.set()
        await asyncio.gather(*trading)
    tally.kills += 1
    tally.unknown += sum(len(trader.unknown) for trader in traders)
    await asyncio.to_thread(daemon.start)
    async with httpx.AsyncClient(base_url=daemon.url, timeout=10, verify=False) as client:
        found = await asyncio.gather(*(trader.find_out(client) for trader in traders))
        tally.happened += sum(found)
        await asyncio.gather(*(trader.check(client, _CHECKED) for trader in traders))


def _by_way(traders: list[Trader]) -> Counter[str]:
    """Return how many orders were acknowledged over each way in."""
    return sum((trader.placed for trader in traders), Counter())


def _once_each(database_url: str, traders: list[Trader]) -> int:
    """Check every order of the campaign against the database: each there, none twice, and canceled
    with its socket if and only if it was tied to it. Return how many of those there are."""
    store = open_store(database_url)
    store.connect()
    try:
        stored = {
            key: row
            for key, *row in store.read(
                "SELECT client_order_id, id, status, reason FROM orders"
                " WHERE client_order_id IS NOT NULL"
            )
        }
        count = store.read("SELECT COUNT(*) FROM orders")[0][0]
    finally:
        store.close()
    for trader in traders:
        for key, told in trader.acknowledged.items():
            assert stored[key][0] == told["id"]
        for key in trader.refused:
            assert stored[key][1] == "REJECTED"
    assert count == len(stored) == sum(len(t.acknowledged) + len(t.refused) for t in traders)
    tied = set().union(*(trader.tied for trader in traders))
    assert [key for key in tied if stored[key][1] in ("OPEN", "PARTIALLY_FILLED")] == []
    disconnected = {key for key, (_, _, reason) in stored.items() if reason == "DISCONNECT"}
    assert disconnected <= tied
    return len(disconnected)
