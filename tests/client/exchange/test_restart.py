"""The feed while the exchange itself is killed and restarted."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from predmarket.client import AsyncClient, Backoff, Feed
from tests.client.exchange.ledger import Ledger, Record, topics
from tests.support.client_orders import an_order, seeded, surely
from tests.support.exchange import QUICK, ExchangeProcess

pytestmark = pytest.mark.timeout(600)
KILLS = 1
SOON = Backoff(first_s=0.02, longest_s=0.05)
MARKET = "will-it-rain-tomorrow"


async def trade_through(one: Feed, other: Feed, killed: asyncio.Event) -> int:
    """Place orders, each retried until its reply, until some time after the last kill."""
    rng, number, after = seeded(), 0, 0
    while after < 10:
        orders = [an_order(rng, number, MARKET) for _ in range(2)]
        placing = [
            surely(partial(feed.place, o)) for feed, o in zip((one, other), orders, strict=True)
        ]
        await asyncio.gather(*placing)
        number += 1
        after += killed.is_set()
    return number


async def test_an_exchange_that_is_killed(tmp_path: Path, migrated_sqlite_url: str) -> None:
    """Every acknowledged order exists once, every topic continues, and the book is correct."""
    exchange = ExchangeProcess(tmp_path, migrated_sqlite_url, "--seed", program=QUICK)
    await asyncio.to_thread(exchange.start)
    killed, ledger, record = asyncio.Event(), Ledger(), Record()
    names = [*topics(MARKET), f"orderbook:{MARKET}"]
    async with AsyncClient(exchange.url) as ann, AsyncClient(exchange.url) as bob:
        await ann.login("user@example.com", "password123")
        await bob.login("admin@example.com", "admin123")
        keys = [await one.token() for one in (ann, bob)]
        async with (
            Feed(exchange.url, api_key=keys[0], topics=names, backoff=SOON) as feed,
            Feed(exchange.url, api_key=keys[1], backoff=SOON) as load,
            asyncio.TaskGroup() as group,
        ):
            reading = group.create_task(ledger.read(feed))
            await feed.live()
            while len(ledger.begun) < len(names):
                await asyncio.sleep(0.001)
            trading = group.create_task(trade_through(feed, load, killed))
            for _ in range(KILLS):
                before = len(ledger.orders)
                while len(ledger.orders) < before + 5:
                    await asyncio.sleep(0.001)
                exchange.kill()
                await asyncio.to_thread(exchange.start)
            killed.set()
            count = await trading
            await record.ask(ann, MARKET)
            now = await ann.book(MARKET)
            book = feed.book(MARKET)
            async with asyncio.timeout(60):
                while not record.told_by(ledger) or book.stale or book.seq != now["seq"]:
                    await asyncio.sleep(0.001)
            reading.cancel()
    assert exchange.stop() == 0
    record.confirm(ledger)
    assert [one["clientOrderId"] for one in record.orders] == [f"c{n}" for n in range(count)]
    assert book.wire() == now
