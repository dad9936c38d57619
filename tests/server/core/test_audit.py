"""The audit finds each kind of tampering by the check for it."""

import asyncio
import re

import pytest

from predmarket.engine.commands import CancelOrder, ResolveMarket, Transfer, UpdateMarket
from predmarket.enums import MarketStatus, Outcome, Side
from predmarket.server.core.audit import Replayer
from predmarket.server.core.audit_queries import NONE_OF
from predmarket.server.core.stores.factory import open_snapshot, open_store
from tests.support.core_exchange import Exchange, limit
from tests.support.query_plans import nested

BUY, SELL = Side.BUY, Side.SELL


async def traded(exchange: Exchange) -> None:
    """Leave a database that holds every kind of row."""
    async with exchange.trading() as running:
        await running.place(1, BUY, 10, 60)
        await running.place(2, SELL, 7, 55)
        await running.place(3, BUY, 5, 30)
        placed = await running.place(3, BUY, 5, 31)
        await running.do(CancelOrder(3, placed.order.id))
        await running.do(Transfer(4, 1_000_000, "gift", 1))


async def test_an_untouched_exchange_passes(exchange: Exchange) -> None:
    """Every check passes, before and after a resolution."""
    await traded(exchange)
    assert exchange.audited() == []
    async with exchange.running() as running:
        await running.do(ResolveMarket(1, Outcome.NO))
    assert exchange.audited() == []


async def test_its_work_on_postgresql_grows_linearly(migrated_postgres_url: str) -> None:
    """No query compares all rows of two tables."""
    orders, exchange = 400, Exchange(migrated_postgres_url)
    async with exchange.trading() as running:
        crossing = [limit(1 + n % 2, (BUY, SELL)[n % 2], 1, 50) for n in range(orders)]
        await asyncio.gather(*(running.core.enqueue(one) for one in crossing))
    with open_snapshot(exchange.url) as store:
        for name, sql in NONE_OF:
            plan = "\n".join(row[0] for row in store.read(f"EXPLAIN (ANALYZE) {sql}"))
            compared = [int(n) for n in re.findall(r"Removed by Join Filter: (\d+)", plan)]
            assert sum(compared) < 10 * orders, f"{name}\n{plan}"


def test_its_work_on_sqlite_grows_linearly(migrated_sqlite_url: str) -> None:
    """No query reads all rows of one table for each row of another."""
    with open_snapshot(migrated_sqlite_url) as store:
        for name, sql in NONE_OF:
            plan = store.read(f"EXPLAIN QUERY PLAN {sql}")
            assert not nested(plan), f"{name}\n{plan}"


async def test_it_may_run_beside_the_exchange(exchange: Exchange) -> None:
    """The audit reads one snapshot, so a running core does not disturb it."""
    async with exchange.trading() as running:
        await running.place(1, BUY, 10, 60)
        assert exchange.audited() == []
        await running.place(2, SELL, 7, 55)
        assert exchange.audited() == []


async def test_a_user_with_several_entries_of_one_command(exchange: Exchange) -> None:
    """Each entry of a command that trades several times keeps the balance after itself."""
    async with exchange.trading() as running:
        for price in (55, 56, 57):
            await running.place(2, SELL, 1, price)
        await running.place(1, BUY, 3, 60)
    newest = exchange.rows("SELECT balance FROM ledger WHERE user_id = 1 ORDER BY id DESC LIMIT 3")
    assert len({balance for (balance,) in newest}) == 3
    assert (
        newest[0] == exchange.rows("SELECT available + locked FROM accounts WHERE user_id = 1")[0]
    )
    assert exchange.audited() == []


async def test_commands_from_before_the_admin_log_are_not_missed_in_it(exchange: Exchange) -> None:
    """Commands older than the admin log are not missed in it.

    The log begins after the commands that existed at its creation, and some old commands name no
    actor.
    """
    async with exchange.trading() as running:
        await running.do(UpdateMarket(1, MarketStatus.HALTED))  # the form of the old journals
    exchange.execute("DELETE FROM admin_log")
    exchange.execute("UPDATE core_state SET logged_from = last_seq")
    assert exchange.audited() == []
    async with exchange.running() as running:
        await running.do(UpdateMarket(1, MarketStatus.OPEN, actor_id=1))
        await running.do(ResolveMarket(1, Outcome.VOID, actor_id=1))
    assert exchange.audited() == []
    assert exchange.rows("SELECT actor_id, action, target FROM admin_log ORDER BY id") == [
        (1, "MARKET_OPEN", "market:1"),
        (1, "MARKET_VOID", "market:1"),
    ]
    exchange.execute("DELETE FROM admin_log WHERE action = 'MARKET_VOID'")
    assert [check.name for check in exchange.audited()] == ["admin_log: replayed = stored"]


