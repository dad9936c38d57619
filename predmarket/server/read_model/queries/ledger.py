"""Queries for the account statement: a user's ledger entries."""

from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, and_, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.contracts.accounts import Counterpart, EntryKind
from predmarket.server.read_model.queries.accounts import account_of
from predmarket.server.read_model.queries.cursors import LARGEST_ID, StatementPlace
from predmarket.server.read_model.queries.spans import ALWAYS, Numbered, Span, ids_of
from predmarket.server.storage.tables.history import ledger, transfers
from predmarket.units import Micros, Money


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


async def ledger_of(
    connection: AsyncConnection,
    user_id: int,
    place: StatementPlace | None,
    *,
    limit: int,
    market_id: int | None = None,
    kind: EntryKind | None = None,
    span: Span = ALWAYS,
) -> list[LedgerEntry]:
    """Return a user's entries from a place downwards, None: from the newest, newest first.

    Balances are counted back from the one known above the page. So a page costs the entries from
    that place to its last, those between them that a filter or the span hides included.
    """
    if place is None:
        account = await account_of(connection, user_id)
        place = StatementPlace(
            LARGEST_ID, 0 if account is None else account.available + account.locked
        )
    entries: list[LedgerEntry] = []
    above = place.balance
    above_id, below_id = await ids_of(connection, span, place.before, user_id, Numbered.ENTRIES)
    shown = select(ledger).where(ledger.c.user_id == user_id)
    shown = shown.where(ledger.c.id > above_id, ledger.c.id < below_id)
    if market_id is not None:
        shown = shown.where(ledger.c.market_id == market_id)
    if kind is not None:
        shown = shown.where(ledger.c.kind == kind.value)
    shown = shown.order_by(ledger.c.id.desc()).limit(limit)
    for row in await connection.execute(_page(user_id, place.before, shown)):
        below = above - row.moved
        entries.append(
            LedgerEntry(
                id=row.id,
                seq=row.seq,
                kind=EntryKind(row.kind),
                market_id=row.market_id,
                counterpart=Counterpart(row.counterpart),
                amount=row.amount,
                balance=below + row.amount,
                ref_id=row.ref_id,
                reason=row.reason,
                created_at=row.created_at,
                event_id=row.event_id,
            )
        )
        above = below
    return entries


def _page(user_id: int, before: int, shown: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Return the query of a page; ``moved`` sums an entry and the hidden ones above it."""
    rows = shown.subquery("rows")
    previous = func.lag(rows.c.id, 1, before).over(order_by=rows.c.id.desc())
    line = select(rows, previous.label("previous")).subquery("line")
    hidden = ledger.alias("hidden")
    moved = select(cast(func.sum(hidden.c.amount), BigInteger)).where(
        hidden.c.user_id == user_id, hidden.c.id >= line.c.id, hidden.c.id < line.c.previous
    )
    is_transfer = and_(line.c.kind == EntryKind.TRANSFER, transfers.c.id == line.c.ref_id)
    return (
        select(line, transfers.c.reason, moved.scalar_subquery().label("moved"))
        .select_from(line.outerjoin(transfers, is_transfer))
        .order_by(line.c.id.desc())
    )
