"""The orders tied to a dead gateway's connections are cancelled."""

import asyncio

import pytest

from predmarket.enums import Side
from predmarket.server.redis_bus import gateway_liveness
from tests.support.core_exchange import limit
from tests.support.redis_halves import Client, Halves, open_market, redis, until

__all__ = ["redis"]

BUY = Side.BUY
OPEN = "SELECT client_order_id FROM orders WHERE status = 'OPEN' ORDER BY id"


async def test_the_orders_of_a_gateway_that_died(
    halves: Halves, redis: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead gateway's tied orders are cancelled, but not its other orders or its neighbour's.

    A core that takes over does this too.
    """
    keys = await halves.keys()
    monkeypatch.setattr(gateway_liveness, "SILENT_S", 0.8)
    monkeypatch.setattr(gateway_liveness, "LOOK_S", 0.05)
    first = await halves.leader()
    running = await halves.gateway()
    bus = running.services.bus
    await open_market(bus)
    alive = running.services.gateway
    await bus.submit(limit(1, BUY, 1, 40, key="alive", connection=f"{alive}-1"))
    await bus.submit(limit(1, BUY, 1, 40, key="untied"))
    await bus.submit(limit(1, BUY, 1, 40, key="dead", connection="0123-1"))
    second = await halves.seat()
    await halves.kill(first)
    await until(lambda: second.seat.standing == "ok")
    await until(lambda: halves.exchange.rows(OPEN) == [("alive",), ("untied",)])
    beat = await redis.get(keys.beat(alive))
    while await redis.get(keys.beat(alive)) == beat:
        await asyncio.sleep(0.01)
    assert halves.exchange.rows(OPEN) == [("alive",), ("untied",)]
    assert halves.exchange.audited() == []
