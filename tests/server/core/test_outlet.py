"""The outlet gets each committed change once, in order, and nothing else."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from predmarket.engine.commands import CancelOrder, CreateMarket, ResolveMarket, UpdateMarket
from predmarket.engine.metadata import MetadataChange
from predmarket.engine.replies import OrderDone
from predmarket.enums import Liquidity, MarketStatus, Outcome, Side
from predmarket.server.core.bus import BusReply
from predmarket.server.core.stores import base as store_module
from predmarket.server.core.stores.base import BatchRecord, StoreError
from predmarket.server.read_model.changes import Changes
from predmarket.server.storage import migrations
from predmarket.units import MONEY_ONE
from tests.engine.translate import to_command
from tests.reference.exchange import ReferenceExchange
from tests.reference.generate import random_commands
from tests.reference.generate_events import EventGenerator
from tests.server.core.listener import Listener, shown
from tests.support.clock import Shown
from tests.support.core_exchange import DEPOSIT, MARKET, USERS, Exchange, Running, limit

BUY, SELL = Side.BUY, Side.SELL
START = 1_000_000_000
NEWER_COLUMNS = {
    "core_state": (
        "last_ledger_id",
        "markets_seq",
        "stream_epoch",
        "stream_place",
        "logged_from",
        "unfinished",
        "origin",
        "group_seqs",
    ),
    "api_keys": ("access_id", "public_key"),
    "sessions": ("last_used_at", "address", "agent"),
    "accounts": (
        "order_seq",
        "fill_seq",
        "balance_seq",
        "position_seq",
        "holding_seq",
        "order_group_seq",
    ),
    "markets": (
        "trade_seq",
        "ticker_seq",
        "event_id",
        "label",
        "category",
        "tags",
        "source",
        "proposal",
        "group_id",
    ),
    "ledger": ("event_id", "balance"),
    "orders": ("topic_seq", "connection", "order_group_id"),
    "users": ("display_name", "display_key", "opening_credit"),
    "order_events": ("trade_id",),
}
NEWER_INDEXES = (
    "uq_orders_topic_seq", "ix_orders_order_group_id", "uq_api_keys_access_id",
    "uq_users_display_key",
)  # fmt: skip
NEWER_TABLES = (
    "outbox", "admin_log", "exchange", "holdings", "events", "order_group_fills", "order_groups",
    "user_codes", "invites", "user_group_members", "user_groups", "season_results",
    "season_starts", "seasons", "quotes",
)  # fmt: skip
OLDER_INDEXES = {
    "ix_trades_market_id": "trades (market_id, id)",
    "ix_trades_buy_order_id": "trades (buy_order_id)",
    "ix_trades_sell_order_id": "trades (sell_order_id)",
    "ix_ledger_user_id": "ledger (user_id, id)",
}
Settle = Callable[[BatchRecord], Awaitable[None]]


def spoil(running: Running, fails: Callable[[int], tuple[bool, bool]]) -> None:
    """Let commits fail.

    ``fails`` tells for each count whether it fails and whether it is committed.
    """
    commit_batch: Settle = running.store.commit_batch
    count = 0

    async def flaky(record: BatchRecord) -> None:
        nonlocal count
        count += 1
        failing, committed = fails(count)
        if committed or not failing:
            await commit_batch(record)
        if failing:
            raise StoreError("the connection was lost")

    running.store.commit_batch = flaky  # type: ignore[method-assign]


async def test_a_trade_is_announced_whole(exchange: Exchange) -> None:
    """A trade sends the last state of each changed object, on every topic that it concerns."""
    listener = Listener()
    async with exchange.trading(outlet=listener) as running:
        await running.place(1, BUY, 10, 60)
        await running.place(2, SELL, 4, 55)
    changes = listener.changes[-1]
    (market,), (book,), (trade,) = changes.markets, changes.books, changes.trades
    assert (market.record.last_price, market.record.volume, market.announced) == (6_000, 400, None)
    assert (book.last_seq, book.seq, book.bids, book.asks) == (1, 2, [(6_000, 600)], [])
    assert (trade.seq, trade.trade.price, trade.trade.taker_side) == (1, 6_000, SELL)
    orders = {o.order.id: (o.seq, o.order.filled) for o in changes.orders}
    assert orders == {1: (2, 400), 2: (1, 400)}
    bought, sold = changes.fills
    assert (bought.user_id, bought.fill.order_id, bought.fill.liquidity) == (1, 1, Liquidity.MAKER)
    assert (sold.user_id, sold.fill.order_id, sold.fill.liquidity) == (2, 2, Liquidity.TAKER)
    assert bought.fill.fee == 0 < sold.fill.fee
    assert {b.user_id: b.available + b.locked for b in changes.balances} == {
        1: DEPOSIT - 24 * MONEY_ONE // 10,
        2: DEPOSIT - 16 * MONEY_ONE // 10 - sold.fill.fee,
    }
    assert {p.user_id: p.position.yes - p.position.no for p in changes.positions} == {
        1: 400,
        2: -400,
    }
    listener.check(exchange)


async def test_a_rejected_order_is_announced(exchange: Exchange) -> None:
    """A rejected order has an id and a record, and advances its owner's counter without cash."""
    listener = Listener()
    async with exchange.trading(outlet=listener) as running:
        await running.do(limit(1, BUY, 1_000_000, 99))
        (change,) = listener.changes[-1].orders
        assert (change.seq, change.order.status) == (1, "REJECTED")
        assert listener.changes[-1].balances == []
    listener.check(exchange)


