"""Copies a journal up to one of its commands into an empty database.

Every command is executed again and committed by the store, so the copy has all that the original
had at that point, its history included. Its chain of hashes begins with a root of its own, which is
made from the name of its origin.
"""

import asyncio
import hashlib
from collections.abc import Callable

from predmarket.engine import Exchange
from predmarket.server.core import journal, journal_reader
from predmarket.server.core.batch import ROWS_PER_STEP, Batch
from predmarket.server.core.quote_rows import QuoteRows
from predmarket.server.core.stores.base import CoreRow, Store
from predmarket.server.core.stores.history_rows import HistoryRows
from predmarket.server.core.stores.store_numbers import StoreNumbers
from predmarket.units import Micros

Progress = Callable[[str, int, int], None]

_COMMANDS = 500
"""Commands of one batch of the copy."""


class NoSuchPoint(Exception):
    """The journal does not reach there; the message says how far it does."""


def number_at(store: Store, moment: Micros) -> int:
    """Return the number of the last command at ``moment`` or before. Raises NoSuchPoint."""
    found = 0
    for number, entry in journal_reader.entries(store):
        if entry.time > moment:
            break
        found = number
    if not found:
        raise NoSuchPoint("the exchange had done nothing by then")
    return found


def copy(source: Store, target: Store, upto: int, origin: str, progress: Progress) -> CoreRow:
    """Execute the commands of ``source`` up to number ``upto`` in ``target``; return its core row.

    ``upto`` is among the source's commands. ``target`` has the newest schema, users and nothing
    else. Raises StoreError.
    """
    target.take_over()
    target.read(
        f"UPDATE core_state SET origin = {target.mark}, last_hash = {target.mark} RETURNING 1",
        (origin, root(origin)),
    )
    return asyncio.run(_copy(source, target, upto, progress))


def root(origin: str) -> bytes:
    """Return the hash to which the first batch of a journal is chained; "" is no fork's origin."""
    return hashlib.sha256(origin.encode()).digest() if origin else journal.GENESIS


async def _copy(source: Store, target: Store, upto: int, progress: Progress) -> CoreRow:
    exchange, numbers, core = Exchange(), StoreNumbers(), target.core_row()
    batch, quote_rows = _begin(core), QuoteRows()
    for number, entry in journal_reader.entries(source, upto):
        _, events = exchange.apply(entry.time, entry.command)
        batch.add(exchange, entry.time, entry.id, entry.command, events)
        if len(batch.entries) >= _COMMANDS or batch.rows >= ROWS_PER_STEP or number == upto:
            record = batch.seal(exchange, numbers, core)
            assert batch.changes is not None  # sealed
            quote_rows.follow(batch.changes, record.history)
            await target.commit_batch(record)
            core = record.core
            batch = _begin(core)
            progress("copying", number, upto)
    return core


def _begin(core: CoreRow) -> Batch:
    return Batch(core.last_seq + 1, HistoryRows(core.counters.last_ledger_id))
