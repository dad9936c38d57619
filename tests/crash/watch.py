"""Checks during a disturbance: snapshots of the database, and the gateways' books."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import httpx

from predmarket.server.core.stores.base import StoreError
from tests.crash.campaign import sums_hold

_PAUSE_S = 0.3
_SAME_S = 20.0


@dataclass
class Taken:
    """The number of snapshots taken."""

    count: int = 0


@asynccontextmanager
async def snapshots(database_url: str) -> AsyncIterator[Taken]:
    """Check conservation in one database snapshot after the other during the block."""
    ended, taken = asyncio.Event(), Taken()

    async def take() -> None:
        while not ended.is_set():
            began = time.monotonic()
            with suppress(StoreError):  # the database is away
                await asyncio.to_thread(sums_hold, database_url)
                taken.count += 1
            with suppress(TimeoutError):
                # a long campaign has many orders, and their sums may not take all of the time
                await asyncio.wait_for(ended.wait(), max(_PAUSE_S, time.monotonic() - began))

    taking = asyncio.create_task(take())
    try:
        yield taken
    finally:
        ended.set()
        await taking


async def same_books(urls: list[str], markets: list[str]) -> None:
    """Wait until all gateways show the same books."""
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, timeout=20, verify=False)
            )
            for url in urls
        ]
        async with asyncio.timeout(_SAME_S):
            for market in markets:
                while not _same({await _book(client, market) for client in clients}):
                    await asyncio.sleep(0.05)


def _same(books: set[str]) -> bool:
    return len(books) == 1 and "" not in books


async def _book(client: httpx.AsyncClient, market: str) -> str:
    """Return a market's book, or "" while the gateway shows none."""
    try:
        answer = await client.get(f"/v1/orderbook/{market}")
    except httpx.TransportError:
        return ""
    return "" if not answer.is_success else str([answer.json()[side] for side in ("bids", "asks")])
