"""Reads the journal's commands one after the other."""

from collections.abc import Iterator

from predmarket.server.core import journal
from predmarket.server.core.journal import Entry
from predmarket.server.core.stores.base import Store, StoreError

_BATCHES = 200
"""Batches read at a time: the bound on memory."""


def entries(store: Store, upto: int | None = None) -> Iterator[tuple[int, Entry]]:
    """Yield the commands with their numbers, to number ``upto`` if given. Raises StoreError."""
    batch = 0
    while page := store.journal_page(batch, _BATCHES):
        for row in page:
            if row.rules != journal.RULES:
                raise StoreError(f"batch {row.batch} was made under rules {row.rules}")
            for number, entry in enumerate(journal.decode(row.entries), row.first_seq):
                if upto is not None and number > upto:
                    return
                yield number, entry
        batch = page[-1].batch
