"""Kills the exchange at random moments under load, restarts it and checks its promises.

In each round several users trade at once, each over HTTP and over a socket, in a market and in
events. An admin creates, extends, strikes and resolves those events meanwhile, in steps of few
positions. A SIGKILL follows at a random moment soon after a resolution has begun, and the exchange
starts again.

The checks: every acknowledged order exists once and has lost nothing. An order with an unknown
outcome is found by its client order id and exists once too. Exactly the orders from a socket with
cancelOnDisconnect are canceled. Each event that ended has paid everybody once. Money is conserved
in a snapshot read under load. At the end the audit, replay included, passes.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from predmarket.server.core import audit
from predmarket.server.core.stores.factory import open_snapshot
from tests.crash.organiser import Organiser
from tests.crash.traders import Trader
from tests.support.exchange import QUICK, ExchangeProcess
from tests.support.program import small_steps

MARKET = "will-it-rain-tomorrow"
TRADERS = 6
WAYS = ("http", "socket")
AT_LEAST = 10
"""Orders acknowledged over each way in before a round's kill, on a busy machine too."""
_LONGEST_S = 0.6
_LATEST_S = 20.0
_LATE_S = 0.05
"""About the duration of a resolution in several steps."""
_CHECKED = 100


@dataclass
class Tally:
    """Counts of a campaign."""

    kills: int = 0
    acknowledged: int = 0
    by_way: Counter[str] = field(default_factory=Counter)
    """Acknowledged orders by way in, without those found out later."""
    refused: int = 0
    unknown: int = 0
    happened: int = 0
    """Orders with an unknown outcome that were executed before the kill."""
    disconnected: int = 0
    """Orders canceled because their socket was gone."""
    covered: int = 0
    """Open orders in events that give shares of a basket, without a position in their market."""
    acts: Counter[str] = field(default_factory=Counter)
    """Acts on events and their resolutions."""
    cut: Counter[str] = field(default_factory=Counter)
    """Acts on events that a kill cut off."""
    payouts: int = 0

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.acknowledged} orders acknowledged "
            f"({self.by_way['http']} over HTTP, {self.by_way['socket']} over sockets), "
            f"{self.refused} refused, {self.unknown} unknown at a kill ({self.happened} of them "
            f"had happened), {self.disconnected} canceled with their socket; "
            f"events: {_list(self.acts)}; at a kill: {_list(self.cut)}; {self.covered} orders "
            f"covered by a basket, {self.payouts} payouts"
        )


