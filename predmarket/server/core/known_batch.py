"""A batch that was seen committed, and the check that the database still has it.

A standby of the database that was promoted may lack the last commits if they did not wait for it;
so may a back-up that was restored. Its journal then lacks acknowledged batches, or has others in
their place. Nothing may be decided on such a journal. Cores, standby cores and gateways remember
the last batch that they saw, and so does Redis; each is compared with the database.
"""

from dataclasses import dataclass

from predmarket.server.core.stores.base import Store, StoreError


class JournalBehind(StoreError):
    """The database lacks a batch that was committed, and may be given it back."""


@dataclass(frozen=True, slots=True)
class KnownBatch:
    """A batch that was committed, 0 for none; ``hash`` is the journal's, b"" if unknown."""

    batch: int
    hash: bytes = b""


def behind(known: KnownBatch, last_batch: int, found: bytes | None) -> str:
    """Return what is wrong with a journal that ends at ``last_batch`` and has the hash ``found`` at
    the known batch; "" if it has that batch."""
    if not known.batch:
        return ""
    if found is None:
        wrong = f"the database's journal ends at batch {last_batch}"
    elif known.hash and found != known.hash:
        wrong = f"the database's journal has another batch {known.batch}"
    else:
        return ""
    return (
        f"{wrong}, but batch {known.batch} was committed and acknowledged: see A failover that "
        "lost orders in docs/operations.md"
    )


def require(store: Store, known: KnownBatch) -> None:
    """Raise JournalBehind unless the database has the batch."""
    if not known.batch:
        return
    rows = store.read(f"SELECT hash FROM journal WHERE batch = {store.mark}", (known.batch,))
    last = store.read("SELECT coalesce(max(batch), 0) FROM journal")[0][0] if not rows else 0
    wrong = behind(known, last, bytes(rows[0][0]) if rows else None)
    if wrong:
        raise JournalBehind(wrong)
