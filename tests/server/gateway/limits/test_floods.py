"""Floods of sign-ins over HTTP, from one address and from more than the process remembers."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest

from predmarket.server.gateway.context import Context
from predmarket.server.gateway.limits import local_window
from predmarket.server.process import runtime
from predmarket.server.settings import Settings
from predmarket.testing.serving import serving
from tests.server.gateway.digest import Watch
from tests.support.http_exchange import PASSWORD
from tests.support.raw_http import Socket, connected

BOUND, ADDRESSES = 1_000, 3_000
AT_ONCE = 50
MALFORMED = {"email": 5}
"""A body that is counted like any other and refused without the cost of a hash."""


@pytest.fixture
def database_url(migrated_sqlite_url: str) -> str:
    """Return a SQLite database, because the limits count in the process."""
    return migrated_sqlite_url


class Proxy:
    """A trusted proxy's connection, and access to the exchange's limits."""

    def __init__(self, socket: Socket, context: Context) -> None:
        self._socket = socket
        self._context = context

    def remembered(self) -> int:
        """Return how many addresses the sign-in limit remembers."""
        narrowest, *_ = self._context.limits.auth.rate
        return len(narrowest.here)

    async def codes(
        self, addresses: Iterable[str], call: str = "login", body: object = MALFORMED
    ) -> list[tuple[int, str]]:
        """Send a sign-in from each address at once; return status and code of each answer."""
        content = json.dumps(body)
        requests = [
            f"POST /v1/auth/{call} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            f"x-forwarded-for: {address}\r\ncontent-length: {len(content)}\r\n\r\n{content}"
            for address in addresses
        ]
        await self._socket.send("".join(requests).encode())
        found = []
        for _ in requests:
            status, headers, answer = await self._socket.answer()
            found.append((status, answer["error"]["code"]))
            assert status != 429 or 1 <= int(headers["retry-after"]) <= 60
        return found


@asynccontextmanager
async def proxy(settings: Settings, rate: str) -> AsyncIterator[Proxy]:
    """Serve with a limit behind a proxy, and check that no request changes the database."""
    given = {"trusted_proxies": "127.0.0.0/8", "auth_rate_limit": rate}
    limited = Settings.load({**settings.model_dump(exclude_unset=True), **given})
    async with runtime.node(limited, wait_s=0) as node, serving(node) as (url, app):
        with Watch(limited.database) as watch:
            async with connected(url) as socket:
                yield Proxy(socket, app.context)
            assert watch.changed() == set()


SERVED, LIMITED = (400, "VALIDATION_FAILED"), (429, "RATE_LIMITED")


async def test_from_more_addresses_than_are_remembered(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of many addresses are served within bounded memory. A persistent one stays limited."""
    monkeypatch.setattr(local_window, "MAX_KEYS", BOUND)
    async with proxy(settings, "2/minute") as through:
        assert await through.codes(["192.0.2.1"] * 3) == [SERVED, SERVED, LIMITED]
        last = ""
        for first in range(0, ADDRESSES, AT_ONCE):
            many = [f"198.18.{n >> 8}.{n & 255}" for n in range(first, first + AT_ONCE)]
            assert await through.codes(many) == [SERVED] * AT_ONCE
            assert await through.codes(["192.0.2.1"]) == [LIMITED]
            assert through.remembered() <= BOUND
            last = many[-1]
        assert through.remembered() == BOUND
        assert await through.codes([last] * 2) == [SERVED, LIMITED]


@pytest.mark.parametrize(
    "own", [["192.0.2.1"] * AT_ONCE, [f"2001:db8::{n:x}" for n in range(AT_ONCE)]], ids=["4", "6"]
)
async def test_from_one_address(settings: Settings, own: list[str]) -> None:
    """An address is refused beyond its limit for every auth call. Other addresses are served."""
    newcomer = {"email": "ann@example.com", "password": PASSWORD}
    async with proxy(settings, "5/minute") as through:
        assert await through.codes(own) == [SERVED] * 5 + [LIMITED] * (AT_ONCE - 5)
        for call in ("register", "login"):
            for body in (newcomer, MALFORMED):
                assert await through.codes(own, call, body) == [LIMITED] * AT_ONCE
        assert await through.codes(["192.0.2.2", "2001:db8:0:1::1"]) == [SERVED, SERVED]
        assert through.remembered() == 3
