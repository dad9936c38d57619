"""The number of connections per address, direct or forwarded by a proxy, is bounded."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from predmarket.server.gateway.app import Application
from predmarket.server.gateway.limits import connections
from predmarket.server.gateway.limits.client_address import Client, Proxies
from predmarket.server.gateway.limits.connections import Connections
from predmarket.server.process import runtime
from predmarket.server.settings import Settings
from predmarket.testing.serving import serving
from tests.support.raw_http import GET, Socket, connected

UPGRADE = (
    b"GET /realtime HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%b\r\n"
)


@pytest.fixture
def database_url(migrated_sqlite_url: str) -> str:
    """Return a SQLite database, because connections do not depend on its kind."""
    return migrated_sqlite_url


def limited(settings: Settings, **given: str) -> Settings:
    """Return the settings with three connections per address."""
    given = {"max_connections_per_address": "3", **given}
    return Settings.load({**settings.model_dump(exclude_unset=True), **given})


@pytest.fixture
def counted_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count loopback connections like any other."""
    monkeypatch.setattr(connections, "is_loopback", lambda _: False)


def is_open(app: Application) -> int:
    """Return the number of counted connections."""
    return sum(app.connections.open.values())


@pytest.mark.usefixtures("counted_loopback")
async def test_an_address_of_its_own(settings: Settings) -> None:
    """HTTP and socket connections of an address count together.

    Beyond the limit they get 429, further ones are closed without an answer, and a closed
    connection frees its place.
    """
    async with (
        runtime.node(limited(settings), wait_s=0) as node,
        serving(node) as (url, app),
        AsyncExitStack() as stack,
    ):
        two = [await stack.enter_async_context(connected(url)) for _ in range(2)]
        for one in two:
            await one.send(GET)
            assert (await one.answer())[0] == 200
        async with connected(url) as third:
            await third.send(UPGRADE % b"")
            assert b" 101 " in await third.line()
            for request in (GET, UPGRADE % b""):
                async with connected(url) as fourth:
                    await fourth.send(request)
                    status, headers, body = await fourth.answer()
                    assert (status, body["error"]["code"]) == (429, "RATE_LIMITED")
                    assert "retry-after" in headers
                    assert await fourth.line() == b""
            flood = [await stack.enter_async_context(connected(url)) for _ in range(10)]
            assert await _unheard(flood) >= 8
            await flood[0].send(b"")
        async with asyncio.timeout(60):
            while is_open(app) > 3:
                await asyncio.sleep(0.01)


async def _unheard(flood: list[Socket]) -> int:
    """Return how many connections were closed without an answer."""
    closed = 0
    for one in flood:
        await one.send(GET)
        try:
            async with asyncio.timeout(60):
                closed += not await one.line()
        except ConnectionError:
            closed += 1
    return closed


async def test_loopback_is_free(settings: Settings) -> None:
    """Connections from loopback are not counted."""
    async with (
        runtime.node(limited(settings), wait_s=0) as node,
        serving(node) as (url, app),
        AsyncExitStack() as stack,
    ):
        for _ in range(8):
            one = await stack.enter_async_context(connected(url))
            await one.send(GET)
            assert (await one.answer())[0] == 200
        assert len(app.connections) == 0


async def test_behind_a_proxy(settings: Settings) -> None:
    """A proxy's connection is not counted; its clients' open sockets are, by forwarded address.

    Their requests are refused by the same count.
    """
    given = limited(settings, trusted_proxies="127.0.0.0/8")
    one, other = b"x-forwarded-for: 192.0.2.1\r\n", b"x-forwarded-for: 192.0.2.2\r\n"
    async with runtime.node(given, wait_s=0) as node, serving(node) as (url, app):
        async with AsyncExitStack() as stack:
            for _ in range(3):
                socket = await stack.enter_async_context(connected(url))
                await socket.send(UPGRADE % one)
                assert b" 101 " in await socket.line()
            for request in (UPGRADE % one, GET[:-2] + one + b"\r\n"):
                async with connected(url) as refused:
                    await refused.send(request)
                    assert (await refused.answer())[0] == 429
            async with connected(url) as welcome:
                await welcome.send(UPGRADE % other)
                assert b" 101 " in await welcome.line()
        async with asyncio.timeout(60):
            while len(app.connections):
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("peer", "key"),
    [
        (None, None),
        (("127.0.0.1", 1), None),
        (("::1", 1), None),
        (("192.0.2.1", 1), "192.0.2.1"),
        (("2001:db8::1", 1), "2001:db8::/64"),
        (("2001:db8::ffff:1", 1), "2001:db8::/64"),
    ],
)
def test_addresses_that_are_counted(peer: Client | None, key: str | None) -> None:
    """Loopback is not counted, and IPv6 is counted by /64."""
    assert Connections(1, Proxies(())).key(peer) == key
