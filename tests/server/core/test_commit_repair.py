"""One repair path handles failed commits, lost databases and replaced cores."""

import asyncio
import re
import time

import pytest

from predmarket.engine.commands import CancelOrder, Command, ResolveMarket, UpdateMarket
from predmarket.engine.ledger import InvariantError
from predmarket.engine.replies import OrderDone, Resolved
from predmarket.enums import MarketStatus, Outcome, Side
from predmarket.server.core import state_loader
from predmarket.server.core.bus import BusError, BusReply, Faulted, RepeatedOrder
from predmarket.server.core.leadership import LeaseHeld
from predmarket.server.core.state_loader import LoadError
from predmarket.server.core.stores.base import (
    BatchRecord,
    CoreRow,
    Deposed,
    IntegrityViolation,
    Store,
    StoreError,
)
from predmarket.server.core.stores.store_numbers import StoredState
from predmarket.server.storage import migrations
from predmarket.units import MONEY_ONE
from tests.server.core.listener import Listener
from tests.support.core_exchange import MARKET, USERS, Exchange, Running, Settle, fail_next, limit
from tests.support.postgres import PostgresServer, fresh_database

BUY, SELL = Side.BUY, Side.SELL


def order_id(reply: BusReply) -> int:
    """Return the id of the order that a placement or its repeat names."""
    if isinstance(reply, OrderDone):
        return reply.order.id
    assert isinstance(reply, RepeatedOrder)
    return reply.order_id


@pytest.mark.parametrize("after_commit", [False, True], ids=["lost", "committed"])
async def test_an_unknown_outcome_is_found_out(exchange: Exchange, after_commit: bool) -> None:
    """The journal tells whether a batch with an unknown outcome was committed.

    Each order happens once, in the order of arrival.
    """
    async with exchange.trading() as running:
        failed = fail_next(running, after_commit=after_commit)
        epoch = running.core.status().epoch
        orders = [limit(user, BUY, 1, 50, key="k") for user in range(1, USERS + 1)]
        replies = await asyncio.gather(*(running.do(order) for order in orders))
        assert all(isinstance(reply, OrderDone) for reply in replies)
        assert len(failed) == 1
        assert running.core.status().epoch == epoch + 1
        assert [await running.do(order) for order in orders] == [
            RepeatedOrder(reply.order.id) for reply in replies if isinstance(reply, OrderDone)
        ]
        assert [order_id(reply) for reply in replies] == [*range(1, USERS + 1)]
        assert exchange.count("orders") == USERS
        assert exchange.stored() == running.in_memory()
    assert exchange.audited() == []


async def test_many_failures_in_a_row_lose_and_double_nothing(exchange: Exchange) -> None:
    """Nothing is lost or doubled when every second commit fails.

    It fails alternately before and after the database has it.
    """
    async with exchange.trading() as running:
        commit_batch: Settle = running.store.commit_batch
        count = 0

        async def flaky(record: BatchRecord) -> None:
            nonlocal count
            count += 1
            if count % 4 != 1:
                await commit_batch(record)
            if count % 2:
                raise StoreError("the connection was lost")

        running.store.commit_batch = flaky  # type: ignore[method-assign]
        for turn in range(12):
            tasks = [running.do(limit(u, BUY, 1, 40, key=f"{turn}")) for u in range(1, USERS + 1)]
            replies = await asyncio.gather(*tasks)
            assert all(isinstance(reply, OrderDone) for reply in replies)
        assert count > 12
        assert exchange.count("orders") == 12 * USERS
    assert exchange.audited() == []


async def test_a_repeat_during_repair_waits_for_the_original(exchange: Exchange) -> None:
    """A repeat sent while the outcome is unknown gets the same order, whatever the outcome was."""
    async with exchange.trading() as running:
        fail_next(running, after_commit=True)
        order = limit(1, BUY, 1, 50, key="k")
        replies = await asyncio.gather(*(running.do(order) for _ in range(3)))
        ids = {order_id(reply) for reply in replies}
        assert len(ids) == 1
        assert exchange.count("orders") == 1


