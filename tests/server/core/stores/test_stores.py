"""The database's own fences, versions and constraints refuse inconsistent batches."""

import asyncio
import dataclasses
from collections.abc import Iterator

import pytest

from predmarket.engine.commands import OpenAccount
from predmarket.server.core import state_loader
from predmarket.server.core.batch import Batch
from predmarket.server.core.idempotency import IdempotencyIndex
from predmarket.server.core.sequencer import Sequencer
from predmarket.server.core.stores import postgres, rows, sqlite
from predmarket.server.core.stores.base import BatchRecord, Deposed, IntegrityViolation, Store
from predmarket.server.core.stores.factory import open_store
from predmarket.server.core.stores.history_rows import HistoryRows
from predmarket.server.core.stores.sqlite import SqliteStore
from predmarket.server.core.stores.state_rows import StateRows
from predmarket.server.storage import migrations
from tests.support.clock import Shown
from tests.support.core_exchange import Exchange


@pytest.fixture
def store(exchange: Exchange) -> Iterator[Store]:
    """Return a connected store that has taken over."""
    store = open_store(exchange.url)
    store.connect()
    store.take_over()
    yield store
    store.close()


@pytest.fixture
def unused(database_url: str) -> Iterator[Store]:
    """Return a store on a database that never held a row. No statistics affect its plans then."""
    migrations.upgrade(database_url)
    store = open_store(database_url)
    store.connect()
    yield store
    store.close()


@pytest.fixture
def record(store: Store) -> BatchRecord:
    """Return a first batch that opens account 1 with 5 units, not written yet."""
    core = store.core_row()
    sequencer = Sequencer(
        state_loader.load(store, core), core, IdempotencyIndex(store), Shown(lambda: 1)
    )
    command = OpenAccount(1, 5)
    _, events = sequencer.exchange.apply(1, command)
    sequencer.batch.add(sequencer.exchange, 1, "a", command, events)
    sealed: tuple[Batch, BatchRecord | None] = sequencer.take_batch()
    assert sealed[1] is not None
    return sealed[1]


def changed(record: BatchRecord, shape: rows.Shape, **values: int) -> BatchRecord:
    """Return the batch with its new row of ``shape`` altered."""
    new = dict(record.state.new)
    row = dict(zip(shape.columns, new[shape][0], strict=True)) | values
    new[shape] = [tuple(row[name] for name in shape.columns)]
    return dataclasses.replace(record, state=StateRows([*new.items()], record.state.changed))


def rejected(id: int) -> rows.Row:
    """Return the row of user 1's rejected order that has number 1 on its topic."""
    return (
        id, 1, None, "BUY", "LIMIT", 5_000, 100, 0, 0, 0, 0, 0, 0, "REJECTED", "X", "GTC", "SKIP",
        False, False, None, None, None, 0, 1, 1, 1, None, None, 1, 1,
    )  # fmt: skip


def test_a_batch_is_written_once(store: Store, record: BatchRecord) -> None:
    """The second write of a batch changes nothing, because the batch number has advanced."""
    asyncio.run(store.commit_batch(record))
    with pytest.raises(Deposed):
        asyncio.run(store.commit_batch(record))
    assert store.read("SELECT available, version FROM accounts") == [(5, 1)]


def test_an_old_epoch_is_fenced_off(store: Store, record: BatchRecord) -> None:
    """A takeover by another connection fences off the batch of the core before."""
    store.take_over()
    with pytest.raises(Deposed):
        asyncio.run(store.commit_batch(record))
    assert store.read("SELECT COUNT(*) FROM accounts") == [(0,)]
    assert store.read("SELECT COUNT(*) FROM journal") == [(0,)]


def test_a_row_at_another_version_fails_the_batch(store: Store, record: BatchRecord) -> None:
    """A row with an unexpected version fails its whole batch."""
    asyncio.run(store.commit_batch(record))
    stale = dataclasses.replace(
        record,
        core=dataclasses.replace(record.core, last_batch=2, last_seq=2),
        first_seq=2,
        state=StateRows([], [(rows.ACCOUNTS, [(1, 6, 0, None, 0, 0, 2, 0, 0, 0, 7)])]),
        history=HistoryRows(1),
    )
    with pytest.raises(IntegrityViolation):
        asyncio.run(store.commit_batch(stale))
    assert store.core_row().last_batch == 1


