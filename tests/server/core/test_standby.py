"""A standby's copy follows the journal and equals a load, or it is discarded."""

import asyncio
import gc
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from predmarket.engine import steps
from predmarket.engine.commands import CancelAfter, ResolveMarket
from predmarket.engine.ledger import InvariantError
from predmarket.engine.position import Position
from predmarket.engine.snapshot import snapshot
from predmarket.engine.state import State
from predmarket.engine.timers import TimerKind
from predmarket.enums import MarketStatus, Outcome, Side
from predmarket.server.core import standby, state_loader
from predmarket.server.core.bus import BusError
from predmarket.server.core.core import Core
from predmarket.server.core.leadership import Leadership
from predmarket.server.core.standby import Standby
from predmarket.server.core.stores.base import BatchRecord, Deposed, StoreError
from predmarket.server.core.stores.factory import leadership, open_store
from predmarket.server.core.stores.store_numbers import StoredState
from predmarket.server.interpreter import loads
from predmarket.server.read_model.market_view import MarketView
from tests.engine.translate import to_command
from tests.reference.exchange import ReferenceExchange
from tests.reference.generate import random_commands
from tests.reference.generate_events import EventGenerator
from tests.support.clock import Shown
from tests.support.core_exchange import MARKET, Exchange, Running, fail_next, forbidden, limit
from tests.support.garbage import search_only_what_comes

BUY, SELL = Side.BUY, Side.SELL
START = 1_000_000_000
_LINKS = frozenset(
    {
        "book",
        "event",
        "group",
        "holding",
        "holdings",
        "level",
        "next",
        "orders",
        "own",
        "positions",
        "prev",
        "run",
        "skip",
    }
)


def shown(thing: object) -> list[Any]:
    """Return the fields of an account, market, order and so on, without links."""
    names = [name for name in type(thing).__slots__ if name not in _LINKS]  # type: ignore[attr-defined]
    return [(name, getattr(thing, name)) for name in names]


def live(state: State, due: int, kind: int, id: int) -> bool:
    """Tell whether a timer is still live."""
    return state.is_live(due, TimerKind(kind), id)


def whose(position: Position) -> tuple[int, int]:
    """Return the ids of a position's user and market."""
    return position.user_id, position.market_id


def versions(stored: StoredState) -> dict[str, Any]:
    """Return the rows' versions, without the rows that an unfinished resolution has settled."""
    state, kept = stored.state, stored.numbers.versions
    return {
        "rows": [kept.accounts, kept.events, kept.markets, kept.order_groups, kept.orders],
        "holdings": [
            {user: kept.holdings[id][user] for user in event.holdings}
            for id, event in sorted(state.market_events.items())
        ],
        "positions": [
            {user: kept.positions[id][user] for user in market.positions}
            for id, market in sorted(state.markets.items())
        ],
    }


def everything(stored: StoredState) -> dict[str, Any]:
    """Return the complete state: the engine's, the store's numbers and versions, live timers."""
    state, numbers = stored.state, stored.numbers
    ledger = state.ledger
    assert numbers.versions.orders.keys() == state.orders.keys()
    assert numbers.versions.order_groups.keys() == state.order_groups.by_id.keys()
    for event in state.market_events.values():
        if event.outcome is not None:
            kept = numbers.versions.positions.keys()
            assert kept.isdisjoint(event.market_ids), "an ended event's versions are kept"
            assert event.id not in numbers.versions.holdings
    return {
        "numbers": (numbers.users, numbers.markets, numbers.event_tickers),
        "versions": versions(stored),
        "snapshot": snapshot(state),
        "accounts": [(shown(a), sorted(a.orders)) for _, a in sorted(ledger.accounts.items())],
        "markets": [(shown(m), sorted(m.positions)) for _, m in sorted(state.markets.items())],
        "orders": [shown(order) for _, order in sorted(state.orders.items())],
        "positions": [shown(p) for p in sorted(state.positions(), key=whose)],
        "events": [shown(e) for _, e in sorted(state.market_events.items())],
        "holdings": [
            shown(holding)
            for _, event in sorted(state.market_events.items())
            for _, holding in sorted(event.holdings.items())
        ],
        "slugs": (state.slugs, state.event_slugs, state.last_event_id),
        "timers": sorted({timer for timer in state.timers if live(state, *timer)}),
        "unfinished": steps.encode(state.unfinished),
        "ties": [
            {name: (list(tied.orders), tied.users, tied.markets) for name, tied in lists.items()}
            for lists in (state.ties.connections, state.ties.gateways)
        ],
        "users": ledger.user_ids,
        "groups": [
            (group.record(), group.counts_after, list(state.order_groups.open_of(group).orders))
            for _, group in sorted(state.order_groups.by_id.items())
        ],
    }