async def test_markets_are_announced(exchange: Exchange) -> None:
    """A market is announced when it is made, changed, closed or resolved.

    A draft is not announced, nor are trades.
    """
    listener = Listener()
    async with exchange.trading(outlet=listener) as running:
        await running.do(CreateMarket("draft", "?", "", 100, 0, 0, None, MarketStatus.DRAFT, 1))
        await running.do(UpdateMarket(2, question="What?"))
        await running.do(UpdateMarket(2, MarketStatus.OPEN))
        await running.place(1, BUY, 1, 50)
        await running.do(UpdateMarket(1, MarketStatus.HALTED))
        await running.do(ResolveMarket(2, Outcome.YES))
    news = [
        (market.announced, market.record.id, market.record.status)
        for changes in listener.changes
        for market in changes.markets
        if market.announced is not None
    ]
    assert news == [
        (1, 1, MarketStatus.OPEN),
        (2, 2, MarketStatus.OPEN),
        (3, 1, MarketStatus.HALTED),
        (4, 2, MarketStatus.RESOLVED),
    ]
    listener.check(exchange)


async def test_view_then_answers_then_outlet(exchange: Exchange) -> None:
    """The outlet gets a batch after its commands were answered and the view has changed."""
    seen: list[tuple[bool, int]] = []
    replies: list[asyncio.Task[BusReply]] = []

    class Watching(Listener):
        def committed(self, changes: Changes, encoded: bytes) -> None:
            super().committed(changes, encoded)
            if changes.orders:
                pending = [*running.core.pipeline.live.values()][-1]
                seen.append((pending.reply.done(), running.view.book(MARKET).seq))

    async with exchange.trading(outlet=Watching()) as running:
        replies.append(asyncio.create_task(running.do(limit(1, BUY, 1, 50))))
        await replies[0]
    assert seen == [(True, 1)]


@pytest.mark.parametrize("after_commit", [False, True], ids=["lost", "committed"])
async def test_an_unknown_outcome_is_announced_once(exchange: Exchange, after_commit: bool) -> None:
    """A batch with an unknown outcome is announced once.

    The repair announces it if it was committed, else the batch in which it runs again.
    """
    listener = Listener()
    async with exchange.trading(outlet=listener) as running:
        spoil(running, lambda count: (count == 1, after_commit))
        before = len(listener.changes)
        replies = await asyncio.gather(
            *(running.do(limit(user, BUY, 1, 50)) for user in range(1, USERS + 1))
        )
        assert all(isinstance(reply, OrderDone) for reply in replies)
        changes = [
            change.order.id for changes in listener.changes[before:] for change in changes.orders
        ]
        assert sorted(changes) == [*range(1, USERS + 1)]
    listener.check(exchange)


async def test_numbers_survive_restarts(exchange: Exchange) -> None:
    """A new core sends the content of the outbox and continues its numbers."""
    listener, later = Listener(), Listener()
    async with exchange.trading(outlet=listener) as running:
        await running.place(1, BUY, 5, 50)
        await running.place(2, SELL, 2, 50)
    async with exchange.running(outlet=later) as running:
        assert later.changes == listener.changes
        await running.place(2, SELL, 2, 50)
        await running.do(CancelOrder(1, 1))
        assert shown(later.view()) == shown(running.view)
    later.check(exchange)
    assert [seq for _, seq in later.numbers()["orders", 1]] == [1, 2, 3, 4]
    assert [seq for _, seq in later.numbers()["trades", MARKET]] == [1, 2]


async def test_a_takeover_by_another_core(exchange: Exchange) -> None:
    """A deposed core sends nothing uncommitted; the next core continues."""
    listener = Listener()
    async with exchange.trading(outlet=listener) as running:
        await running.place(1, BUY, 5, 50)
        exchange.execute("UPDATE core_state SET epoch = epoch + 1")
        changes = [*listener.changes]
        with pytest.raises(Exception, match="stopped"):
            await running.place(2, SELL, 2, 50)
        assert listener.changes == changes
    listener.starting = True
    async with exchange.running(outlet=listener) as running:
        await running.place(2, SELL, 2, 50)
    listener.check(exchange)