@pytest.mark.parametrize(
    "values",
    [{"locked": -1}, {"user_id": 999}],
    ids=["negative locked", "a user that does not exist"],
)
def test_constraints_refuse_impossible_rows(
    store: Store, record: BatchRecord, values: dict[str, int]
) -> None:
    """A constraint fails the whole batch of a row that the engine would never produce."""
    with pytest.raises(IntegrityViolation):
        asyncio.run(store.commit_batch(changed(record, rows.ACCOUNTS, **values)))
    assert store.core_row().last_batch == 0
    asyncio.run(store.commit_batch(record))


def test_the_same_order_event_twice_is_refused(store: Store, record: BatchRecord) -> None:
    """Order id, type and number form the unique key of an order event."""
    order = rejected(1)
    event = (1, "ORDER_REJECTED", 1, 1, None, None)
    record.state.new.append((rows.ORDERS, [order]))
    record.history.order_events.extend([event, event])
    with pytest.raises(IntegrityViolation):
        asyncio.run(store.commit_batch(record))
    record.history.order_events.pop()
    asyncio.run(store.commit_batch(record))


def test_durability_is_reported_from_the_database_itself(store: Store) -> None:
    """Durability is read from the database's settings and not from the requested ones."""
    found = store.durability()
    assert found.durable
    assert found.risks == []
    assert "full" in found.settings.values() or found.settings["fsync"] == "on"


@pytest.mark.parametrize(
    ("name", "index"),
    [("KNOWN_ORDERS", "uq_orders_client_order_id"), ("KNOWN_TRANSFERS", "uq_transfers_key")],
)
def test_keys_are_looked_up_by_their_index(unused: Store, name: str, index: str) -> None:
    """A look-up of keys reads only the named orders, however many there are."""
    if isinstance(unused, SqliteStore):
        sql = f"EXPLAIN QUERY PLAN {getattr(sqlite, name).format('(?, ?)')}"
        plan = unused.read(sql, (1, "k"))
    else:
        sql = getattr(postgres, name).replace("$1", "%s").replace("$2", "%s")
        plan = unused.read(f"EXPLAIN {sql}", ([1], ["k"]))
    assert index in str(plan)
    assert "SCAN o" not in str(plan)


def test_changes_of_orders_are_found_by_their_index(unused: Store) -> None:
    """Resuming reads only the orders that changed meanwhile, by an index."""
    m = unused.mark
    sql = f"SELECT id FROM orders WHERE user_id = {m} AND topic_seq > {m} ORDER BY topic_seq"
    explain = "EXPLAIN QUERY PLAN" if isinstance(unused, SqliteStore) else "EXPLAIN"
    plan = str(unused.read(f"{explain} {sql} LIMIT 100", (1, 5)))
    assert "uq_orders_topic_seq" in plan
    assert "SCAN orders" not in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


def test_a_number_is_given_once(store: Store, record: BatchRecord) -> None:
    """Two orders of a user with the same number on their topic cannot be stored."""
    asyncio.run(store.commit_batch(record))
    again = dataclasses.replace(
        record,
        core=dataclasses.replace(record.core, last_batch=2, last_seq=2),
        first_seq=2,
        state=StateRows([(rows.ORDERS, [rejected(1), rejected(2)])], []),
        history=HistoryRows(1),
    )
    with pytest.raises(IntegrityViolation):
        asyncio.run(store.commit_batch(again))
    assert store.read("SELECT batch FROM outbox") == [(1,)]


def test_text_of_any_kind_survives(store: Store, exchange: Exchange) -> None:
    """Quotes, braces, backslashes and emoji are stored unchanged."""
    nasty = "a\"b\\c{d},NULL \\N \n\t'é🎲"
    row = (
        1, "slug", nasty, "NULL", "OPEN", None, None, 100, 0, 0, None, 1, 1, None, 0, 0, 0, 0, 0,
        None, 0, 0, 0, 1, None, None, None, None, None, None, None, 1,
    )  # fmt: skip
    core = store.core_row()
    after = dataclasses.replace(core, last_batch=1, last_seq=1, last_time=1)
    asyncio.run(
        store.commit_batch(
            BatchRecord(
                after, 1, "1", b"", StateRows([(rows.MARKETS, [row])], []), HistoryRows(0), b""
            )
        )
    )
    assert store.read("SELECT question, description FROM markets") == [(nasty, "NULL")]
