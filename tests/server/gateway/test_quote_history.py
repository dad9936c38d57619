"""Quotes survive restarts and are the same on every gateway.

The expected quotes are computed independently: the test replays the journal, looks at all resting
orders after each command, and puts the quotes into spans.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import closing

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.engine import Exchange as Engine
from predmarket.engine.commands import CancelOrder
from predmarket.enums import Side
from predmarket.server.clock import LaboratoryClock
from predmarket.server.core import journal_reader, quote_rows
from predmarket.server.core.stores.factory import open_store
from predmarket.server.gateway import quote_history
from predmarket.server.gateway.quote_history import QuoteCandle, QuoteHistory, Range
from predmarket.server.read_model.changes import Changes
from predmarket.server.read_model.queries.quotes import quotes_at
from predmarket.server.read_model.quotes import DAY, NOT_YET, WIDTHS, Quotes
from predmarket.server.storage.database import Database
from predmarket.units import PRICE_ONE
from tests.support.core_exchange import MARKET, Exchange, Running, exchange

__all__ = ["exchange"]

MINUTE = 60_000_000
FOR_EVER = 2**60
Seen = tuple[int, int, int, int]
"""The time, the best bid, the best ask and the open interest after a command."""


class Gateway:
    """A gateway's history of quotes, fed with each batch (core.ports.Outlet)."""

    def __init__(self, db: Database) -> None:
        self.quotes = QuoteHistory(db)
        self.last = 0

    def committed(self, changes: Changes, encoded: bytes) -> None:
        """Apply a batch."""
        del encoded
        self.last = changes.batch
        self.quotes.committed(changes)

    def reloaded(self, recent: Sequence[Changes]) -> None:
        """Apply the batches committed meanwhile."""
        for changes in recent:
            if changes.batch > self.last:
                self.committed(changes, b"")


def seen(exchange: Exchange) -> list[Seen]:
    """Return the quotes of the market after each command."""
    engine, found = Engine(), []
    with closing(open_store(exchange.url)) as store:
        store.connect()
        for _, entry in journal_reader.entries(store):
            engine.apply(entry.time, entry.command)
            market = engine.state.markets.get(MARKET)
            if market is None:
                continue
            resting = engine.state.orders.values()
            bids = [order.price for order in resting if order.is_buy]
            asks = [order.price for order in resting if not order.is_buy]
            best = max(bids, default=0), min(asks, default=PRICE_ONE)
            found.append((entry.time, *best, market.open_interest))
    return found


