"""Orders that other gateways took from a disabled user arrive before the cancel or never."""

import asyncio
from typing import Any

import pytest

from predmarket.engine.commands import CancelAll
from predmarket.engine.replies import OrderDone
from predmarket.enums import CancelReason, Side
from predmarket.server.gateway.app import Application, create_app
from predmarket.server.gateway.auth import revocations
from predmarket.server.gateway.auth.principals import Revocation
from predmarket.server.process.roles.gateway import Gateway
from tests.support.core_exchange import limit
from tests.support.redis_halves import Halves, open_market, until

BUY = Side.BUY
OPEN = "SELECT COUNT(*) FROM orders WHERE status = 'OPEN'"


async def served(halves: Halves) -> tuple[Gateway, Application]:
    """Return a gateway that listens for revocations, and its application."""
    running = await halves.gateway()
    app = create_app(running.services)
    await until(lambda: app.context.principals.revocations)
    return running, app


async def test_orders_of_another_gateway_are_cancelled_too(
    halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order taken by another gateway is cancelled with the others, however slowly it arrives."""
    await halves.leader()
    one, app = await served(halves)
    other, _ = await served(halves)
    await open_market(one.services.bus)
    gate = asyncio.Event()
    client = other.follower.connection.client
    put: Any = client.xadd

    async def slowly(*entry: object, **more: object) -> object:
        await gate.wait()
        return await put(*entry, **more)

    monkeypatch.setattr(client, "xadd", slowly)
    placed = other.services.bus.enqueue(limit(1, BUY, 1, 40))

    async def disable() -> None:
        await app.context.principals.ended(Revocation("user", 1))
        await one.services.bus.submit(CancelAll(1, reason=CancelReason.ADMIN))

    disabling = asyncio.create_task(disable())
    done, _ = await asyncio.wait((disabling,), timeout=0.5)
    assert not done
    gate.set()
    assert isinstance(await placed, OrderDone)
    await disabling
    assert halves.exchange.rows(OPEN) == [(0,)]


async def test_the_wait_for_a_silent_gateway_is_bounded(
    halves: Halves, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The wait for a silent gateway is bounded when a user is disabled.

    The end of a session does not wait.
    """
    monkeypatch.setattr(revocations, "HEARD_S", 0.3)
    await halves.leader()
    one, app = await served(halves)
    redis = one.services.redis
    assert redis is not None
    async with redis.client.pubsub() as silent:
        await silent.subscribe(redis.keys.ended)
        await silent.get_message(timeout=5)
        await app.context.principals.ended(Revocation("session", 1))
        assert caplog.messages.count("gateways_not_heard") == 0
        await app.context.principals.ended(Revocation("user", 1))
    assert caplog.messages.count("gateways_not_heard") == 1
