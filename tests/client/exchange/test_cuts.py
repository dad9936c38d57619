"""The feed on a connection that is cut again and again: no loss, no duplicate, no wrong book."""

import asyncio
import json
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from websockets.asyncio.client import connect

from predmarket.client import AsyncClient, Feed
from predmarket.client.book import LocalBook
from predmarket.client.messages import (
    BookDelta,
    BookSnapshot,
    Gap,
)
from predmarket.client.response_types import Book
from tests.client.exchange.ledger import Ledger, Record, topics
from tests.support.client_orders import an_order, seeded, surely
from tests.support.cutter import AT_ONCE, Cutter
from tests.support.http_exchange import Exchange

pytestmark = pytest.mark.timeout(600)

BOOK_CUTS = 100
PRIVATE_CUTS = 400
"""On each database: 1 000 cuts in all."""


def patience(rng: random.Random, longest: int) -> Callable[[], int]:
    """Return how many bytes connections last: some end in the handshake, some much later."""
    return lambda: rng.randrange(rng.choice((600, 2_000, longest)))


async def trade_on(feed: Feed, rng: random.Random, count: int, start: int) -> None:
    """Place ``count`` orders at once and cancel some of them."""
    orders = [an_order(rng, number) for number in range(start, start + count)]
    placed = await asyncio.gather(*(feed.place(order) for order in orders))
    resting = [one for one in placed if one["status"] in ("OPEN", "PARTIALLY_FILLED")]
    some = rng.sample(resting, len(resting) // 2)
    # another order may have filled it
    await asyncio.gather(*(feed.cancel(one["id"]) for one in some), return_exceptions=True)


class Truth:
    """Every state of a book, computed from a bare socket's messages in the simplest way."""

    def __init__(self) -> None:
        self._sides: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}
        self.books: dict[int, Book] = {}

    async def follow(self, url: str) -> None:
        """Record every state from now on."""
        address = url.replace("http", "ws") + "/realtime"
        async with connect(address, proxy=None, compression=None) as socket:
            await socket.send('{"type": "subscribe", "data": {"topics": ["orderbook:1"]}}')
            async for text in socket:
                message = json.loads(text)
                if message.get("topic") == "orderbook:1":
                    self._apply(message["data"], message["seq"])

    def _apply(self, data: dict[str, Any], seq: int) -> None:
        for name, side in self._sides.items():
            side.update(dict(data[name]))
            for price in [price for price, size in side.items() if size == "0.00"]:
                del side[price]
        bids = [[price, size] for price, size in sorted(self._sides["bids"].items(), reverse=True)]
        asks = [[price, size] for price, size in sorted(self._sides["asks"].items())]
        self.books[seq] = {"marketId": 1, "bids": bids, "asks": asks, "seq": seq}


async def watch(feed: Feed, book: LocalBook, seen: dict[int, Book]) -> None:
    """Record the book after each of its messages."""
    async for message in feed:
        assert not isinstance(message, Gap)
        if isinstance(message, BookSnapshot | BookDelta) and message.seq == book.seq:
            seen[message.seq] = book.wire()


async def agree(book: LocalBook, truth: Truth, now: Book) -> None:
    """Wait until the feed and the socket reach REST's state, and compare them."""
    while book.stale or book.seq != now["seq"] or now["seq"] not in truth.books:
        await asyncio.sleep(0.001)
    assert book.wire() == now == truth.books[now["seq"]]


async def test_the_book_is_the_exchanges_own(exchange: Exchange, cutter: Cutter) -> None:
    """After every message the book is the exchange's at that seq.

    Whenever trading pauses, it equals REST's answer.
    """
    rng = seeded()
    await exchange.market()
    trader = await exchange.trader("ann", "1000000")
    truth, seen, rounds = Truth(), dict[int, Book](), 0
    cutter.patience = patience(rng, 4_000)
    async with (
        AsyncClient(exchange.url) as rest,
        Feed(exchange.url, api_key=trader.session["accessToken"]) as load,
        Feed(cutter.url, topics=["orderbook:rain"], backoff=AT_ONCE) as feed,
        asyncio.TaskGroup() as group,
    ):
        book = feed.book("rain")
        tasks = [
            group.create_task(truth.follow(exchange.url)),
            group.create_task(watch(feed, book, seen)),
        ]
        await load.live()
        while cutter.cuts < BOOK_CUTS:
            await trade_on(load, rng, 4, rounds * 4)
            rounds += 1
            if rounds % 5 == 0:
                await agree(book, truth, await rest.book("rain"))
        for task in tasks:
            task.cancel()
    compared = seen.keys() & truth.books.keys()
    assert {seq: seen[seq] for seq in compared} == {seq: truth.books[seq] for seq in compared}
    assert len(compared) > rounds // 2


async def test_nothing_is_lost_and_nothing_doubled(exchange: Exchange, cutter: Cutter) -> None:
    """Orders over the cut connection, and all their messages, agree with REST at the end."""
    rng = seeded()
    await exchange.market()
    ann = await exchange.trader("ann", "1000000")
    bob = await exchange.trader("bob", "1000000")
    ledger, record, number = Ledger(), Record(), 0
    token = ann.session["accessToken"]
    async with (
        AsyncClient(exchange.url, api_key=token) as rest,
        Feed(exchange.url, api_key=bob.session["accessToken"]) as load,
        Feed(cutter.url, api_key=token, topics=topics("rain"), backoff=AT_ONCE) as feed,
        asyncio.TaskGroup() as group,
    ):
        reading = group.create_task(ledger.read(feed))
        await load.live()
        while len(ledger.begun) < len(topics("rain")):
            await asyncio.sleep(0.001)
        cutter.patience = patience(rng, 12_000)
        cutter.cut()
        while cutter.cuts < PRIVATE_CUTS:
            mine = [an_order(rng, n) for n in range(number, number + 3)]
            placing = [surely(partial(feed.place, one)) for one in mine]
            await asyncio.gather(trade_on(load, rng, 3, number), *placing)
            number += 3
        cutter.patience = None
        cutter.cut()
        await feed.live()
        await record.ask(rest, "rain")
        async with asyncio.timeout(60):
            while not record.told_by(ledger):
                await asyncio.sleep(0.001)
        reading.cancel()
    record.confirm(ledger)
    placed = [str(one["clientOrderId"]) for one in record.orders]
    assert sorted(placed) == sorted(f"c{n}" for n in range(number))
