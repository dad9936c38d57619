"""The store interface, and the transaction of a batch that all databases share.

Invariants:
- a batch is one transaction: all of it is committed, or nothing;
- its first statement checks and advances ``core_state`` under the leader's epoch and the batch
  before, so that a deposed leader, or a batch out of order, changes nothing;
- every update matches its row by version; a missing row fails the batch.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from predmarket.server.core.durability import Durability
from predmarket.server.core.journal import GENESIS
from predmarket.server.core.stores.history_rows import HistoryRows
from predmarket.server.core.stores.rows import Row, Shape, StoredRow
from predmarket.server.core.stores.state_rows import StateRows
from predmarket.server.core.stream_position import BEGINNING, StreamPosition
from predmarket.units import Micros


class StoreError(Exception):
    """The database failed. Until the repair it is unknown whether the batch was committed."""


class Deposed(Exception):
    """Another core has taken over; this one must stop at once."""


class IntegrityViolation(Exception):
    """The database refuses the engine's decision: a defect. Nothing was committed."""


@dataclass(frozen=True, slots=True)
class Counters:
    """The totals and the last ids of the state after a batch; ``markets_seq`` counts the changes
    announced to everybody on the topic of all markets."""

    last_order_id: int
    last_trade_id: int
    last_market_id: int
    last_transfer_id: int
    last_rank: int
    last_ledger_id: int
    fees: int
    net_deposits: int
    markets_seq: int