def _list(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def sums_hold(database_url: str) -> None:
    """Check conservation in one snapshot of the database, even while the exchange writes."""
    with open_snapshot(database_url) as store:
        assert [check for check in audit.sums(store) if not check.ok] == []


def audit_holds(database_url: str) -> None:
    """Check the whole audit, replay included."""
    with open_snapshot(database_url) as store:
        checks = [*audit.sums(store), *audit.replay(store, lambda *_: None)]
    assert [check for check in checks if not check.ok] == []


async def campaign(folder: Path, database_url: str, kills: int, seed: int) -> Tally:
    """Run ``kills`` rounds. The seed determines the traders' acts and the times of the kills."""
    draw = random.Random(seed)
    settings = {"SIGNUP_CREDIT": "60", "LOG_LEVEL": "error"}
    with small_steps():
        daemon = ExchangeProcess(folder, database_url, "--seed", settings=settings, program=QUICK)
    organiser = Organiser(random.Random(draw.random()), [MARKET])
    traders = [Trader(f"t{n}@example.com", random.Random(draw.random())) for n in range(TRADERS)]
    tally = Tally()
    try:
        await asyncio.to_thread(daemon.start)
        async with httpx.AsyncClient(base_url=daemon.url, timeout=10, verify=False) as client:
            await asyncio.gather(*(trader.sign_up(client) for trader in traders))
        for _ in range(kills):
            until_kill_s, late_s = draw.uniform(0.02, _LONGEST_S), draw.uniform(0, _LATE_S)
            await _round(daemon, traders, organiser, until_kill_s, late_s, tally)
        assert await asyncio.to_thread(daemon.stop) == 0
    finally:
        daemon.kill()
    with small_steps():
        await asyncio.to_thread(audit_holds, database_url)
    tally.acts, tally.cut = organiser.did, organiser.cut
    tally.acknowledged = sum(len(trader.acknowledged) for trader in traders)
    tally.refused = sum(len(trader.refused) for trader in traders)
    tally.by_way = _by_way(traders)
    tally.disconnected = _once_each(database_url, traders)
    with open_snapshot(database_url) as store:
        tally.payouts = organiser.check_payouts(store)
    return tally


async def _round(
    daemon: ExchangeProcess,
    traders: list[Trader],
    organiser: Organiser,
    until_kill_s: float,
    late_s: float,
    tally: Tally,
) -> None:
    """Trade, kill ``late_s`` after a resolution has begun, restart, and check."""
    stop, finale, begun = asyncio.Event(), asyncio.Event(), asyncio.Event()
    before = _by_way(traders)
    async with httpx.AsyncClient(base_url=daemon.url, timeout=10, verify=False) as client:
        await organiser.sign_in(client)
        for trader in traders:
            await trader.log_in(client)
        # each trader uses both ways, so that a user's own orders race as well
        trading = [
            asyncio.create_task(hand)
            for trader in traders
            for hand in (
                trader.trade_over_http(client, organiser.markets, stop),
                trader.trade_over_socket(daemon.url, organiser.markets, stop),
            )
        ]
        trading.append(asyncio.create_task(organiser.organise(client, finale, begun)))
        await asyncio.sleep(until_kill_s / 2)
        await asyncio.to_thread(sums_hold, daemon.database_url)
        await asyncio.sleep(until_kill_s / 2)
        async with asyncio.timeout(_LATEST_S):
            while min((_by_way(traders) - before)[way] for way in WAYS) < AT_LEAST:
                await asyncio.sleep(0.01)
            finale.set()
            await begun.wait()
        await asyncio.sleep(late_s)
        await asyncio.to_thread(daemon.kill)
        stop.set()
        await asyncio.gather(*trading)
    tally.kills += 1
    tally.unknown += sum(len(trader.unknown) for trader in traders)
    tally.covered += await asyncio.to_thread(_covered, daemon.database_url)
    await asyncio.to_thread(daemon.start)
    async with httpx.AsyncClient(base_url=daemon.url, timeout=10, verify=False) as client:
        found = await asyncio.gather(*(trader.find_out(client) for trader in traders))
        tally.happened += sum(found)
        await organiser.find_out(client)
        await asyncio.gather(*(trader.check(client, _CHECKED) for trader in traders))


def _covered(database_url: str) -> int:
    """Return how many open orders in events are covered by a basket."""
    with open_snapshot(database_url) as store:
        rows = store.read(
            "SELECT COUNT(*) FROM orders o JOIN markets m ON m.id = o.market_id"
            " LEFT JOIN positions p ON p.user_id = o.user_id AND p.market_id = o.market_id"
            " WHERE m.event_id IS NOT NULL AND o.status IN ('OPEN', 'PARTIALLY_FILLED')"
            " AND o.close_qty > CASE WHEN p.user_id IS NULL THEN 0"
            " WHEN o.side = 'SELL' THEN p.yes ELSE p.no END"
        )
    return int(rows[0][0])


def _by_way(traders: list[Trader]) -> Counter[str]:
    """Return how many orders were acknowledged over each way in."""
    return sum((trader.placed for trader in traders), Counter())


def _once_each(database_url: str, traders: list[Trader]) -> int:
    """Check every order of the campaign against the database, and return how many were canceled.

    Each order exists once, and it is canceled with its socket if and only if it was tied to it.
    """
    with open_snapshot(database_url) as store:
        stored = {
            key: row
            for key, *row in store.read(
                "SELECT client_order_id, id, status, reason FROM orders"
                " WHERE client_order_id IS NOT NULL"
            )
        }
        count = store.read("SELECT COUNT(*) FROM orders")[0][0]
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
