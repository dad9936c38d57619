"""Queries on groups of users: make, find, list, add and remove members.

``GROUPS_OF_USER`` and ``read_groups`` are the one look-up of somebody's groups: every principal
gets its ``groups`` from them (gateway/auth/principals.py).
"""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Text, cast, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.contracts.text import name_key, spaced
from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal
from predmarket.server.storage.tables.identity import user_group_members, user_groups, users
from predmarket.units import Micros

MAX_GROUPS = 1_000
"""Groups of an exchange: a principal carries those of its user."""

GROUPS_OF_USER = (
    select(func.aggregate_strings(cast(user_group_members.c.group_id, Text), ","))
    .where(user_group_members.c.user_id == users.c.id)
    .correlate(users)
    .scalar_subquery()
    .label("groups")
)
"""A column for a query on users: the ids of a user's groups, for ``read_groups``."""


class GroupRecord(NamedTuple):
    """A group as stored, with the number of its members."""

    id: int
    name: str
    created_at: Micros
    members: int


def read_groups(stored: str | None) -> frozenset[int]:
    """Return the ids in a value of ``GROUPS_OF_USER``."""
    return frozenset(map(int, stored.split(","))) if stored else frozenset()


async def add_group(connection: AsyncConnection, name: str, now: Micros) -> GroupRecord:
    """Store a group. Raises Refusal LIMIT_EXCEEDED, and IntegrityError when the name is taken."""
    count = select(func.count()).select_from(user_groups)
    if (await connection.execute(count)).scalar_one() >= MAX_GROUPS:
        raise Refusal(ErrorCode.LIMIT_EXCEEDED, f"an exchange has at most {MAX_GROUPS} groups")
    shown = spaced(name)
    values = {"name": shown, "name_key": name_key(name), "created_at": now}
    query = insert(user_groups).values(values).returning(user_groups.c.id)
    return GroupRecord((await connection.execute(query)).scalar_one(), shown, now, 0)


async def find_or_add_group(
    connection: AsyncConnection, name: str, now: Micros
) -> tuple[int, GroupRecord | None]:
    """Return the id of the group with a name, and the group itself if it was just made.

    Raises Refusal LIMIT_EXCEEDED.
    """
    found = await group_by_name(connection, name)
    if found is not None:
        return found, None
    try:
        async with connection.begin_nested():
            made = await add_group(connection, name, now)
    except IntegrityError:  # another request was a moment faster
        found = await group_by_name(connection, name)
        assert found is not None  # groups are never deleted
        return found, None
    return made.id, made


async def group_by_name(connection: AsyncConnection, name: str) -> int | None:
    """Return the id of the group with a name, in any spelling; None if there is none."""
    query = select(user_groups.c.id).where(user_groups.c.name_key == name_key(name))
    return (await connection.execute(query)).scalar_one_or_none()


async def names_of_groups(
    connection: AsyncConnection, group_ids: Collection[int]
) -> dict[int, str]:
    """Return the names of some groups."""
    query = select(user_groups.c.id, user_groups.c.name).where(user_groups.c.id.in_(group_ids))
    return dict([tuple(row) for row in await connection.execute(query)])


async def list_groups(
    connection: AsyncConnection, *, after: int, limit: int
) -> tuple[list[GroupRecord], int]:
    """Return the groups above an id, and the number of all."""
    members = (
        select(func.count())
        .where(user_group_members.c.group_id == user_groups.c.id)
        .correlate(user_groups)
        .scalar_subquery()
    )
    query = select(user_groups.c.id, user_groups.c.name, user_groups.c.created_at, members)
    query = query.where(user_groups.c.id > after).order_by(user_groups.c.id).limit(limit)
    rows = await connection.execute(query)
    count = select(func.count()).select_from(user_groups)
    return [GroupRecord(*row) for row in rows], (await connection.execute(count)).scalar_one()


async def add_member(connection: AsyncConnection, group_id: int, user_id: int) -> bool:
    """Add a user to a group; False if the user is in it."""
    values = {"group_id": group_id, "user_id": user_id}
    on_sqlite = connection.dialect.name == "sqlite"
    added = (sqlite.insert if on_sqlite else postgresql.insert)(user_group_members).values(values)
    new = added.on_conflict_do_nothing().returning(user_group_members.c.user_id)
    return (await connection.execute(new)).first() is not None


async def remove_member(connection: AsyncConnection, group_id: int, user_id: int) -> bool:
    """Remove a user from a group; False if the user is not in it."""
    row = (user_group_members.c.group_id == group_id) & (user_group_members.c.user_id == user_id)
    return (await connection.execute(delete(user_group_members).where(row))).rowcount > 0
