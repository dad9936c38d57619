"""Traders and the organiser of events on a fleet, round after round.

They remember every answer, as in campaign.py. After a disturbance they find the outcome of each
request that it cut off.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import httpx

from predmarket.server.core.stores.factory import open_snapshot
from tests.crash.organiser import Organiser
from tests.crash.traders import Trader
from tests.support.load import MARKET

TRADERS = 4
_CREDIT = "60"
_BEGUN_S = 5.0
_CHECKED = 50


class Crowd:
    """The traders, spread over the gateways, and one organiser at the first gateway."""

    def __init__(self, draw: random.Random) -> None:
        self.organiser = Organiser(random.Random(draw.random()), [MARKET])
        self.traders = [
            Trader(f"crowd{n}@example.com", random.Random(draw.random())) for n in range(TRADERS)
        ]

    async def open(self, url: str) -> None:
        """Register the traders and give them money."""
        async with _client(url) as client:
            await self.organiser.sign_in(client)
            headers = {"authorization": f"Bearer {self.organiser.token}"}
            for trader in self.traders:
                await trader.sign_up(client)
                body = {"email": trader.email, "amount": _CREDIT, "reason": "for the campaign"}
                answer = await client.post("/v1/user/transfer", json=body, headers=headers)
                assert answer.status_code == 201, answer.text

    @asynccontextmanager
    async def trading(self, urls: Sequence[str]) -> AsyncIterator[None]:
        """Trade during the block. At its beginning an event's resolution begins."""
        stop, finale, begun = asyncio.Event(), asyncio.Event(), asyncio.Event()
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(_client(url)) for url in urls]
            await self.organiser.sign_in(clients[0])
            for trader in self.traders:
                await trader.log_in(clients[0])
            hands = [
                asyncio.create_task(
                    trader.trade_over_http(clients[n % len(clients)], self.organiser.markets, stop)
                )
                for n, trader in enumerate(self.traders)
            ]
            organising = asyncio.create_task(self.organiser.organise(clients[0], finale, begun))
            finale.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(begun.wait(), _BEGUN_S)
            try:
                yield
            finally:
                stop.set()
                organising.cancel()  # the outcome of its request is unknown then
                with suppress(asyncio.CancelledError):
                    await organising
                await asyncio.gather(*hands)

    async def find_out(self, url: str) -> int:
        """Find unknown outcomes and check earlier answers; return how many orders were unknown."""
        unknown = sum(len(trader.unknown) for trader in self.traders)
        async with _client(url) as client:
            for trader in self.traders:
                await trader.find_out(client)
            await self.organiser.find_out(client)
            for trader in self.traders:
                await trader.check(client, _CHECKED)
        return unknown

    def check_payouts(self, database_url: str) -> int:
        """Check that each ended event has paid everybody once; return the number of payments."""
        with open_snapshot(database_url) as store:
            return self.organiser.check_payouts(store)


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=20, verify=False)
