"""Every part of a sweep in steps has the time of its first step, wherever it is stored or shown."""

import asyncio

import pytest

from predmarket.engine.commands import CreateMarket, PlaceOrder
from predmarket.enums import MarketStatus, Side
from predmarket.server.core import journal
from predmarket.server.core.stores.base import BatchRecord
from predmarket.server.gateway.candle_cache import CandleCache
from predmarket.server.read_model.changes import Changes, decode
from predmarket.server.read_model.queries.candles import CandleRecord
from predmarket.server.storage.database import Database
from tests.support.clock import Shown
from tests.support.core_exchange import MARKET, Exchange, Running, limit

BUY, SELL = Side.BUY, Side.SELL
SECOND = 1_000_000
BEGAN = 1_000_000 * SECOND + 400_000
EXPIRES = BEGAN + SECOND
LATER = BEGAN + 2 * SECOND
FILLS = 40


async def elsewhere(running: Running) -> None:
    """Trade in a market without a sweep: its orders get their times between the steps."""
    for user, side in ((1, SELL), (2, BUY)):
        order = limit(user, side, 1, 50)
        await running.do(PlaceOrder(user, MARKET + 1, *(getattr(order, n) for n in _REST)))


_REST = ("side", "type", "price", "qty", "tif")


async def until_finished(running: Running) -> None:
    """Wait for the last step."""
    work = running.core.pipeline
    async with asyncio.timeout(60):
        while work.sequencer.exchange.state.unfinished or not work.all_answered:
            await asyncio.sleep(0)


def told(exchange: Exchange) -> list[Changes]:
    """Return the changes of the batches in the outbox."""
    rows = exchange.rows("SELECT changes FROM outbox ORDER BY batch")
    return [decode(bytes(row[0])) for row in rows]


def stamps(exchange: Exchange) -> list[int]:
    """Return the times of the journal's entries."""
    rows = exchange.rows("SELECT entries FROM journal ORDER BY batch")
    return [entry.time for row in rows for entry in journal.decode(bytes(row[0]))]


@pytest.mark.parametrize("dies", [False, True], ids=["whole", "dies amid"])
async def test_a_sweep_has_the_time_of_its_first_step(
    exchange: Exchange, dies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep's trades, ledger lines, orders, candles and messages have its first step's time.

    This holds although an order expires between the steps, others trade, and the core is replaced.
    """
    monkeypatch.setattr("predmarket.engine.steps.STEP", 2)
    now = BEGAN - SECOND
    database = Database(exchange.url)
    candles = CandleCache(database, block=7)

    async def shown() -> list[CandleRecord]:
        begin = BEGAN // SECOND * SECOND
        return await candles.of(MARKET, SECOND, begin, begin + 4 * SECOND)

    async with exchange.trading(clock=Shown(lambda: now)) as running:
        await running.do(CreateMarket("b", "?", "", 100, 0, 0, None, MarketStatus.OPEN, 1))
        for n in range(FILLS - 1):
            await running.place(n % 8 + 1, SELL, 1, 50)
        filled = (await running.place(1, SELL, 1, 50, expires_at=EXPIRES)).order.id
        expired = (await running.place(1, SELL, 1, 60, expires_at=EXPIRES)).order.id
        commit_batch, begun, alive = running.store.commit_batch, asyncio.Event(), asyncio.Event()
        alive.set()

        async def settle_while_alive(record: BatchRecord) -> None:
            await alive.wait()
            await commit_batch(record)
            begun.set()

        monkeypatch.setattr(running.store, "commit_batch", settle_while_alive)
        now = BEGAN
        sweeping = asyncio.create_task(running.do(limit(9, BUY, FILLS, 50)))
        await asyncio.wait_for(begun.wait(), 60)
        now = LATER
        await elsewhere(running)
        alive.clear()
        assert running.core.pipeline.sequencer.exchange.state.unfinished
        assert 0 < (await shown())[0].trades < FILLS
        if dies:
            await running.core.stop(limit_s=0.05)
            assert "sweep" in exchange.rows("SELECT unfinished FROM core_state")[0][0]
        else:
            alive.set()
            await until_finished(running)
        await asyncio.gather(sweeping, return_exceptions=True)
    if dies:
        async with exchange.running(clock=Shown(lambda: now)) as running:
            await until_finished(running)
            assert exchange.stored() == running.in_memory()
    found = await shown()
    await database.close()
    candle = CandleRecord(BEGAN // SECOND * SECOND, 5_000, 5_000, 5_000, 5_000, FILLS * 100, FILLS)
    assert found == [candle]
    _have_one_time(exchange, filled, expired)


def _have_one_time(exchange: Exchange, filled: int, expired: int) -> None:
    """Check the times of rows and changes: of the sweep, and of an order that expired in it."""
    swept = f"WHERE market_id = {MARKET}"
    assert exchange.rows(f"SELECT DISTINCT created_at FROM trades {swept}") == [(BEGAN,)]
    assert exchange.rows(f"SELECT DISTINCT created_at FROM ledger {swept}") == [(BEGAN,)]
    updated = f"SELECT DISTINCT updated_at FROM orders {swept} AND status = 'FILLED'"
    assert exchange.rows(updated) == [(BEGAN,)]
    status = "SELECT status, updated_at FROM orders WHERE id = "
    assert exchange.rows(f"{status}{filled}") == [("FILLED", BEGAN)]
    assert exchange.rows(f"{status}{expired}") == [("EXPIRED", LATER)]
    changes = told(exchange)
    trades = {t.trade.created_at for c in changes for t in c.trades if t.trade.market_id == MARKET}
    fills = {f.fill.created_at for c in changes for f in c.fills if f.fill.market_id == MARKET}
    assert trades == fills == {BEGAN}
    times = stamps(exchange)
    assert times == sorted(times)
    assert times[-1] == LATER
    assert exchange.audited() == []