async def test_ended_orders_and_markets_take_no_memory(exchange: Exchange) -> None:
    """The replay keeps only sums of ended orders and of positions in final markets."""
    async with exchange.trading() as running:
        for user in range(1, 6):
            placed = await running.place(user, BUY, 1, 30)
            await running.do(CancelOrder(user, placed.order.id))
            await running.place(user, BUY, 1, 50)
        await running.place(9, SELL, 4, 50)
        await running.do(ResolveMarket(1, Outcome.YES))
    store, replayer = open_store(exchange.url), Replayer()
    store.connect()
    try:
        assert replayer.run(store, store.core_row(), lambda *_: None) is None
    finally:
        store.close()
    assert replayer.orders.count == 11
    assert replayer.orders.open == {}
    assert [*replayer.exchange.state.positions()] == []


@pytest.mark.parametrize(
    ("tampering", "caught_by"),
    [
        ("UPDATE accounts SET available = available + 1 WHERE user_id = 5", "accounts: cash"),
        ("UPDATE accounts SET available = available - 1, locked = locked + 1 WHERE user_id = 5",
         "accounts: locked"),
        ("UPDATE markets SET volume = volume + 1", "markets: volume"),
        ("UPDATE markets SET fees = fees + 1", "fees: over markets"),
        ("UPDATE positions SET yes = yes + 1 WHERE user_id = 1", "markets: YES = NO"),
        ("UPDATE trades SET qty = qty + 1", "orders: filled"),
        ("UPDATE trades SET price = price + 1", "trades: replayed"),
        ("DELETE FROM ledger WHERE id = 2", "accounts: cash"),
        ("UPDATE core_state SET last_ledger_id = last_ledger_id + 1", "ledger: the newest"),
        ("UPDATE ledger SET balance = balance + 1 WHERE id = 2", "ledger: each balance"),
        ("UPDATE ledger SET seq = seq + 1 WHERE id = 2", "ledger: replayed"),
        ("UPDATE transfers SET reason = 'theft' WHERE id = 3", "transfers: replayed"),
        ("UPDATE orders SET price = price + 1 WHERE id = 3", "orders: replayed"),
        ("DELETE FROM order_events WHERE order_id = 4 AND n = 2", "orders: every event"),
        ("UPDATE order_events SET detail = 'x' WHERE order_id = 4 AND n = 2",
         "order_events: replayed"),
        ("UPDATE order_events SET trade_id = NULL WHERE order_id = 2 AND n = 2",
         "orders: every fill"),
        ("UPDATE markets SET trade_seq = trade_seq + 1", "topics: every trade"),
        ("UPDATE accounts SET fill_seq = fill_seq - 1 WHERE user_id = 1",
         "topics: every execution"),
        ("UPDATE orders SET topic_seq = topic_seq + 1 WHERE id = 4", "topics: an order holds"),
        ("UPDATE core_state SET net_deposits = net_deposits + 1", "money:"),
        ("DELETE FROM admin_log WHERE action = 'TRANSFER'", "admin_log: replayed"),
        ("UPDATE admin_log SET actor_id = 2 WHERE action = 'MARKET_CREATE'",
         "admin_log: replayed"),
        ("UPDATE journal SET hash = entries WHERE batch = 2", "journal:"),
        ("DELETE FROM journal WHERE batch = 2", "journal:"),
        ("UPDATE journal SET rules = '1' WHERE batch = 2", "journal:"),
        ("UPDATE orders SET user_id = 77 WHERE id = 4", "references: every row of orders"),
        ("UPDATE order_events SET order_id = 77 WHERE order_id = 4",
         "references: every row of order_events"),
        ("UPDATE order_events SET trade_id = 77 WHERE order_id = 2 AND n = 2",
         "orders: every fill"),
        ("UPDATE trades SET sell_order_id = 77", "references: every row of trades"),
        ("UPDATE ledger SET user_id = 77 WHERE id = 2", "references: every row of ledger"),
    ],
)  # fmt: skip
async def test_tampering_is_found(exchange: Exchange, tampering: str, caught_by: str) -> None:
    """Each change of the data fails the check named for it."""
    await traded(exchange)
    exchange.execute(tampering)
    assert any(check.name.startswith(caught_by) for check in exchange.audited())


async def test_a_journal_of_other_rules_is_named_so(exchange: Exchange) -> None:
    """A journal by other rules, as left by an upgrade, is reported as such and does not pass."""
    await traded(exchange)
    exchange.execute("UPDATE journal SET rules = '1'")
    (found,) = [check for check in exchange.audited() if not check.ok]
    assert found.name.startswith("journal:")
    assert "under rules 1, and this version replays rules 2 alone" in found.detail
