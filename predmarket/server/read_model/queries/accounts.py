"""Queries on accounts and their transfers."""

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.storage.tables.history import transfers
from predmarket.server.storage.tables.trading import accounts
from predmarket.units import Micros, Money


class AccountRecord(NamedTuple):
    """A user's cash, and the time of the dead-man switch."""

    available: Money
    locked: Money
    deadman_at: Micros | None


class TransferRecord(NamedTuple):
    """A transfer, with the balance right after it."""

    id: int
    available: Money
    locked: Money


async def account_of(connection: AsyncConnection, user_id: int) -> AccountRecord | None:
    """Return a user's account; None before the core has opened it."""
    query = select(accounts.c.available, accounts.c.locked, accounts.c.deadman_at).where(
        accounts.c.user_id == user_id
    )
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else AccountRecord(*row)


async def transfer_by_id(connection: AsyncConnection, transfer_id: int) -> TransferRecord | None:
    """Return one transfer."""
    query = select(transfers.c.id, transfers.c.available, transfers.c.locked).where(
        transfers.c.id == transfer_id
    )
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else TransferRecord(*row)
