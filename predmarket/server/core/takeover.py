"""Takeover: takes the lead and loads the committed state, at start and at each repair.

All blocking calls run in one thread, one at a time.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from predmarket.server.clock import Clock
from predmarket.server.core import journal, state_loader
from predmarket.server.core.durability import Durability
from predmarket.server.core.known_batch import KnownBatch, require
from predmarket.server.core.leadership import Leadership
from predmarket.server.core.standby import Standby
from predmarket.server.core.stores.base import CoreRow, Deposed, Store
from predmarket.server.core.stores.store_numbers import StoredState
from predmarket.server.interpreter import loads
from predmarket.server.read_model import changes
from predmarket.server.read_model.changes import Changes

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of a takeover. ``committed_ids`` are the commands of the batches asked about.

    ``recent`` are the outbox's rows of those batches, in order; at a start, all of its rows.
    ``outbox`` are always all of them.
    """

    core: CoreRow
    stored: StoredState
    committed_ids: frozenset[str]
    recent: list[Changes]
    outbox: list[Changes]


class Takeover:
    """Takes the lead over a database and loads its state."""

    def __init__(
        self,
        store: Store,
        leadership: Leadership,
        clock: Clock,
        standby: Standby | None = None,
        known: Sequence[KnownBatch] = (),
    ) -> None:
        self._known = known
        self._store = store
        self._leadership = leadership
        self._clock = clock
        self._standby = standby
        self._stored: StoredState | None = None
        self._thread = ThreadPoolExecutor(1, "load")
        self.durability = Durability()

    async def run(self, call: Callable[..., T], *arguments: object) -> T:
        """Run a blocking call in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)

    async def lead(self) -> None:
        """Take the lead. Raises LeaseHeld, StoreError."""
        await self.run(self._leadership.acquire)

    async def load(self) -> Loaded:
        """Raise the epoch and load the state. Raises StoreError, LoadError, Deposed."""
        return await self.run(self._load, None)

    async def load_again(self, known: CoreRow) -> Loaded:
        """Load again, with the ids of the commands committed after the batch ``known``.

        Raises JournalBehind if the database lacks it."""
        return await self.run(self._load, known)

    async def close(self) -> None:
        """Release the database and the lead."""
        await self.run(self._close)

    def end(self) -> None:
        """Abandon the thread, which may still be waiting."""
        self._thread.shutdown(wait=False)

    def found(self, durability: Durability) -> None:
        """Take the database's durability, and log what may be lost when that has changed."""
        before, self.durability = self.durability, durability
        for risk in durability.risks:
            if risk not in before.risks or not before.settings:
                log.warning(risk, extra={"durability": durability.settings})

    def _load(self, committed: CoreRow | None) -> Loaded:
        known_batch = None
        if committed is not None:
            self._leadership.renew()
            known_batch = committed.last_batch
        store = self._store
        store.connect()
        for known in self._known_batches(committed):
            require(store, known)
        epoch = store.take_over()
        with state_loader.readable():
            return self._read(known_batch, epoch)

    def _known_batches(self, committed: CoreRow | None) -> list[KnownBatch]:
        """Return the batches that the database must have."""
        copied = None if self._standby is None else self._standby.core
        rows = [row for row in (committed, copied) if row is not None]
        return [*self._known, *(KnownBatch(row.last_batch, row.last_hash) for row in rows)]

    def _read(self, known_batch: int | None, epoch: int) -> Loaded:
        store = self._store
        core = store.core_row()
        if core.epoch != epoch:
            raise Deposed("another core has taken over")
        self._set_clock(core)
        rows = [] if known_batch is None else store.journal_after(known_batch)
        self.found(store.durability())
        outbox = _decoded(store.outbox_after(0))
        return Loaded(
            core,
            self._state_of(core),
            frozenset(entry.id for row in rows for entry in journal.decode(row.entries)),
            [one for one in outbox if one.batch > (known_batch or 0)],
            outbox,
        )

    def _state_of(self, core: CoreRow) -> StoredState:
        """Return the state as of ``core``: a standby's copy with the tail behind it, or a load.

        The memory of the former state is freed first.
        """
        if self._stored is not None:
            state_loader.dismantle(self._stored.state)
            self._stored = None
        standby, self._standby = self._standby, None
        stored = None if standby is None else standby.take(self._store, core)
        if stored is not None:
            log.info("taken over with the copy that followed the journal")
        else:
            with loads.unsearched():
                stored = state_loader.load(self._store, core)
        self._stored = stored
        return stored

    def _set_clock(self, core: CoreRow) -> None:
        """Set the clock to the database's time, and log when the journal is ahead of it."""
        self._clock.set(self._store.time(), core.last_time)
        ahead = self._clock.ahead(core.last_time)
        if ahead:
            log.error(
                "the journal is %.1f s ahead of the database's time: time stands still, and no "
                "timer fires, until the database has caught up; see Clocks in docs/operations.md",
                ahead / 1_000_000,
            )

    def _close(self) -> None:
        self._store.close()
        self._leadership.release()
        if self._stored is not None:
            state_loader.dismantle(self._stored.state)


def _decoded(stored: list[bytes]) -> list[Changes]:
    """Return the newest readable batches of the outbox, without a gap.

    Another version may have written older ones in another format. Only resuming clients need them,
    and such clients get a snapshot from the tables instead.
    """
    found: list[Changes] = []
    for one in stored:
        try:
            found.append(changes.decode(one))
        except msgspec.MsgspecError:
            log.warning("outbox_unreadable", extra={"batches": len(found) + 1})
            found.clear()
    return found