async def test_a_held_resolution_survives_repair(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller of a long resolution gets its answer although commits fail between the steps."""
    monkeypatch.setattr("predmarket.engine.steps.STEP", 2)
    async with exchange.trading() as running:
        for user in range(1, USERS):
            await running.place(user, BUY, 1, 50)
        await running.place(9, SELL, 8, 50)
        commit_batch: Settle = running.store.commit_batch
        count = 0

        async def flaky(record: BatchRecord) -> None:
            nonlocal count
            count += 1
            if count % 3:
                await commit_batch(record)
            if count % 3 != 1:
                raise StoreError("the connection was lost")

        running.store.commit_batch = flaky  # type: ignore[method-assign]
        done = await running.do(ResolveMarket(MARKET, Outcome.YES))
        assert done == Resolved(MARKET, 8, 8 * MONEY_ONE)
    assert exchange.audited() == []


async def test_a_command_that_the_database_refuses_is_dropped_alone(exchange: Exchange) -> None:
    """A command that the database refuses is answered as a fault; the others are carried out."""
    async with exchange.trading() as running:
        commit_batch: Settle = running.store.commit_batch

        async def refusing(record: BatchRecord) -> None:
            if re.search(rb"poison", record.entries):
                raise IntegrityViolation("a constraint is violated")
            await commit_batch(record)

        running.store.commit_batch = refusing  # type: ignore[method-assign]
        good = [running.do(limit(user, BUY, 1, 50)) for user in range(1, 5)]
        bad = running.do(limit(5, BUY, 1, 50, key="poison"))
        *fine, fault = await asyncio.gather(*good, bad, return_exceptions=True)
        assert all(isinstance(reply, OrderDone) for reply in fine)
        assert isinstance(fault, Faulted)
        assert exchange.count("orders") == 4
        await running.place(5, BUY, 1, 50)
    assert exchange.audited() == []


async def test_a_resolution_that_the_database_refuses_is_dropped(exchange: Exchange) -> None:
    """A resolution that the database refuses is dropped and does not return.

    This holds even if its first and last step are in one batch.
    """
    async with exchange.trading() as running:
        commit_batch: Settle = running.store.commit_batch

        async def refusing(record: BatchRecord) -> None:
            if re.search(rb"resolve-market", record.entries):
                raise IntegrityViolation("a constraint is violated")
            await commit_batch(record)

        running.store.commit_batch = refusing  # type: ignore[method-assign]
        for step in (1, 1_000):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("predmarket.engine.steps.STEP", step)
                await running.place(1, BUY, 1, 50)
                await running.place(2, BUY, 1, 49)
                with pytest.raises(Faulted):
                    await running.do(ResolveMarket(MARKET, Outcome.YES))
    assert exchange.audited() == []


async def test_any_exception_of_the_engine_drops_one_command(exchange: Exchange) -> None:
    """An exception in the engine drops one command only.

    A SCALAR resolution without a price raises it; no gateway would send one.
    """
    async with exchange.trading() as running:
        await running.place(1, BUY, 1, 50)
        await running.place(2, SELL, 1, 50)
        with pytest.raises(Faulted):
            await running.do(ResolveMarket(MARKET, Outcome.SCALAR))
        await running.place(1, BUY, 1, 50)
    assert exchange.audited() == []


async def test_a_key_that_no_row_can_have_drops_one_command(migrated_postgres_url: str) -> None:
    """A command with a key that PostgreSQL cannot store is dropped.

    Its neighbours are carried out.
    """
    exchange = Exchange(migrated_postgres_url)
    async with exchange.trading() as running:
        done = await asyncio.gather(
            running.do(limit(1, BUY, 1, 50)),
            running.do(limit(2, BUY, 1, 50, key="a\0b")),
            running.do(limit(3, BUY, 1, 50)),
            return_exceptions=True,
        )
        assert isinstance(done[0], OrderDone)
        assert isinstance(done[1], Faulted)
        assert isinstance(done[2], OrderDone)


async def test_a_load_longer_than_the_lease_keeps_the_lead(
    migrated_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is renewed while the state loads, so nobody takes over meanwhile."""
    exchange = Exchange(migrated_postgres_url)
    load = state_loader.load

    def slowly(store: Store, core: CoreRow) -> StoredState:
        time.sleep(3)
        return load(store, core)

    monkeypatch.setattr(state_loader, "load", slowly)
    starting = asyncio.create_task(begin(exchange))
    await asyncio.sleep(2.7)
    with pytest.raises(LeaseHeld):
        async with exchange.running(wait_s=0):
            pass
    await starting


async def begin(exchange: Exchange) -> None:
    """Start a core and trade once."""
    async with exchange.trading() as running:
        await running.place(1, BUY, 1, 50)


@pytest.mark.parametrize("merging", [False, True], ids=["owner cancels", "position merges"])
async def test_steps_are_the_same_after_a_reload(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, merging: bool
) -> None:
    """A reload rebuilds lists that lead to the same steps, so the replay agrees."""
    monkeypatch.setattr("predmarket.engine.steps.STEP", 2)
    async with exchange.trading() as running:
        for user in range(1, 5):
            await running.place(user, BUY, 1, 50)
        await running.place(9, SELL, 4, 50)
        for user in range(1, 5):
            await running.place(user, SELL, 1, 60)
        if merging:
            for user in range(1, 5):
                await running.place(user, SELL, 1, 61)
            await running.place(9, BUY, 8, 61)
        resting = [await running.place(user, BUY, 1, 40) for user in range(1, 5)]
        if merging:
            resolving = asyncio.create_task(running.do(ResolveMarket(MARKET, Outcome.NO)))
        else:
            await running.do(UpdateMarket(MARKET, MarketStatus.CLOSED))
            resolving = None
        for order in reversed(resting):
            await running.do(CancelOrder(order.order.user_id, order.order.id))
            fail_next(running, after_commit=False)
        if resolving is not None:
            await resolving
        else:
            while running.core.pipeline.sequencer.exchange.state.unfinished:
                await asyncio.sleep(0.01)
            await running.do(UpdateMarket(MARKET, MarketStatus.OPEN))
    assert exchange.audited() == []


async def test_a_broken_invariant_throws_the_state_away(exchange: Exchange) -> None:
    """A command that breaks an invariant is dropped, and the spoiled state is loaded again."""
    async with exchange.trading() as running:
        core = running.core

        def spoil() -> None:
            exchange_apply = core.pipeline.sequencer.exchange.apply

            def apply(now: int, command: Command) -> object:
                if isinstance(command, CancelOrder) and command.order_id == 666:
                    core.pipeline.sequencer.exchange.state.ledger.accounts[1].available += 1
                    raise InvariantError("money was made")
                return exchange_apply(now, command)

            engine = core.pipeline.sequencer.exchange
            core.pipeline.sequencer.exchange = type(
                "Spoiled",
                (),
                {"apply": staticmethod(apply), "__getattr__": lambda _, n: getattr(engine, n)},
            )()

        install = core.pipeline.install

        def reinstall(loaded: object) -> None:
            install(loaded)  # type: ignore[arg-type]
            spoil()

        core.pipeline.install = reinstall  # type: ignore[method-assign]
        spoil()
        replies = await asyncio.gather(
            running.do(limit(1, BUY, 1, 50)),
            running.do(CancelOrder(1, 666)),
            running.do(limit(2, BUY, 1, 50)),
            return_exceptions=True,
        )
        assert isinstance(replies[0], OrderDone)
        assert isinstance(replies[1], Faulted)
        assert isinstance(replies[2], OrderDone)
    assert exchange.count("orders") == 2
    assert exchange.audited() == []


async def test_a_second_core_is_refused(exchange: Exchange) -> None:
    """A second core is refused while the first leads, and the error names the leader."""
    async with exchange.trading() as running:
        with pytest.raises(LeaseHeld, match=re.escape(running.core.status().leader)):
            async with exchange.running(wait_s=0.3):
                pass
        await running.place(1, BUY, 1, 50)
    async with exchange.running(wait_s=0) as running:
        await running.place(1, BUY, 1, 50)


async def test_a_deposed_core_changes_nothing_and_ends(exchange: Exchange) -> None:
    """A deposed core's batch is refused because its epoch is old, and the core stops."""
    async with exchange.trading() as running:
        exchange.execute("UPDATE core_state SET epoch = epoch + 1")
        before = exchange.count("orders")
        with pytest.raises(BusError):
            await running.do(limit(1, BUY, 1, 50))
        with pytest.raises(Deposed):
            await running.core.failed()
        assert not running.core.status().healthy
        assert exchange.count("orders") == before


async def test_a_core_that_lost_its_lease_stops(migrated_postgres_url: str) -> None:
    """A core that lost its lease detects it without any command and stops."""
    exchange = Exchange(migrated_postgres_url)
    async with exchange.trading() as running:
        exchange.execute("UPDATE lease SET holder = 'somebody else'")
        with pytest.raises(Deposed):
            await asyncio.wait_for(running.core.failed(), 60)


async def test_a_dead_holders_lease_runs_out(migrated_postgres_url: str) -> None:
    """A core that died with its lease is replaced once the lease has expired."""
    exchange = Exchange(migrated_postgres_url)
    async with exchange.trading():
        pass
    exchange.execute(
        "UPDATE lease SET holder = 'dead', "
        "expires_at = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + 1500000"
    )
    async with exchange.running() as running:
        await running.place(1, BUY, 1, 50)


async def test_a_load_refuses_state_that_does_not_add_up(exchange: Exchange) -> None:
    """A load refuses balances that do not add up."""
    async with exchange.trading() as running:
        await running.place(1, BUY, 1, 50)
    exchange.execute("UPDATE accounts SET available = available + 1 WHERE user_id = 1")
    with pytest.raises(LoadError):
        async with exchange.running():
            pass


@pytest.mark.timeout(600)
async def test_the_database_goes_away_and_returns() -> None:
    """PostgreSQL crashes under load and starts again, and no acknowledged order is lost."""
    with PostgresServer() as server, fresh_database(server.url()) as url:
        migrations.upgrade(url)
        exchange = Exchange(url)
        acknowledged: dict[str, int] = {}
        stop = asyncio.Event()

        async def trader(user: int, running: Running) -> None:
            turn = 0
            while not stop.is_set():
                turn += 1
                key = f"{user}-{turn}"
                while key not in acknowledged:
                    try:
                        reply = await running.do(limit(user, BUY, 1, 1, key=key))
                    except BusError:
                        continue
                    acknowledged[key] = order_id(reply)

        async with exchange.trading(reply_limit_s=1.0) as running:
            traders = [asyncio.create_task(trader(user, running)) for user in range(1, USERS + 1)]
            for _ in range(2):
                target = len(acknowledged) + 200
                while len(acknowledged) < target:
                    await asyncio.sleep(0.01)
                await asyncio.to_thread(server.stop, "immediate")
                await asyncio.sleep(0.2)
                assert not running.core.status().healthy
                await asyncio.to_thread(server.start)
            target = len(acknowledged) + 200
            while len(acknowledged) < target:
                await asyncio.sleep(0.01)
            stop.set()
            await asyncio.gather(*traders)
            assert running.core.status().healthy
        assert len(set(acknowledged.values())) == len(acknowledged)
        assert exchange.count("orders") == len(acknowledged)
        assert exchange.audited() == []


async def test_orders_of_a_dead_gateway_are_cancelled(exchange: Exchange) -> None:
    """A starting core ends the connections of the previous process by journaled commands."""
    async with exchange.trading() as running:
        for user, connection in ((1, "a-1"), (2, "a-1"), (1, "a-2"), (3, None), (4, "b-1")):
            await running.place(user, BUY, 1, 50, connection=connection)
    listener = Listener()
    async with exchange.running(outlet=listener) as running:
        fail_next(running, after_commit=False, times=2)
        await running.place(5, BUY, 1, 50, connection="c-1")
        rows = "SELECT id, status, reason FROM orders WHERE connection IS NOT NULL ORDER BY id"
        ended = [(id, "CANCELED", "DISCONNECT") for id in (1, 2, 3, 5)]
        assert exchange.rows(rows) == [*ended, (6, "OPEN", None)]
        fail_next(running, after_commit=True)  # a repair is not a start: its own gateway still runs
        await running.place(6, BUY, 1, 50, connection="c-2")
        assert exchange.rows(rows)[-2:] == [(6, "OPEN", None), (7, "OPEN", None)]
        assert exchange.stored() == running.in_memory()
    assert exchange.audited() == []
    listener.check(exchange)


async def test_ending_dead_connections_keeps_to_the_size_of_a_batch(exchange: Exchange) -> None:
    """Each ended connection of a dead gateway is a command of its own, within the batch limit."""
    async with exchange.trading() as running:
        orders = [limit(1 + n % 9, BUY, 1, 10, connection=f"a-{n}") for n in range(20)]
        await asyncio.gather(*(running.do(order) for order in orders))
    async with exchange.running(max_batch=3) as running:
        while running.core.pipeline.sequencer.exchange.state.orders:
            await asyncio.sleep(0.01)
    sizes = exchange.rows("SELECT MAX(last_seq - first_seq + 1) FROM journal WHERE epoch = 2")
    assert sizes == [(3,)]
    assert exchange.audited() == []
