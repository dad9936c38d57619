"""Queries for the account statement: a user's ledger entries."""

from typing import Any, NamedTuple

from sqlalchemy import Row, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.contracts.accounts import Counterpart, EntryKind
from predmarket.server.read_model.queries.spans import ALWAYS, Numbered, Span, ids_of
from predmarket.server.read_model.queries.walks import end_of_walk
from predmarket.server.storage.tables.history import ledger, transfers
from predmarket.units import Micros, Money

_IS_TRANSFER = and_(ledger.c.kind == EntryKind.TRANSFER, transfers.c.id == ledger.c.ref_id)
_ENTRIES = select(ledger, transfers.c.reason).select_from(ledger.outerjoin(transfers, _IS_TRANSFER))


class LedgerEntry(NamedTuple):
    """One movement of a user's cash, and the ``balance``, available and locked, right after it.

    ``ref_id`` is the trade or the transfer, if it was one. Of the payout of a whole event
    ``event_id`` is given and ``market_id`` is None.
    """

    id: int
    seq: int
    kind: EntryKind
    market_id: int | None
    counterpart: Counterpart
    amount: Money
    balance: Money
    ref_id: int | None
    reason: str | None
    created_at: Micros
    event_id: int | None = None


async def page_of_ledger(
    connection: AsyncConnection,
    user_id: int,
    *,
    before: int,
    limit: int,
    market_id: int | None = None,
    kind: EntryKind | None = None,
    span: Span = ALWAYS,
) -> tuple[list[LedgerEntry], int | None]:
    """Return a page of a user's entries below the id ``before``, newest first, and the next page's
    ``before``, None after the last page.

    A page reads at most MAX_WALK entries. If too few of them match, the page ends there, perhaps
    empty, and the next page continues.
    """
    above, before = await ids_of(connection, span, before, user_id, Numbered.ENTRIES)
    end = None
    if market_id is not None or kind is not None:
        end = await end_of_walk(connection, ledger.c.user_id, user_id, above, before)
    query = _ENTRIES.where(ledger.c.user_id == user_id)
    query = query.where(ledger.c.id < before, ledger.c.id > (end or above))
    if market_id is not None:
        query = query.where(ledger.c.market_id == market_id)
    if kind is not None:
        query = query.where(ledger.c.kind == kind.value)
    query = query.order_by(ledger.c.id.desc()).limit(limit + 1)
    found = [_entry(row) for row in await connection.execute(query)]
    if len(found) > limit:
        return found[:limit], found[limit - 1].id
    return found, None if end is None else end + 1


def _entry(row: Row[*tuple[Any, ...]]) -> LedgerEntry:
    return LedgerEntry(
        id=row.id,
        seq=row.seq,
        kind=EntryKind(row.kind),
        market_id=row.market_id,
        counterpart=Counterpart(row.counterpart),
        amount=row.amount,
        balance=row.balance,
        ref_id=row.ref_id,
        reason=row.reason,
        created_at=row.created_at,
        event_id=row.event_id,
    )