@contextmanager
def following(exchange: Exchange) -> Iterator[Standby]:
    """Run a standby on an exchange."""
    copy = Standby(open_store(exchange.url))
    try:
        yield copy
    finally:
        copy.close()


def copied(copy: Standby) -> StoredState:
    """Return the copy's state."""
    assert copy.copy is not None
    return copy.copy.stored


def loaded(exchange: Exchange) -> StoredState:
    """Return the state that a load gives."""
    store = open_store(exchange.url)
    store.connect()
    try:
        return state_loader.load(store, store.core_row())
    finally:
        store.close()


def state_of(core: Core) -> StoredState:
    """Return a core's state."""
    return core.pipeline.sequencer.stored


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def take_over(exchange: Exchange, copy: Standby) -> Core:
    """Start a core on a copy after the previous core has let go of the lead."""
    lead: Leadership = leadership(exchange.url, 5)
    core = Core(open_store(exchange.url), lead, MarketView(), standby=copy)
    await core.start()
    return core


async def test_a_copy_is_what_a_load_gives(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy equals a load after any batches of a random stream, with all numbers of the store."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    monkeypatch.setattr("predmarket.engine.steps.STEP", 3)
    chance, reference = random.Random(seed), ReferenceExchange()
    reference.now = now = START
    stream = random_commands(seed, reference, connections=True, kind=EventGenerator)
    compared = 0
    with following(exchange) as copy:
        async with exchange.running(clock=Shown(lambda: now), max_batch=20) as running:
            for turn in range(80):
                group = []
                for _ in range(chance.randint(1, 12)):
                    abstract = next(stream)
                    group.append(to_command(abstract, len(reference.ledger.markets)))
                    reference.apply(abstract)
                    now = abstract["ts"]
                await asyncio.gather(*(running.do(command) for command in group))
                if chance.random() < 0.3 or not turn:
                    await asyncio.to_thread(copy.follow)
                    assert copy.core is not None
                    if copy.core.last_batch == exchange.scalar("SELECT last_batch FROM core_state"):
                        assert everything(copied(copy)) == everything(loaded(exchange))
                        compared += 1
        monkeypatch.setattr(state_loader, "load", forbidden)
        copy.follow()
    assert compared > 5


async def test_a_takeover_executes_the_tail_alone(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A takeover executes only the tail and loads nothing.

    Orders, timers and topic numbers continue.
    """
    with following(exchange) as copy:
        async with exchange.trading() as running:
            await running.place(1, BUY, 5, 50)
            copy.follow()
            await running.place(2, SELL, 2, 50)
            await running.place(3, BUY, 1, 30)
            await running.do(CancelAfter(3, 1))
        with monkeypatch.context() as patch:
            patch.setattr(state_loader, "load", forbidden)
            core = await take_over(exchange, copy)
        try:
            running = Running(core, core.pipeline.store, core.pipeline.view)
            assert everything(state_of(core)) == everything(loaded(exchange))
            await running.place(4, SELL, 3, 50)
            await until(lambda: not running.view.book(MARKET).bids)  # the dead-man's switch
            assert exchange.scalar("SELECT COUNT(*) FROM orders WHERE reason = 'DEADMAN'") == 1
            assert everything(state_of(core)) == everything(loaded(exchange))
        finally:
            await core.stop()
    assert exchange.audited() == []


async def test_a_resolution_under_way_is_taken_over(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy finishes the steps that the leader had left, as a load would."""
    monkeypatch.setattr("predmarket.engine.steps.STEP", 2)
    with following(exchange) as copy:
        async with exchange.trading() as running:
            for user in range(1, 10):
                await running.place(user, BUY, 1, 40)
            copy.follow()
            commit_batch, steps = running.store.commit_batch, 0

            async def fail_later(record: BatchRecord) -> None:
                nonlocal steps
                steps += 1
                if steps > 2:
                    raise Deposed("another leads")
                await commit_batch(record)

            running.store.commit_batch = fail_later  # type: ignore[method-assign]
            with pytest.raises(BusError):
                await running.do(ResolveMarket(MARKET, Outcome.NO))
        with monkeypatch.context() as patch:
            patch.setattr(state_loader, "load", forbidden)
            core = await take_over(exchange, copy)
        await until(lambda: core.pipeline.view.find(MARKET).status is MarketStatus.RESOLVED)  # type: ignore[union-attr]
        await core.stop()
    assert exchange.audited() == []


Spoil = Callable[[Exchange, pytest.MonkeyPatch], None]


def lag(_: Exchange, patch: pytest.MonkeyPatch) -> None:
    """Lower the limit of the copy's lag."""
    patch.setattr(standby, "MAX_LAG", 1)


def prune(exchange: Exchange, _: pytest.MonkeyPatch) -> None:
    """Delete the next batch from the journal."""
    exchange.execute("DELETE FROM journal WHERE batch = (SELECT last_batch - 2 FROM core_state)")


def damage(exchange: Exchange, _: pytest.MonkeyPatch) -> None:
    """Change the hash of the next batch."""
    exchange.execute(
        "UPDATE journal SET hash = (SELECT last_hash FROM core_state) "
        "WHERE batch = (SELECT last_batch - 2 FROM core_state)"
    )


def change_rules(exchange: Exchange, _: pytest.MonkeyPatch) -> None:
    """Mark the next batch as decided by other rules."""
    exchange.execute(
        "UPDATE journal SET rules = 'other' WHERE batch = (SELECT last_batch - 2 FROM core_state)"
    )


def break_engine(_: Exchange, patch: pytest.MonkeyPatch) -> None:
    """Let the engine's check of its sums fail."""
    patch.setattr("predmarket.engine.ledger.Ledger.verify", broken)


def broken(_: object) -> None:
    """Raise an invariant error."""
    raise InvariantError("it does not add up")


def bring_money(exchange: Exchange, _: pytest.MonkeyPatch) -> None:
    """Change the sums without the journal."""
    exchange.execute("UPDATE core_state SET net_deposits = net_deposits + 7")
    exchange.execute("UPDATE accounts SET available = available + 7 WHERE user_id = 9")


@pytest.mark.parametrize("spoil", [lag, prune, damage, change_rules, break_engine, bring_money])
async def test_an_unusable_copy_is_loaded_again(
    exchange: Exchange,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    spoil: Spoil,
) -> None:
    """A copy is discarded and the state loaded if the copy lags or its tail is missing.

    The same holds if the tail fails or the sums differ.
    """
    with following(exchange) as copy:
        async with exchange.trading() as running:
            await running.place(1, BUY, 5, 50)
            copy.follow()
            for price in (40, 41, 42):
                await running.place(2, BUY, 2, price)
        with monkeypatch.context() as patch:
            spoil(exchange, patch)
            core = await take_over(exchange, copy)
        assert [r for r in caplog.records if "loaded anew" in r.message]
        assert everything(state_of(core)) == everything(loaded(exchange))
        await Running(core, core.pipeline.store, core.pipeline.view).place(3, SELL, 1, 50)
        await core.stop()


async def test_a_copy_that_cannot_follow_is_loaded_while_standing_by(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that cannot follow is loaded again while the leader runs, not at the takeover."""
    with following(exchange) as copy:
        async with exchange.trading() as running:
            copy.follow()
            for price in (40, 41, 42):
                await running.place(2, BUY, 2, price)
            change_rules(exchange, monkeypatch)
            copy.follow()
            assert everything(copied(copy)) == everything(loaded(exchange))


async def test_a_load_under_way_can_be_broken_off(exchange: Exchange) -> None:
    """A standby that stops interrupts a load instead of waiting for it."""
    async with exchange.trading():
        pass
    with following(exchange) as copy:
        copy.interrupt()
        with pytest.raises(StoreError, match="interrupted"):
            copy.follow()


async def test_positions_of_final_markets_are_not_kept(exchange: Exchange) -> None:
    """The copy holds no positions of final markets, however long it follows."""
    with following(exchange) as copy:
        async with exchange.trading() as running:
            await running.place(1, BUY, 5, 50)
            await running.place(2, SELL, 5, 50)
            copy.follow()
            assert len([*copied(copy).state.positions()]) == 2
            await running.do(ResolveMarket(MARKET, Outcome.YES))
            copy.follow()
        assert [*copied(copy).state.positions()] == []
        assert copied(copy).numbers.versions.positions == {}
        assert everything(copied(copy)) == everything(loaded(exchange))


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)  # each searches all garbage
@pytest.mark.parametrize("large", [1, 10**9], ids=["left out of the search", "searched"])
async def test_memory_does_not_grow_over_repairs(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, large: int
) -> None:
    """Each state is freed before the next is loaded, whether or not the collector tracks it."""
    monkeypatch.setattr(loads, "large", large)
    # A repair collects all garbage: on a busy machine six may take longer than a reply's limit.
    async with exchange.trading(reply_limit_s=60) as running:
        for _ in range(3):
            await asyncio.gather(*(running.do(limit(1, BUY, 1, 10)) for _ in range(400)))
        counts = []
        gc.collect()
        gc.disable()  # the state must be freed without the collector
        try:
            for _ in range(6):
                fail_next(running, after_commit=False)
                await running.place(2, BUY, 1, 10)
                counts.append(len(gc.get_objects()) + gc.get_freeze_count())
        finally:
            gc.enable()
            loads.__init__()  # type: ignore[misc]
            search_only_what_comes()
    assert max(counts[1:]) - counts[1] < 1_000
