"""The exchange continues without help when its primary dies and the standby is promoted."""

import asyncio
import os
from pathlib import Path

import httpx
import psycopg
import pytest

from predmarket.server.core import audit
from predmarket.server.core.stores.factory import open_snapshot
from predmarket.server.process.backup import backup
from predmarket.server.process.maintenance import doctor
from tests.support.http_exchange import Exchange, User
from tests.support.postgres import libpq, wheel_programs
from tests.support.postgres_pair import PostgresPair

HANDS = 4
_BREAK_OFF = (
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'predmarket-core' AND wait_event = 'SyncRep'"
)
BEFORE, AFTER = 20, 20


class Orders:
    """Places orders until the stop and records their outcomes."""

    def __init__(self, user: User, market: str) -> None:
        self.acknowledged: dict[str, int] = {}
        self.unknown: set[str] = set()
        self._client = user.client
        self._market = market
        self._count = 0
        self.stopped = False

    async def place(self) -> None:
        """Place one order after the other."""
        while not self.stopped:
            self._count += 1
            await self.ask(f"order-{self._count}")

    async def ask(self, key: str) -> None:
        """Place an order, or find out whether it was placed."""
        body = {
            "marketId": self._market, "side": "BUY", "type": "LIMIT", "price": "0.01", "qty": "1",
            "clientOrderId": key,
        }  # fmt: skip
        self.unknown.add(key)
        answer = await self._client.post("/v1/orders", json=body)
        assert answer.status_code in (200, 201, 503), answer.text
        if answer.status_code != 503:
            self.acknowledged[key] = answer.json()["id"]
            self.unknown.discard(key)

    async def reached(self, count: int) -> None:
        """Return once this many orders are acknowledged."""
        async with asyncio.timeout(30):
            while len(self.acknowledged) < count:
                await asyncio.sleep(0.01)


async def test_nothing_acknowledged_is_lost(
    exchange: Exchange, pair: PostgresPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each acknowledged order exists once after the failover, and unknown outcomes are found.

    The audit passes, and the operator's commands find the server that takes writes.
    """
    market = await exchange.market()
    assert await _standby(exchange) == "synchronous"
    orders = Orders(await exchange.trader("ann"), market["slug"])
    await _waits_for_the_standby(exchange, pair, orders)
    hands = [asyncio.create_task(orders.place()) for _ in range(HANDS)]
    await orders.reached(len(orders.acknowledged) + BEFORE)
    await asyncio.to_thread(pair.primary.stop, "kill")
    await asyncio.to_thread(pair.fail_over)
    await orders.reached(len(orders.acknowledged) + AFTER)
    orders.stopped = True
    await asyncio.gather(*hands)
    for key in sorted(orders.unknown):
        await orders.ask(key)
    assert not orders.unknown

    with open_snapshot(pair.url()) as store:
        stored = store.read("SELECT client_order_id, id FROM orders")
        checks = [*audit.sums(store), *audit.replay(store, lambda *_: None)]
    assert dict(stored) == orders.acknowledged
    assert len(stored) == len(orders.acknowledged)
    assert [check for check in checks if not check.ok] == []
    await _identity_goes_on(exchange)
    assert await _standby(exchange) == "missing"
    place = {"database_url": pair.url(), "data_dir": str(tmp_path)}
    pair.synchronous = False
    await asyncio.to_thread(pair.restore)
    found = {name: detail for name, _, detail in await asyncio.to_thread(doctor, place)}
    assert f" at {pair.primary.sockets}, which takes writes" in found["database"]
    assert "standby asynchronous: a failover" in found["durability"]
    monkeypatch.setenv("PATH", f"{wheel_programs()}{os.pathsep}{os.environ['PATH']}")
    written = await asyncio.to_thread(
        backup, place, tmp_path / "after", replay=False, progress=lambda *_: None
    )
    assert written.report.ok


async def _waits_for_the_standby(exchange: Exchange, pair: PostgresPair, orders: Orders) -> None:
    """Check that an order waits for the standby.

    It does so even when somebody cancels the commit's wait and the database reports it committed.
    """
    await asyncio.to_thread(pair.standby.stop)
    asking = asyncio.create_task(orders.ask("alone"))
    with psycopg.connect(libpq(pair.primary.url()), autocommit=True) as connection:
        async with asyncio.timeout(30):
            while connection.execute(_BREAK_OFF).fetchall() != [(True,)]:
                await asyncio.sleep(0.01)
    core = exchange.node.core
    async with asyncio.timeout(30):
        while "did not wait" not in core.trouble:
            await asyncio.sleep(0.01)
    assert not core.status().healthy
    assert not asking.done()
    await asyncio.to_thread(pair.standby.start)
    await asking
    await orders.ask("alone")
    assert orders.acknowledged.keys() == {"alone"}
    assert core.status().healthy


async def _standby(exchange: Exchange) -> str:
    status = (await exchange.anonymous.get("/v1/status")).json()
    assert status["durability"]["durable"] == "yes"
    return str(status["durability"]["standby"])


async def _identity_goes_on(exchange: Exchange) -> None:
    """Check that registration, login and reads work on the gateways' own connections."""
    bob = await exchange.register("bob@example.com")
    again = await exchange.again(bob)
    answer: httpx.Response = await again.client.get("/v1/user/balance")
    assert answer.status_code == 200, answer.text
