"""The account statement: a user's ledger entries as stored."""

from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, and_, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.contracts.accounts import Counterpart, EntryKind
from predmarket.server.read_model.queries.accounts import account_of
from predmarket.server.read_model.queries.cursors import LARGEST_ID, Place
from predmarket.server.storage.tables.trading import ledger, transfers
from predmarket.units import Micros, Money


class LedgerEntry(NamedTuple):
    """One movement of a user's cash, and the ``balance``, available and locked, right after it.

    ``ref_id`` is the trade or the transfer, if it was one.
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


async def ledger_of(
    connection: AsyncConnection,
    user_id: int,
    place: Place | None,
    *,
    limit: int,
    market_id: int | None = None,
    kind: EntryKind | None = None,
) -> list[LedgerEntry]:
    """Return a user's entries from a place downwards, None: from the newest, newest first.

    Balances are counted back from the one known above the page. So a page costs the entries from
    its first to its last, those between them that a filter hides included, and never those above.
    """
    if place is None:
        account = await account_of(connection, user_id)
        place = Place(LARGEST_ID, 0 if account is None else account.available + account.locked)
    entries: list[LedgerEntry] = []
    above = place.balance
    for row in await connection.execute(_page(user_id, place.before, limit, market_id, kind)):
        below = above - row.moved
        entries.append(
            LedgerEntry(
                row.id,
                row.seq,
                EntryKind(row.kind),
                row.market_id,
                Counterpart(row.counterpart),
                row.amount,
                below + row.amount,
                row.ref_id,
                row.reason,
                row.created_at,
            )
        )
        above = below
    return entries


def _page(
    user_id: int, before: int, limit: int, market_id: int | None, kind: EntryKind | None
) -> Select[*tuple[Any, ...]]:
    """Return the query of a page, with what its entry and those hidden above it ``moved``."""
    shown = select(ledger).where(ledger.c.user_id == user_id, ledger.c.id < before)
    if market_id is not None:
        shown = shown.where(ledger.c.market_id == market_id)
    if kind is not None:
        shown = shown.where(ledger.c.kind == kind.value)
    rows = shown.order_by(ledger.c.id.desc()).limit(limit).subquery("rows")
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