@dataclass(frozen=True, slots=True)
class CoreRow:
    """The row of ``core_state``.

    ``position`` is how far the command stream is processed. ``unfinished`` are the steps that
    commands still have to take (engine/steps.py). ``group_seqs`` has what ``markets_seq`` counts
    for the members of each group.
    """

    epoch: int
    last_batch: int
    last_seq: int
    last_time: int
    last_hash: bytes
    counters: Counters
    position: StreamPosition = BEGINNING
    unfinished: str = "[]"
    group_seqs: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """One batch, ready to be written.

    ``core`` is the row after the batch, ``changes`` are the outbox's bytes.
    """

    core: CoreRow
    first_seq: int
    rules: str
    entries: bytes
    state: StateRows
    history: HistoryRows
    changes: bytes


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One stored batch of the journal."""

    batch: int
    first_seq: int
    rules: str
    entries: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """A committed order found by its client order id; a refused one has ``rejection`` as JSON."""

    order_id: int
    request: str | None
    rejection: str | None


@dataclass(frozen=True, slots=True)
class KnownTransfer:
    """A committed transfer found by its idempotency key."""

    transfer_id: int
    user_id: int
    amount: int
    reason: str


OUTBOX_BATCHES = 500
"""Batches that the outbox holds: the last ones."""

OrderKey = tuple[int, str]
"""User id and client order id."""
TransferKey = tuple[int, str]
"""Actor id and idempotency key."""

_CORE_COLUMNS = (
    "epoch, last_batch, last_seq, last_time, last_hash, last_order_id, last_trade_id, "
    "last_market_id, last_transfer_id, last_rank, last_ledger_id, fees, net_deposits, markets_seq"
)
_PAGE = 5_000
_POSITION_COLUMNS = "stream_epoch, stream_place, unfinished, group_seqs"
_FIRST_ROW = (
    f"INSERT INTO core_state (id, {_CORE_COLUMNS}) "
    "VALUES (1, 0, 0, 0, 0, {}, 0, 0, 0, 0, 0, 0, 0, 0, 0) ON CONFLICT (id) DO NOTHING RETURNING id"
)


_encode = msgspec.json.Encoder().encode
read_group_seqs = msgspec.json.Decoder(dict[int, int]).decode
"""Reads the stored form of ``group_seqs``."""


class _Cursor(Protocol):
    def fetchmany(self, size: int) -> list[StoredRow]: ...


class Store(ABC):
    """A database as the core uses it.

    ``commit_batch`` and the look-ups are awaited on the event loop, each on its own connections.
    All other methods block; the core calls them from a thread while no commit or look-up is
    running. Every method raises StoreError when the database fails. A look-up raises
    IntegrityViolation for a key that no row could have.
    """

    interrupted = False
    """Any thread may set it; a long read then ends with StoreError."""
    mark: str
    """The database's placeholder for a parameter."""
    at_once: int
    """Batches that may be in flight at once. With more of them each is smaller, and the fixed cost
    of a batch is paid more often."""

    @abstractmethod
    def connect(self) -> None:
        """(Re)open the connections."""

    @abstractmethod
    def close(self) -> None:
        """Close the connections; never raises."""

    @abstractmethod
    def durability(self) -> Durability:
        """Return what decides whether a commit survives a power cut, and a failover."""

    @abstractmethod
    def time(self) -> Micros:
        """Return the database's time."""

    @abstractmethod
    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[StoredRow]:
        """Run a query on the connection for commits outside a batch and return all its rows."""

    @abstractmethod
    def stream(self, sql: str) -> Iterator[StoredRow]:
        """Run a query and yield its rows without holding all of them."""

    @abstractmethod
    async def known_orders(self, keys: Sequence[OrderKey]) -> dict[OrderKey, KnownOrder]:
        """Return the committed orders with these client order ids, by one indexed query."""

    @abstractmethod
    async def known_transfers(
        self, keys: Sequence[TransferKey]
    ) -> dict[TransferKey, KnownTransfer]:
        """Return the committed transfers with these keys, by one indexed query."""

    @abstractmethod
    async def commit_batch(self, record: BatchRecord) -> None:
        """Commit a batch. Raises Deposed, IntegrityViolation, or StoreError (outcome unknown).

        The batch is sent before this method first waits. Up to ``at_once`` batches may be in
        flight. They execute in the order they were begun, and the fence stops every batch behind
        a failed one.
        """

    @abstractmethod
    def begin_snapshot(self) -> None:
        """Let all reads from now on see one state, even while batches are committed."""

    @abstractmethod
    def end_snapshot(self) -> None:
        """Let reads see the present again; never raises."""

    @abstractmethod
    def plan_for_whole_tables(self) -> None:
        """Let queries join whole tables until the snapshot ends. Raises StoreError.

        A core's own queries touch few rows, and their plans are made for that.
        """

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all reads within see one state."""
        self.begin_snapshot()
        try:
            yield
        finally:
            self.end_snapshot()

    def take_over(self) -> int:
        """Raise the epoch and return it; a commit in flight is awaited, or fails."""
        self.read(_FIRST_ROW.format(self.mark), (GENESIS,))
        raised = self.read("UPDATE core_state SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch")
        return int(raised[0][0])

    def core_row(self) -> CoreRow:
        """Return the row of ``core_state``."""
        columns = f"{_POSITION_COLUMNS}, {_CORE_COLUMNS}"
        found = self.read(f"SELECT {columns} FROM core_state WHERE id = 1")[0]
        epoch, place, unfinished, group_seqs, *row = found
        position, counters = StreamPosition.of(epoch, place), Counters(*row[5:])
        head = row[0], row[1], row[2], row[3], bytes(row[4])
        return CoreRow(*head, counters, position, unfinished, read_group_seqs(group_seqs))

    def journal_after(self, batch: int) -> list[JournalRow]:
        """Return the journal's batches after ``batch``, in order; only for a short tail."""
        return self.journal_page(batch, 1_000_000)

    def journal_page(self, after: int, limit: int) -> list[JournalRow]:
        """Return at most ``limit`` of the journal's batches after a batch, in order."""
        rows = self.read(
            "SELECT batch, first_seq, rules, entries, hash FROM journal "
            f"WHERE batch > {self.mark} ORDER BY batch LIMIT {limit}",
            (after,),
        )
        return [JournalRow(r[0], r[1], r[2], bytes(r[3]), bytes(r[4])) for r in rows]

    def hash_at(self, number: int) -> bytes:
        """Return the hash of the batch with a command, b"" if there is none."""
        rows = self.read(
            f"SELECT hash FROM journal WHERE first_seq <= {self.mark} ORDER BY batch DESC LIMIT 1",
            (number,),
        )
        return bytes(rows[0][0]) if rows else b""

    def outbox_after(self, batch: int) -> list[bytes]:
        """Return the outbox's rows after ``batch``, in order."""
        rows = self.read(
            f"SELECT changes FROM outbox WHERE batch > {self.mark} ORDER BY batch", (batch,)
        )
        return [bytes(row[0]) for row in rows]

    def rows_of(self, shape: Shape, where: str = "") -> Iterator[StoredRow]:
        """Yield a table's rows in the shape's columns."""
        names = ", ".join(shape.columns)
        return self.stream(f"SELECT {names} FROM {shape.table} {where}")

    def _pages(self, cursor: _Cursor) -> Iterator[StoredRow]:
        """Yield a cursor's rows without holding all of them."""
        while rows := cursor.fetchmany(_PAGE):
            if self.interrupted:
                raise StoreError("interrupted")
            yield from rows

    def _advance(self) -> str:
        """Return the fencing statement; its parameters come from ``_advance_parameters``."""
        m = self.mark
        return (
            f"UPDATE core_state SET last_batch = {m}, last_seq = {m}, last_time = {m}, "
            f"last_hash = {m}, last_order_id = {m}, last_trade_id = {m}, last_market_id = {m}, "
            f"last_transfer_id = {m}, last_rank = {m}, last_ledger_id = {m}, fees = {m}, "
            f"net_deposits = {m}, markets_seq = {m}, stream_epoch = {m}, stream_place = {m}, "
            f"unfinished = {m}, group_seqs = {m} "
            f"WHERE id = 1 AND epoch = {m} AND last_batch = {m}"
        )

    def _insert_journal(self) -> str:
        return (
            "INSERT INTO journal (batch, epoch, first_seq, last_seq, rules, entries, hash) "
            f"VALUES ({', '.join([self.mark] * 7)})"
        )

    def _insert_outbox(self) -> str:
        return f"INSERT INTO outbox (batch, changes) VALUES ({self.mark}, {self.mark})"

    def _prune_outbox(self) -> str:
        """Return the statement that drops the outbox's surplus batch; see ``outbox_parameters``."""
        return f"DELETE FROM outbox WHERE batch = {self.mark}"


