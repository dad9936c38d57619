"""A standby's copy of the state, which follows the journal.

Invariant: as of batch N the copy equals a load of batch N, with every number and version that the
store keeps. The copy executes each batch with the code that decided it (batch.py). It compares the
journal's hash and, before it leads, every total of ``core_state``. If the copy lags too far, or
finds anything but the next batch, the standby drops it and loads the state.

See docs/adr/0015-a-standby-follows-the-journal.md.
"""

import dataclasses
import logging
from contextlib import suppress

from predmarket.engine import Exchange
from predmarket.server.core import journal, state_loader
from predmarket.server.core.batch import Batch
from predmarket.server.core.known_batch import KnownBatch, require
from predmarket.server.core.stores.base import CoreRow, JournalRow, Store, StoreError
from predmarket.server.core.stores.history_rows import HistoryRows
from predmarket.server.core.stores.store_numbers import StoredState
from predmarket.server.interpreter import loads

log = logging.getLogger(__name__)

MAX_LAG = 50_000
"""Commands that the copy may lag behind; beyond this number a load is quicker."""
_PAGE = 100


class _CannotFollow(Exception):
    """The copy is unusable; the message says why."""


class StateCopy:
    """The state as of one batch, with its row of ``core_state``."""

    def __init__(self, stored: StoredState, core: CoreRow) -> None:
        self.stored = stored
        self.exchange = Exchange(stored.state)
        self.core = core

    def apply(self, row: JournalRow) -> None:
        """Execute the next batch as its leader did. Raises _CannotFollow."""
        core, exchange = self.core, self.exchange
        if (row.batch, row.first_seq) != (core.last_batch + 1, core.last_seq + 1):
            raise _CannotFollow(f"batch {row.batch} does not follow batch {core.last_batch}")
        if row.rules != journal.RULES:
            raise _CannotFollow(f"batch {row.batch} was made under rules {row.rules}")
        if journal.chain(core.last_hash, row.batch, row.first_seq, row.entries) != row.hash:
            raise _CannotFollow(f"batch {row.batch} does not match its hash")
        batch = Batch(row.first_seq, HistoryRows(core.counters.last_ledger_id))
        try:
            for entry in journal.decode(row.entries):
                _, events = exchange.apply(entry.time, entry.command)
                batch.add(exchange, entry.time, entry.id, entry.command, events)
            record = batch.seal(exchange, self.stored.numbers, core)
        except Exception as error:  # any error makes the copy worthless
            raise _CannotFollow(f"batch {row.batch} cannot be carried out: {error!r}") from error
        self.core = dataclasses.replace(record.core, last_hash=row.hash)

    def catch_up(self, store: Store, core: CoreRow) -> None:
        """Execute the batches up to ``core``. Raises _CannotFollow, StoreError, JournalBehind."""
        if (core.last_batch, core.last_hash) != (self.core.last_batch, self.core.last_hash):
            require(store, KnownBatch(self.core.last_batch, self.core.last_hash))
        if core.last_seq - self.core.last_seq > MAX_LAG:
            raise _CannotFollow(f"it is {core.last_seq - self.core.last_seq} commands behind")
        while self.core.last_batch < core.last_batch:
            page = store.journal_page(self.core.last_batch, _PAGE)
            if not page:
                raise _CannotFollow(f"the journal has no batch {self.core.last_batch + 1}")
            for row in page:
                self.apply(row)
                if self.core.last_batch == core.last_batch:
                    break
        same = dataclasses.replace(self.core, epoch=core.epoch, position=core.position)
        if same != core:
            raise _CannotFollow("its sums differ from the database's")


class Standby:
    """Keeps one core's copy while another core leads. All calls block; make one at a time."""

    def __init__(self, store: Store) -> None:
        """Prepare a standby; nothing else may use ``store``."""
        self._store = store
        self._connected = False
        self.copy: StateCopy | None = None
        """The state as of the last batch followed, None while there is none."""

    @property
    def core(self) -> CoreRow | None:
        """Return the row of the copy's last batch, None while there is no copy."""
        return None if self.copy is None else self.copy.core

    def follow(self) -> None:
        """Load a copy, or execute the batches committed since. Raises StoreError, LoadError."""
        try:
            if not self._connected:
                self._store.connect()
                self._connected = True
            with self._store.snapshot():
                if not self._store.read("SELECT 1 FROM core_state"):
                    return  # no core has led yet
                core = self._store.core_row()
                if self.copy is not None:
                    self._catch_up(self.copy, self._store, core)
                if self.copy is None:
                    with loads.unsearched():
                        self.copy = StateCopy(state_loader.load(self._store, core), core)
                    log.info("following", extra={"batch": core.last_batch})
        except StoreError:
            self._connected = False
            raise

    def take(self, store: Store, core: CoreRow) -> StoredState | None:
        """Hand over the copy's state as of ``core``, a row of ``store``; None means: load the
        state.

        Raises StoreError.
        """
        copy = self.copy
        if copy is not None:
            self._catch_up(copy, store, core)
        copy, self.copy = self.copy, None
        return None if copy is None else copy.stored

    def interrupt(self) -> None:
        """Make a running load end with StoreError. Any thread may call it."""
        self._store.interrupted = True

    def close(self) -> None:
        """Release the copy and the database; never raises."""
        self._drop()
        with suppress(StoreError):
            self._store.close()
        self._connected = False

    def _catch_up(self, copy: StateCopy, store: Store, core: CoreRow) -> None:
        try:
            copy.catch_up(store, core)
        except _CannotFollow as why:
            log.warning("the copy of the state is dropped and loaded anew: %s", why)
            self._drop()

    def _drop(self) -> None:
        copy, self.copy = self.copy, None
        if copy is not None:
            state_loader.dismantle(copy.stored.state)
