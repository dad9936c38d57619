"""The audit: proves from the database alone that money and shares are conserved.

``sums`` checks the totals of the tables. ``replay`` executes the journal from the empty state and
compares the final state, and every row of history, with the database. Both read one snapshot, so
the exchange may keep running.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from predmarket.engine import Exchange, InvariantError
from predmarket.engine.snapshot import digest
from predmarket.server.core import fork, journal, state_loader
from predmarket.server.core.audit_queries import NONE_OF
from predmarket.server.core.stores import rows
from predmarket.server.core.stores.base import CoreRow, JournalRow, Store
from predmarket.server.core.stores.history_rows import HistoryRows
from predmarket.server.core.stores.rows import Shape, StoredRow
from predmarket.server.core.stores.state_rows import order_row

Progress = Callable[[str, int, int], None]
"""Callback with the current task, the amount done, and the total."""

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. ``detail`` gives the figures, or the fault."""

    name: str
    ok: bool
    detail: str


def sums(store: Store) -> Iterator[Check]:
    """Yield the checks that need only the tables."""
    core = store.core_row()
    fees, deposits = core.counters.fees, core.counters.net_deposits

    def one(sql: str) -> int:
        return int(store.read(sql)[0][0])

    cash = one("SELECT COALESCE(SUM(available + locked), 0) FROM accounts")
    collateral = one("SELECT COALESCE(SUM(collateral), 0) FROM markets") + one(
        "SELECT COALESCE(SUM(collateral), 0) FROM events"
    )
    yield _equal(
        "money: cash + collateral + fees = net deposits", cash + collateral + fees, deposits
    )
    yield _equal(
        "ledger: transfers add up to the net deposits",
        one("SELECT COALESCE(SUM(amount), 0) FROM ledger WHERE counterpart = 'OUTSIDE'"),
        deposits,
    )
    yield _equal(
        "ledger: fees add up to the fees collected",
        -one("SELECT COALESCE(SUM(amount), 0) FROM ledger WHERE counterpart = 'FEES'"),
        fees,
    )
    yield _equal(
        "ledger: the newest entry has the last number",
        one("SELECT COALESCE(MAX(id), 0) FROM ledger"),
        core.counters.last_ledger_id,
    )
    yield _equal(
        "fees: over markets and events = collected",
        one("SELECT COALESCE(SUM(fees), 0) FROM markets")
        + one("SELECT COALESCE(SUM(fees), 0) FROM events"),
        fees,
    )
    for name, sql in NONE_OF:
        yield _none(name, one(f"SELECT COUNT(*) FROM ({sql}) AS wrong"))


def _equal(name: str, found: int, expected: int) -> Check:
    detail = f"{found}" if found == expected else f"{found}, expected {expected}"
    return Check(name, found == expected, detail)


def _none(name: str, wrong: int) -> Check:
    return Check(name, not wrong, "all" if not wrong else f"{wrong} wrong")


class _Heap:
    """A sum of row hashes: equal for equal rows in any order."""

    def __init__(self) -> None:
        self.count = 0
        self.sum = 0

    def add(self, row: Iterable[object]) -> None:
        self.count += 1
        self.sum += _row_hash(row)

    def same_as(self, other: "_Heap") -> bool:
        return (self.count, self.sum) == (other.count, other.sum)


def _row_hash(row: Iterable[object]) -> int:
    return int.from_bytes(hashlib.blake2b(_ENCODER.encode(list(row)), digest_size=16).digest())


def replay(store: Store, progress: Progress) -> Iterator[Check]:
    """Yield the checks of a replay from empty."""
    core = store.core_row()
    replayer = Replayer()
    problem = replayer.run(store, core, progress)
    yield Check(
        "journal: unbroken hash chain, carried out whole",
        problem is None,
        problem or f"{core.last_seq} commands in {core.last_batch} batches",
    )
    if problem is not None:
        return
    yield _same_state(store, core, replayer.exchange)
    yield from replayer.compare(store, progress)


def _same_state(store: Store, core: CoreRow, replayed: Exchange) -> Check:
    name = "state: replayed = stored, byte for byte"
    try:
        with state_loader.readable():
            loaded = state_loader.load(store, core).state
    except state_loader.LoadError as error:
        return Check(name, False, str(error))
    found = digest(loaded)
    same = digest(replayed.state) == found
    return Check(name, same, f"SHA-256 {found[:16]}…" if same else "they differ")


def state_hash(store: Store) -> str:
    """Return the SHA-256 of the stored state, which a replay of the journal gives, too.

    Raises LoadError.
    """
    with state_loader.readable():
        return digest(state_loader.load(store, store.core_row()).state)


class _Orders:
    """Sums of the hashes of orders' last rows, by the remainder of the order's id.

    A closed order never changes again, so only the hashes of ``open`` orders are kept.
    """

    def __init__(self) -> None:
        self.count = 0
        self.sums = [0] * 1_024
        self.open: dict[int, int] = {}

    def put(self, id: int, row: Sequence[object], *, is_open: bool) -> None:
        """Replace an order's row."""
        place, hashed = id % len(self.sums), _row_hash(row)
        before = self.open.pop(id, None)
        if before is None:
            self.count += 1
        self.sums[place] += hashed - (before or 0)
        if is_open:
            self.open[id] = hashed

    def differing(self, other: "_Orders") -> int:
        """Return a lower bound of the number of orders that differ."""
        unlike = sum(a != b for a, b in zip(self.sums, other.sums, strict=True))
        return max(unlike, abs(self.count - other.count))