def advance_parameters(core: CoreRow) -> tuple[int | bytes | str, ...]:
    """Return the parameters of the fencing statement."""
    c = core.counters
    return (
        core.last_batch, core.last_seq, core.last_time, core.last_hash, c.last_order_id,
        c.last_trade_id, c.last_market_id, c.last_transfer_id, c.last_rank,
        c.last_ledger_id, c.fees, c.net_deposits, c.markets_seq, core.position.epoch,
        core.position.place, core.unfinished, _encode(core.group_seqs).decode(), core.epoch,
        core.last_batch - 1,
    )  # fmt: skip


def journal_parameters(s: BatchRecord) -> tuple[int | bytes | str, ...]:
    """Return the parameters of the journal row."""
    core = s.core
    return (
        core.last_batch, core.epoch, s.first_seq, core.last_seq, s.rules, s.entries,
        core.last_hash,
    )  # fmt: skip


def outbox_parameters(s: BatchRecord) -> tuple[int, bytes, int]:
    """Return the parameters of the outbox row, and of the deletion that makes room for it."""
    batch = s.core.last_batch
    return batch, s.changes, batch - OUTBOX_BATCHES


def inserts(s: BatchRecord) -> Iterable[tuple[Shape, list[Row]]]:
    """Yield the rows to add, in the order that foreign keys require."""
    return ((shape, new) for shape, new in (*s.state.new, *s.history.by_shape()) if new)


def updates(s: BatchRecord) -> Iterable[tuple[Shape, list[Row]]]:
    """Yield the rows to change."""
    return ((shape, changed) for shape, changed in s.state.changed if changed)


def picked(shape: Shape, rows: list[Row]) -> tuple[Shape, list[Row]]:
    """Cut rows down to the key and the mutable columns that an update needs."""
    names = shape.key + shape.mutable
    places = [shape.columns.index(name) for name in names]
    cut = Shape(
        shape.table, names, "".join(shape.kinds[i] for i in places), shape.key, shape.mutable
    )
    return cut, [tuple([row[i] for i in places]) for row in rows]
