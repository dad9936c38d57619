"""Candles over long ranges equal those from all trades at once, and each block is read once."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text

from predmarket.server.core.bus import Overloaded
from predmarket.server.gateway import candle_cache as module
from predmarket.server.gateway.candle_cache import CandleCache, joined
from predmarket.server.read_model.queries.candles import CandleRecord, candles_of
from predmarket.server.read_model.queries.spans import Numbered, first_since
from predmarket.server.storage.database import POOL_SIZE, Database
from predmarket.server.storage.tables.history import trades
from predmarket.server.storage.tables.trading import orders
from tests.support.database_rows import ANN, BOB, RAIN, SNOW, db, order_row

__all__ = ["db"]

WIDTHS = (1, 7, 50, 1_000)
ROUNDS = 16


def some_trades(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """Return trades of two markets at times that repeat, creep and leap."""
    rows: list[dict[str, Any]] = []
    now = 0
    fixed: dict[str, Any] = {
        "buy_order_id": 1,
        "sell_order_id": 2,
        "buy_user_id": ANN,
        "sell_user_id": BOB,
    }
    fixed |= {"taker_side": "BUY", "buy_fee": 0, "sell_fee": 0}
    for id in range(1, count + 1):
        now += rng.choice((0, 0, 1, 3, 20, 200))
        terms = {"price": rng.randrange(1, 10_000), "qty": rng.randrange(1, 10**6)}
        market = rng.choice((RAIN, RAIN, SNOW))
        rows.append({"id": id, "market_id": market, "created_at": now, **terms, **fixed})
    return rows


async def stored(db: Database, rows: Sequence[dict[str, Any]]) -> None:
    """Store trades, and before them the orders that they belong to."""
    async with db.write() as connection:
        if rows[0]["id"] == 1:
            await connection.execute(insert(orders), [order_row(1, ANN), order_row(2, BOB)])
        await connection.execute(insert(trades), list(rows))


def by_hand(
    rows: Sequence[dict[str, Any]], market_id: int, width: int, begin: int, end: int
) -> list[CandleRecord]:
    """Return the candles by definition."""
    spans: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        if row["market_id"] == market_id and begin <= row["created_at"] < end:
            spans.setdefault(row["created_at"] // width * width, []).append(row)
    return [
        CandleRecord(
            start,
            span[0]["price"],
            max(row["price"] for row in span),
            min(row["price"] for row in span),
            span[-1]["price"],
            sum(row["qty"] for row in span),
            len(span),
        )
        for start, span in spans.items()
    ]


async def at_once(
    db: Database, market_id: int, width: int, begin: int, end: int
) -> list[CandleRecord]:
    """Return the candles by one statement over all trades."""
    async with db.read() as connection:
        first = await first_since(connection, begin, market_id, Numbered.TRADES)
        stop = await first_since(connection, end, market_id, Numbered.TRADES)
        return await candles_of(connection, market_id, width, first, stop)


async def test_blocks_are_the_same_as_all_at_once(db: Database) -> None:
    """Blocks give the candles of all trades at once, cached or not.

    The trades, ranges, widths and blocks are random, and trades keep arriving.
    """
    rng = random.Random(11)
    rows = some_trades(rng, 200)
    there = 150
    await stored(db, rows[:there])
    readers = [
        CandleCache(db, block, room) for block, room in ((9, 90), (20, 10_000), (64, 1), (999, 9))
    ]
    for round in range(ROUNDS):
        if round % 4 == 3:
            await stored(db, rows[there : there + 12])
            there += 12
        width, market = rng.choice(WIDTHS), rng.choice((RAIN, SNOW))
        bounds = sorted(rng.randrange(rows[there - 1]["created_at"] + 99) for _ in range(2))
        begin, end = bounds[0] // width * width, (bounds[1] // width + 1) * width
        expected = by_hand(rows[:there], market, width, begin, end)
        assert await at_once(db, market, width, begin, end) == expected
        for reader in readers:
            assert await reader.of(market, width, begin, end) == expected


@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 60)))
def test_pieces_join_to_what_they_were_cut_from(rng: random.Random, cuts: list[int]) -> None:
    """Joined pieces give the candles of the whole range, also when cut within an interval."""
    rows = some_trades(rng, 60)
    places = sorted({0, *cuts, 60})
    pieces: list[CandleRecord] = []
    for place, following in pairwise(places):
        pieces += by_hand(rows[place:following], RAIN, 50, 0, 10**9)
    assert joined(pieces) == by_hand(rows, RAIN, 50, 0, 10**9)


class Reads:
    """Records the ranges read, and checks that statements never overlap."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.spans: list[tuple[int, int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._under_way = 0
        monkeypatch.setattr(module, "candles_of", self._noted)

    async def _noted(
        self,
        connection: Any,  # noqa: ANN401 -- only passed on
        market_id: int,
        width: int,
        first: int,
        stop: int,
    ) -> list[CandleRecord]:
        assert stop - first <= 10
        self._under_way += 1
        assert self._under_way == 1
        self.spans.append((first, stop))
        await self.gate.wait()
        try:
            return await candles_of(connection, market_id, width, first, stop)
        finally:
            self._under_way -= 1


