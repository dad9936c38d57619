"""One-time codes of users, and invitations.

A code is 80 random bits in letters and digits that are not mistaken for each other. Only its
SHA-256 is stored: nobody guesses 80 bits under the limits of limits/sign_in.py, so a slow hash
would add nothing. A user has one code at a time. Times are the exchange's.
"""

import hashlib
import secrets
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.read_model.queries.users import UserRecord, user_by_id
from predmarket.server.storage.tables.identity import invites, user_codes, user_groups
from predmarket.units import Micros, Money

LIFETIME: Micros = 7 * 86_400 * 1_000_000
"""A code's life, in microseconds."""
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, O, 1 and I."""
_LENGTH, _PART = 16, 4

_INVITES = select(
    invites.c.id,
    invites.c.uses,
    invites.c.used,
    invites.c.expires_at,
    invites.c.credit,
    user_groups.c.name,
    invites.c.created_at,
    invites.c.revoked_at,
).join(user_groups, user_groups.c.id == invites.c.group_id, isouter=True)


class InviteRecord(NamedTuple):
    """An invitation as stored. ``group`` is the name of its group."""

    id: int
    uses: int
    used: int
    expires_at: Micros
    credit: Money
    group: str | None
    created_at: Micros
    revoked_at: Micros | None


class Invited(NamedTuple):
    """What a user gets who registers by an invitation."""

    invite_id: int
    credit: Money
    group_id: int | None


def new_code() -> str:
    """Return a new random code, such as ``7KQF-M2XW-9TJD-PC4H``."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(drawn[at : at + _PART] for at in range(0, _LENGTH, _PART))


def code_hash(code: str) -> bytes:
    """Return the stored form of a code as somebody types it: case, blanks and hyphens are free."""
    typed = "".join(code.upper().split()).replace("-", "")
    return hashlib.sha256(typed.encode()).digest()


async def give_code(connection: AsyncConnection, user_id: int, now: Micros) -> str:
    """Return a new one-time code of a user, in place of the one before."""
    code = new_code()
    await drop_code(connection, user_id)
    values = {"user_id": user_id, "hash": code_hash(code), "expires_at": now + LIFETIME}
    await connection.execute(insert(user_codes).values(values))
    return code


async def drop_code(connection: AsyncConnection, user_id: int) -> None:
    """End the one-time code of a user, if there is one."""
    await connection.execute(delete(user_codes).where(user_codes.c.user_id == user_id))


async def user_of_code(connection: AsyncConnection, code: str, now: Micros) -> UserRecord | None:
    """Return the active user whose one-time code this is; None if it is unknown or has ended."""
    query = select(user_codes.c.user_id).where(
        user_codes.c.hash == code_hash(code), user_codes.c.expires_at > now
    )
    user_id = (await connection.execute(query)).scalar_one_or_none()
    user = None if user_id is None else await user_by_id(connection, user_id)
    return None if user is None or user.disabled else user


async def take_code(connection: AsyncConnection, code: str, now: Micros) -> bool:
    """Use a one-time code up; False if it is unknown or has ended."""
    taken = delete(user_codes).where(
        user_codes.c.hash == code_hash(code), user_codes.c.expires_at > now
    )
    return (await connection.execute(taken)).rowcount > 0


async def add_invite(
    connection: AsyncConnection,
    *,
    uses: int,
    expires_at: Micros,
    credit: Money,
    group_id: int | None,
    creator_id: int,
    now: Micros,
) -> tuple[int, str]:
    """Store an invitation; return its id and its code."""
    code = new_code()
    added = insert(invites).values(
        hash=code_hash(code),
        uses=uses,
        used=0,
        expires_at=expires_at,
        credit=credit,
        group_id=group_id,
        creator_id=creator_id,
        created_at=now,
    )
    id = (await connection.execute(added.returning(invites.c.id))).scalar_one()
    return id, code


async def list_invites(
    connection: AsyncConnection, *, before: int, limit: int
) -> list[InviteRecord]:
    """Return the invitations below an id, newest first."""
    query = _INVITES.where(invites.c.id < before).order_by(invites.c.id.desc()).limit(limit)
    return [InviteRecord(*row) for row in await connection.execute(query)]


async def invite_by_id(connection: AsyncConnection, invite_id: int) -> InviteRecord | None:
    """Return one invitation."""
    row = (await connection.execute(_INVITES.where(invites.c.id == invite_id))).one_or_none()
    return None if row is None else InviteRecord(*row)


async def revoke_invite(connection: AsyncConnection, invite_id: int, now: Micros) -> bool:
    """End an invitation; False if it was revoked before."""
    live = (invites.c.id == invite_id) & invites.c.revoked_at.is_(None)
    ended = await connection.execute(update(invites).where(live).values(revoked_at=now))
    return ended.rowcount > 0


async def take_invite(connection: AsyncConnection, code: str, now: Micros) -> Invited | None:
    """Use an invitation once; None if it is unknown or has ended."""
    taken = (
        update(invites)
        .where(_usable(code, now))
        .values(used=invites.c.used + 1)
        .returning(invites.c.id, invites.c.credit, invites.c.group_id)
    )
    row = (await connection.execute(taken)).one_or_none()
    return None if row is None else Invited(*row)


async def return_invite(connection: AsyncConnection, invite_id: int) -> None:
    """Give a use of an invitation back: nobody registered by it."""
    given_back = update(invites).where(invites.c.id == invite_id)
    await connection.execute(given_back.values(used=invites.c.used - 1))


def _usable(code: str, now: Micros) -> ColumnElement[bool]:
    """Return the condition for an invitation that can be used."""
    return (
        (invites.c.hash == code_hash(code))
        & (invites.c.used < invites.c.uses)
        & (invites.c.expires_at > now)
        & invites.c.revoked_at.is_(None)
    )
