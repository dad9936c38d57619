"""Users, by id or e-mail."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.storage.tables.identity import users
from predmarket.terms import Role
from predmarket.units import Micros


class UserRecord(NamedTuple):
    """A user as stored."""

    id: int
    email: str
    password_hash: str
    full_name: str | None
    role: Role
    disabled: bool
    created_at: Micros


_USERS = select(
    users.c.id,
    users.c.email,
    users.c.password_hash,
    users.c.full_name,
    users.c.role,
    users.c.disabled,
    users.c.created_at,
)


async def _one(
    connection: AsyncConnection, query: Select[int, str, str, str | None, str, bool, int]
) -> UserRecord | None:
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    id, email, password_hash, full_name, role, disabled, created_at = row
    return UserRecord(id, email, password_hash, full_name, Role(role), disabled, created_at)


async def user_by_id(connection: AsyncConnection, user_id: int) -> UserRecord | None:
    """Return the user with that id."""
    return await _one(connection, _USERS.where(users.c.id == user_id))


async def user_by_email(connection: AsyncConnection, email: str) -> UserRecord | None:
    """Return the user with that normalised e-mail."""
    return await _one(connection, _USERS.where(users.c.email == email))


async def full_names(connection: AsyncConnection, user_ids: Iterable[int]) -> dict[int, str | None]:
    """Return the full names of some users."""
    query = select(users.c.id, users.c.full_name).where(users.c.id.in_(set(user_ids)))
    rows = await connection.execute(query)
    return {row.id: row.full_name for row in rows}