def expected(found: list[Seen], width: int) -> dict[int, QuoteCandle]:
    """Return the candles of the spans in which a command changed the market's quotes."""
    candles: dict[int, QuoteCandle] = {}
    before = (0, 0, PRICE_ONE, 0)
    spans: dict[int, list[Seen]] = {}
    for one in found:
        spans.setdefault(one[0] // width * width, []).append(one)
    for start, within in spans.items():
        all_seen = [before, *within]
        bids, asks = [one[1] for one in all_seen], [one[2] for one in all_seen]
        candles[start] = QuoteCandle(
            Range(bids[0], max(bids), min(bids), bids[-1]),
            Range(asks[0], max(asks), min(asks), asks[-1]),
            within[-1][3],
        )
        before = within[-1]
    return candles


async def shows(gateway: QuoteHistory, running: Running, width: int) -> dict[int, QuoteCandle]:
    """Return all candles that a gateway shows of the market."""
    return await gateway.of(running.view.market(MARKET), width, 0, FOR_EVER)


async def knows_what_was(history: QuoteHistory, running: Running, found: list[Seen]) -> None:
    """Check that a gateway knows the market's state a day before, at any moment."""
    market = running.view.market(MARKET)
    for minute in {(at // MINUTE + 1) * MINUTE for at, *_ in found}:
        last = [one for one in found if one[0] < minute][-1]
        quotes = (await history.day_ago([market], minute + DAY))[MARKET]
        assert quotes is not None
        assert (quotes.bid, quotes.ask, quotes.open_interest) == last[1:]
    assert (await history.day_ago([market], market.created_at + DAY))[MARKET] == NOT_YET


async def trade(running: Running, rnd: random.Random, minutes: int) -> None:
    """Change the quotes for some minutes, sometimes with several commands in a batch."""
    for _ in range(minutes):
        for _ in range(rnd.randrange(4)):
            side = rnd.choice((Side.BUY, Side.SELL))
            price = rnd.randint(30, 60) if side is Side.BUY else rnd.randint(40, 70)
            placed = await running.place(rnd.randint(1, 9), side, rnd.randint(1, 5), price)
            if rnd.random() < 0.3:
                await running.do(CancelOrder(placed.order.user_id, placed.order.id))
        await running.core.advance(running.core.now() + MINUTE)


def agree(shown: dict[int, QuoteCandle], wanted: dict[int, QuoteCandle]) -> None:
    """Check the candles of each expected span, and that other spans have none."""
    assert shown
    for start, candle in shown.items():
        assert candle == wanted[start], start
    for start in wanted.keys() - shown.keys():  # a command arrived that left the quotes unchanged
        bid, ask, _ = wanted[start]
        assert len({*bid}) == len({*ask}) == 1


async def test_quotes_are_the_same_after_restarts_and_on_every_gateway(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three gateways show the same quotes over restarts.

    One sees every batch, one starts late, and one reads only the database.
    """
    monkeypatch.setattr(quote_rows, "WRITE_EVERY", 13)
    monkeypatch.setattr(quote_history, "OUTBOX_BATCHES", 30)
    db, rnd = Database(exchange.url), random.Random(1)
    try:
        first, late = Gateway(db), Gateway(db)
        async with exchange.trading(clock=LaboratoryClock(), outlet=first) as running:
            await trade(running, rnd, 9)
        async with exchange.running(clock=LaboratoryClock(), outlet=first) as running:
            await trade(running, rnd, 9)
            await shows(first.quotes, running, MINUTE)
        async with exchange.running(clock=LaboratoryClock(), outlet=late) as running:
            await trade(running, rnd, 9)
            found = seen(exchange)
            for width in WIDTHS:
                wanted = expected(found, width)
                agree(await shows(QuoteHistory(db), running, width), wanted)
                agree(await shows(late.quotes, running, width), wanted)
            for history in (QuoteHistory(db), late.quotes):
                await knows_what_was(history, running, found)
    finally:
        await db.close()


async def test_a_gateway_that_missed_batches_reads_them(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that missed batches reads them from the outbox."""
    monkeypatch.setattr(quote_rows, "WRITE_EVERY", 1_000)
    db = Database(exchange.url)
    gateway = Gateway(db)
    try:
        async with exchange.trading(outlet=gateway) as running:
            await shows(gateway.quotes, running, MINUTE)
            kept, gateway.quotes = gateway.quotes, QuoteHistory(db)
            missed = await running.place(1, Side.BUY, 1, 33)
            await running.do(CancelOrder(1, missed.order.id))
            gateway.quotes = kept
            await running.place(1, Side.BUY, 1, 31)
            kept.interrupted()
            wanted = expected(seen(exchange), MINUTE)
            agree(await shows(kept, running, MINUTE), wanted)
    finally:
        await db.close()


async def test_waiting_quotes_are_bounded(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quotes of many minutes are written before their batch is due."""
    monkeypatch.setattr(quote_rows, "WRITE_AT", 3)
    async with exchange.trading(clock=LaboratoryClock()) as running:
        await running.core.advance(running.core.now() + 10 * MINUTE)
        for price in range(1, 3):
            await running.core.advance(running.core.now() + MINUTE)
            await running.place(1, Side.BUY, 1, price)
    assert exchange.count("quotes") >= len(WIDTHS)


async def test_one_request_reads_at_a_time(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists that ask at once for the quotes of a day ago read them once."""
    read: list[int] = []

    async def counted(connection: AsyncConnection, ids: list[int], at: int) -> dict[int, Quotes]:
        read.extend(ids)
        return await quotes_at(connection, ids, at)

    monkeypatch.setattr(quote_history, "quotes_at", counted)
    db = Database(exchange.url)
    try:
        async with exchange.trading() as running:
            market = running.view.market(MARKET)
            later = market.created_at + DAY + 2 * MINUTE
            history = QuoteHistory(db)
            await asyncio.gather(*(history.day_ago([market], later) for _ in range(5)))
    finally:
        await db.close()
    assert read == [MARKET]
