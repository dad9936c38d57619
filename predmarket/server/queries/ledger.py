"""The account statement: a user's ledger entries as stored."""

from typing import NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.contracts.accounts import Counterpart, EntryKind
from predmarket.server.storage.tables.trading import ledger, transfers
from predmarket.units import Micros, Money


class LedgerEntry(NamedTuple):
    """One movement of a user's cash; ``ref_id`` is the trade or the transfer, if it was one."""

    id: int
    seq: int
    kind: EntryKind
    market_id: int | None
    counterpart: Counterpart
    amount: Money
    ref_id: int | None
    reason: str | None
    created_at: Micros


async def ledger_of(
    connection: AsyncConnection,
    user_id: int,
    *,
    before: int,
    limit: int,
    market_id: int | None = None,
    kind: EntryKind | None = None,
) -> list[LedgerEntry]:
    """Return a user's entries below the id ``before``, newest first."""
    is_transfer = and_(ledger.c.kind == EntryKind.TRANSFER, transfers.c.id == ledger.c.ref_id)
    query = (
        select(
            ledger.c.id,
            ledger.c.seq,
            ledger.c.kind,
            ledger.c.market_id,
            ledger.c.counterpart,
            ledger.c.amount,
            ledger.c.ref_id,
            transfers.c.reason,
            ledger.c.created_at,
        )
        .select_from(ledger.outerjoin(transfers, is_transfer))
        .where(ledger.c.user_id == user_id, ledger.c.id < before)
        .order_by(ledger.c.id.desc())
        .limit(limit)
    )
    if market_id is not None:
        query = query.where(ledger.c.market_id == market_id)
    if kind is not None:
        query = query.where(ledger.c.kind == kind.value)
    return [
        LedgerEntry(
            row.id,
            row.seq,
            EntryKind(row.kind),
            row.market_id,
            Counterpart(row.counterpart),
            row.amount,
            row.ref_id,
            row.reason,
            row.created_at,
        )
        for row in await connection.execute(query)
    ]