async def test_trades_are_read_once(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block of trades is read once, also for concurrent requests, and one piece at a time.

    A block that grew is read from its old end; an evicted block is read again.
    """
    rows = some_trades(random.Random(3), 108)
    await stored(db, rows[:100])
    end = (rows[-1]["created_at"] // 50 + 1) * 50
    reads = Reads(monkeypatch)
    reader = CandleCache(db, block=10)
    found = await asyncio.gather(*(reader.of(RAIN, 50, 0, end) for _ in range(5)))
    assert all(one == by_hand(rows[:100], RAIN, 50, 0, end) for one in found)
    whole = [(first, first + 10) for first in range(0, 100, 10)]
    assert [span for span in reads.spans if span in whole] == whole
    reads.spans.clear()
    await stored(db, rows[100:])
    # other markets' trades are unknown here, so it may have been read up to rain's last trade
    assert await reader.of(RAIN, 50, 0, end) == by_hand(rows, RAIN, 50, 0, end)
    assert len(reads.spans) <= 2
    assert all(first >= 90 for first, _ in reads.spans)

    forgetful = CandleCache(db, block=10, remembered=0)
    reads.spans.clear()
    for _ in range(2):
        assert await forgetful.of(RAIN, 50, 0, end) == by_hand(rows, RAIN, 50, 0, end)
    assert all(reads.spans.count(span) == 2 for span in whole)
    assert len(forgetful.blocks) == 0


async def test_a_flood_of_candles(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Different ranges share one turn and one connection; identical ones are one request.

    Beyond the bounds a request soon gets Overloaded, while other reads find a connection.
    """
    rows = some_trades(random.Random(3), 60)
    await stored(db, rows)
    end = (rows[-1]["created_at"] // 50 + 1) * 50
    reads = Reads(monkeypatch)
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.2)
    reader = CandleCache(db, block=10)
    reads.gate.clear()
    first = asyncio.create_task(reader.of(RAIN, 50, 0, end))
    while not reads.spans:
        await asyncio.sleep(0.001)
    same = [asyncio.create_task(reader.of(RAIN, 50, 0, end)) for _ in range(40)]
    others = [asyncio.create_task(reader.of(RAIN, 50, 0, end + 50 * n)) for n in range(1, 40)]
    await asyncio.sleep(0)
    assert len(reader.reading) + len(reader.queued) == 41
    async with db.read() as connection:  # no request holds a connection while it waits
        assert await first_since(connection, 0, RAIN, Numbered.TRADES) == 1
    for other in others:
        with pytest.raises(Overloaded):
            await other
    assert db.pool_use()[0] <= 1
    with pytest.raises(Overloaded):
        await asyncio.gather(*(reader.of(RAIN, 50, 0, end + 50 * n) for n in range(99)))
    reads.gate.set()
    expected = by_hand(rows, RAIN, 50, 0, end)
    assert all(found == expected for found in await asyncio.gather(first, *same))
    async with asyncio.timeout(60):
        while reader.reading or reader.queued:
            await asyncio.sleep(0.001)


async def test_accounts_have_connections_of_their_own(db: Database) -> None:
    """A look-up of accounts gets a connection while all other connections are in use."""
    async with AsyncExitStack() as stack:
        for _ in range(POOL_SIZE):
            await stack.enter_async_context(db.read())
        async with asyncio.timeout(2), db.read_account() as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