class Replayer:
    """Executes the journal and keeps the data for comparing every table.

    For closed orders and history it keeps only sums, so that memory does not grow with history.
    """

    def __init__(self) -> None:
        self.exchange = Exchange()
        self._history = {shape.table: _Heap() for shape in rows.HISTORY_SHAPES}
        self.orders = _Orders()
        """What was made of the orders so far."""
        self._ledger_id = 0
        self._logged_from = 0

    def run(self, store: Store, core: CoreRow, progress: Progress) -> str | None:
        """Replay all batches; return the fault, if there is one."""
        self._logged_from = int(store.read("SELECT logged_from FROM core_state")[0][0])
        chain, seq, batch = fork.root(store.read("SELECT origin FROM core_state")[0][0]), 0, 0
        while page := store.journal_page(batch, 200):
            for row in page:
                if row.batch != batch + 1 or row.first_seq != seq + 1:
                    return f"batch {row.batch} does not follow batch {batch}"
                if row.rules != journal.RULES:
                    return (
                        f"batch {row.batch} was made under rules {row.rules}, and this version "
                        f"replays rules {journal.RULES} alone"
                    )
                chain = journal.chain(chain, row.batch, row.first_seq, row.entries)
                if chain != row.hash:
                    return f"batch {row.batch} does not match its hash"
                wrong = self._carry_out(row)
                if wrong is not None:
                    return wrong
                batch, seq = row.batch, row.first_seq + len(journal.decode(row.entries)) - 1
                progress("replaying", seq, core.last_seq)
        if (batch, seq, chain) != (core.last_batch, core.last_seq, core.last_hash):
            return f"the journal ends at batch {batch}, the state at {core.last_batch}"
        return None

    def _carry_out(self, row: JournalRow) -> str | None:
        history = HistoryRows(self._ledger_id)
        for seq, entry in enumerate(journal.decode(row.entries), row.first_seq):
            try:
                _, events = self.exchange.apply(entry.time, entry.command)
            except (InvariantError, AssertionError, KeyError) as error:
                return f"command {seq} cannot be carried out: {error!r}"
            history.add(seq, entry.command, events, self.exchange.state)
        self._ledger_id = history.last_ledger_id
        for shape, added in history.by_shape():
            for added_row in added:
                if shape is not rows.ADMIN_LOG or int(added_row[0] or 0) > self._logged_from:
                    self._history[shape.table].add(_without_wording(shape, added_row))
        for order in self.exchange.take_changes().orders.values():
            is_open = order.id in self.exchange.state.orders
            self.orders.put(order.id, order_row(order), is_open=is_open)
        return None

    def compare(self, store: Store, progress: Progress) -> Iterator[Check]:
        """Compare every order and every row of history with the stored ones."""
        found = _Orders()
        for row in store.rows_of(rows.ORDERS):
            found.put(row[0], _replayed(_normal(rows.ORDERS, row)), is_open=False)
            if not found.count % 5_000:
                progress("comparing orders", found.count, self.orders.count)
        wrong = found.differing(self.orders)
        detail = f"{found.count}" + (f", at least {wrong} differ" if wrong else "")
        yield Check("orders: replayed = stored", not wrong, detail)
        for shape in rows.HISTORY_SHAPES:
            stored = _Heap()
            for row in store.rows_of(shape, _MADE_BY_JOURNAL.get(shape, "")):
                stored.add(_without_wording(shape, _normal(shape, row)))
            ok = stored.same_as(self._history[shape.table])
            yield Check(f"{shape.table}: replayed = stored", ok, f"{stored.count}")


_TYPE, _DETAIL = (rows.ORDER_EVENTS.columns.index(name) for name in ("type", "detail"))
_REJECTED = "ORDER_REJECTED"

_MADE_BY_JOURNAL = {rows.ADMIN_LOG: "WHERE seq IS NOT NULL"}
"""Selects the rows that the journal makes, for tables that also hold other rows."""


def _replayed(row: Sequence[object]) -> Sequence[object]:
    """Reduce an order's stored row to what a replay makes, without topic_seq and version."""
    assert rows.ORDERS.columns[-2:] == ("topic_seq", "version")
    return row[:-2]


def _without_wording(shape: Shape, row: Sequence[object]) -> Sequence[object]:
    """Leave the message out of a refusal: later versions may say the same in other words."""
    if shape is not rows.ORDER_EVENTS or row[_TYPE] != _REJECTED:
        return row
    try:
        code, _, details = msgspec.json.decode(str(row[_DETAIL]))
    except (ValueError, TypeError):  # somebody else wrote it
        return row
    return (*row[:_DETAIL], code, msgspec.json.encode(details), *row[_DETAIL + 1 :])


def _normal(shape: Shape, row: StoredRow) -> list[object]:
    """Return a stored row with real booleans; SQLite stores them as numbers."""
    return [
        bool(value) if kind == "b" else value for kind, value in zip(shape.kinds, row, strict=True)
    ]