async def test_the_outbox_is_bounded(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is deleted from the outbox in the transaction that exceeds its size."""
    monkeypatch.setattr(store_module, "OUTBOX_BATCHES", 3)
    listener, later = Listener(), Listener()
    async with exchange.trading(outlet=listener):
        pass
    assert exchange.count("outbox") == 3
    async with exchange.running(outlet=later):
        assert later.changes == listener.changes[-3:]


async def test_an_outbox_of_another_version_is_skipped(exchange: Exchange) -> None:
    """A start skips an unreadable batch of another version and everything before it."""
    listener, later = Listener(), Listener()
    async with exchange.trading(outlet=listener) as running:
        await running.place(1, BUY, 5, 50)
    unreadable = "x'93'" if exchange.url.startswith("sqlite") else r"'\x93'"
    exchange.execute(f"UPDATE outbox SET changes = {unreadable} WHERE batch = 4")
    async with exchange.running(outlet=later):
        assert later.changes == listener.changes[4:]


def make_old(exchange: Exchange) -> None:
    """Undo the migrations after 0005, except for SQLite's keys.

    The upgrade copies the rows to change keys.
    """
    exchange.execute("UPDATE order_events SET detail = '1' WHERE trade_id IS NOT NULL")
    if exchange.url.startswith("postgresql"):
        for table in ("trades", "ledger"):
            exchange.execute(f"ALTER TABLE {table} DROP CONSTRAINT pk_{table}")
            exchange.execute(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY (id)")
        exchange.execute("ALTER TABLE positions DROP COLUMN event_id")
        for name in ("yes", "no"):
            exchange.execute(
                f"ALTER TABLE positions ADD CONSTRAINT ck_positions_{name} CHECK (1 = 1)"
            )
    for index in NEWER_INDEXES:
        exchange.execute(f"DROP INDEX {index}")
    for table, columns in NEWER_COLUMNS.items():
        for column in columns:
            exchange.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    for name, columns_of in OLDER_INDEXES.items():
        exchange.execute(f"CREATE INDEX {name} ON {columns_of}")
    for table in NEWER_TABLES:
        exchange.execute(f"DROP TABLE {table}")
    exchange.execute("UPDATE alembic_version SET version_num = '0005'")


async def test_an_exchange_that_has_traded_is_numbered(exchange: Exchange) -> None:
    """The upgrade derives the counters from the tables, and the numbers continue from there."""
    async with exchange.trading() as running:
        for _ in range(2):
            await running.place(1, BUY, 5, 50)
            await running.place(2, SELL, 2, 50)
        await running.place(1, SELL, 1, 90)
        bare = MetadataChange("", (), "")  # no metadata existed before
        await running.do(UpdateMarket(MARKET, metadata=bare))
    make_old(exchange)
    migrations.upgrade(exchange.url)
    assert exchange.rows("SELECT user_id, id, topic_seq FROM orders ORDER BY id") == [
        (1, 1, 1), (2, 2, 1), (1, 3, 2), (2, 4, 2), (1, 5, 3),
    ]  # fmt: skip
    listener = Listener()
    async with exchange.running(outlet=listener) as running:
        assert listener.changes == []
        await running.place(2, SELL, 1, 50)
    (changes,) = listener.changes
    assert {(o.order.id, o.order.user_id, o.seq) for o in changes.orders} == {(1, 1, 4), (6, 2, 3)}
    assert [trade.seq for trade in changes.trades] == [3]
    assert {(fill.user_id, fill.seq) for fill in changes.fills} == {(1, 3), (2, 3)}
    assert exchange.audited() == []


async def test_a_random_stream_is_announced_without_a_gap(exchange: Exchange) -> None:
    """The outlet's changes equal the stored state after a random stream of commands.

    The stream has failing commits, restarts and trades in events.
    """
    chance = random.Random(7)
    listener, reference = Listener(), ReferenceExchange()
    reference.now = START
    stream = random_commands(11, reference, kind=EventGenerator)
    now = START

    async def trade(running: Running, turns: int) -> None:
        nonlocal now
        for _ in range(turns):
            group = []
            for _ in range(chance.randint(1, 12)):
                abstract = next(stream)
                group.append(to_command(abstract, len(reference.ledger.markets)))
                reference.apply(abstract)
                now = abstract["ts"]
            await asyncio.gather(*(running.do(command) for command in group))

    for _ in range(3):
        listener.starting = True
        async with exchange.running(
            outlet=listener, clock=Shown(lambda: now), max_batch=20
        ) as running:
            spoil(running, lambda _: (chance.random() < 0.06, chance.random() < 0.5))
            await trade(running, 20)
            assert shown(listener.view()) == shown(running.view)
    assert sum(len(changes.trades) for changes in listener.changes) > 30
    listener.check(exchange)
    assert exchange.audited() == []
