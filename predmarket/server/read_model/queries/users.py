"""Queries on users: add, find by id, e-mail or a part of it, change."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, ScalarSelect, Select, func, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.contracts.text import name_key, normal_email, spaced
from predmarket.enums import ErrorCode, Role
from predmarket.server.errors import Refusal
from predmarket.server.storage.tables.identity import (
    api_keys,
    sessions,
    user_group_members,
    users,
)
from predmarket.server.storage.tables.trading import accounts
from predmarket.units import Micros, Money

_UNCHOSEN = re.compile(r"player-[0-9]+")
"""The names of users who have chosen none; only the user of that id may choose one."""


def public_name(user_id: int, chosen: str | None) -> str:
    """Return the name under which others see a user."""
    return chosen or f"player-{user_id}"


class UserRecord(NamedTuple):
    """A user as stored."""

    id: int
    email: str
    password_hash: str
    full_name: str | None
    role: Role
    disabled: bool
    created_at: Micros
    chosen_name: str | None = None
    opening_credit: Money = 0

    @property
    def display_name(self) -> str:
        """Return the name under which others see the user."""
        return public_name(self.id, self.chosen_name)


class UserMoney(NamedTuple):
    """A user's cash, and when a session or a key of the user was last used."""

    available: Money
    locked: Money
    seen_at: Micros | None


_USERS = select(
    users.c.id,
    users.c.email,
    users.c.password_hash,
    users.c.full_name,
    users.c.role,
    users.c.disabled,
    users.c.created_at,
    users.c.display_name,
    users.c.opening_credit,
)


async def _one(connection: AsyncConnection, query: Select[*tuple[Any, ...]]) -> UserRecord | None:
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _record(row)


def _record(row: Row[*tuple[Any, ...]]) -> UserRecord:
    return UserRecord(*row)._replace(role=Role(row.role))


async def user_by_id(connection: AsyncConnection, user_id: int) -> UserRecord | None:
    """Return the user with that id."""
    return await _one(connection, _USERS.where(users.c.id == user_id))


def id_of_email(email: str) -> ScalarSelect[int]:
    """Return a query for the id of the user with an e-mail, in any spelling.

    An old account may be stored under another spelling, because another account has the normal
    form. It is found by exactly that spelling.
    """
    stored = email.strip().lower()
    spelt = select(users.c.id).where(users.c.email.in_((stored, normal_email(email))))
    return spelt.order_by(users.c.email != stored).limit(1).scalar_subquery()


async def user_by_email(connection: AsyncConnection, email: str) -> UserRecord | None:
    """Return the user with an e-mail, in any spelling."""
    return await _one(connection, _USERS.where(users.c.id == id_of_email(email)))


async def are_admins(connection: AsyncConnection, least: int) -> bool:
    """Tell whether there are ``least`` active admins."""
    query = select(users.c.id).where(users.c.role == Role.ADMIN, users.c.disabled.is_(False))
    return len((await connection.execute(query.limit(least))).all()) == least


async def add_user(
    connection: AsyncConnection,
    email: str,
    password_hash: str,
    full_name: str | None,
    role: Role,
    created_at: Micros,
    opening_credit: Money = 0,
) -> UserRecord:
    """Store a user with a normalised e-mail. Raises IntegrityError when the e-mail is taken."""
    query = (
        insert(users)
        .values(
            email=email,
            password_hash=password_hash,
            full_name=full_name,
            role=role.value,
            disabled=False,
            created_at=created_at,
            opening_credit=opening_credit,
        )
        .returning(users.c.id)
    )
    id = (await connection.execute(query)).scalar_one()
    return UserRecord(
        id=id,
        email=email,
        password_hash=password_hash,
        full_name=full_name,
        role=role,
        disabled=False,
        created_at=created_at,
        opening_credit=opening_credit,
    )


async def rename_user(connection: AsyncConnection, user_id: int, before: str, name: str) -> None:
    """Change a user's full name, if it is still ``before``."""
    renamed = (users.c.id == user_id) & (users.c.full_name == before)
    await connection.execute(update(users).where(renamed).values(full_name=name))


async def set_names(
    connection: AsyncConnection, user_id: int, full_name: str | None, display_name: str | None
) -> UserRecord:
    """Change the given names of a user; return the new record.

    Raises Refusal NAME_TAKEN for a display name that looks like another's, and IntegrityError if
    another user takes it at this moment.
    """
    values: dict[str, str] = {}
    if full_name is not None:
        values["full_name"] = full_name
    if display_name is not None:
        key = name_key(display_name)
        of_another = _UNCHOSEN.fullmatch(key) and key != f"player-{user_id}"
        same = select(users.c.id).where(users.c.display_key == key, users.c.id != user_id)
        if of_another or (await connection.execute(same)).first() is not None:
            raise Refusal(ErrorCode.NAME_TAKEN)
        values |= {"display_name": spaced(display_name), "display_key": key}
    await connection.execute(update(users).where(users.c.id == user_id).values(values))
    changed = await user_by_id(connection, user_id)
    assert changed is not None  # users are never deleted
    return changed


async def full_names(connection: AsyncConnection, user_ids: Iterable[int]) -> dict[int, str | None]:
    """Return the full names of some users."""
    query = select(users.c.id, users.c.full_name).where(users.c.id.in_(set(user_ids)))
    rows = await connection.execute(query)
    return {row.id: row.full_name for row in rows}


def normal_search(q: str | None) -> str:
    """Return the normal form of a text to search for in e-mails."""
    return normal_email(q or "")


async def find_users(
    connection: AsyncConnection,
    q: str | None,
    *,
    limit: int,
    offset: int = 0,
    after: int | None = None,
    group_id: int | None = None,
) -> tuple[list[UserRecord], int]:
    """Return one page of the users whose e-mail or name contains ``q``, and their total number.

    They are ordered by id, but the user whose whole e-mail is ``q`` comes first, because a short
    e-mail may be part of many others. ``after`` is the id of the last user shown, 0 if that was
    only the first one. With ``group_id`` only that group's members are listed. Names match in any
    case, for the letters that the database knows.
    """
    wanted = normal_search(q)
    matches: ColumnElement[bool] = true()
    if wanted:
        name = func.lower(func.coalesce(users.c.full_name, ""))
        matches = users.c.email.contains(wanted, autoescape=True) | name.contains(
            (q or "").strip().lower(), autoescape=True
        )
    if group_id is not None:
        members = select(user_group_members.c.user_id)
        matches &= users.c.id.in_(members.where(user_group_members.c.group_id == group_id))
    # Without a search the index of ids gives the order.
    best = [users.c.email != wanted] if wanted else []
    page = _USERS.where(matches).order_by(*best, users.c.id)
    if after is not None:
        page = page.where(users.c.email != wanted, users.c.id > after)
    rows = await connection.execute(page.limit(limit).offset(offset))
    count = select(func.count()).select_from(users).where(matches)
    return [_record(row) for row in rows], (await connection.execute(count)).scalar_one()


async def money_of_users(
    connection: AsyncConnection, user_ids: Sequence[int]
) -> dict[int, UserMoney]:
    """Return the cash of some users, and when each was last seen."""
    query = select(accounts.c.user_id, accounts.c.available, accounts.c.locked)
    cash = await connection.execute(query.where(accounts.c.user_id.in_(user_ids)))
    found = {row.user_id: UserMoney(row.available, row.locked, None) for row in cash}
    for table in (sessions, api_keys):
        used = select(table.c.user_id, func.max(table.c.last_used_at).label("at"))
        used = used.where(table.c.user_id.in_(user_ids)).group_by(table.c.user_id)
        for user_id, at in await connection.execute(used):
            before = found.get(user_id, UserMoney(0, 0, None))
            if at is not None and (before.seen_at is None or before.seen_at < at):
                found[user_id] = before._replace(seen_at=at)
    return found


async def change_user(
    connection: AsyncConnection, user_id: int, role: Role | None, disabled: bool | None
) -> UserRecord | None:
    """Change a user and return the new record, None if there is none of that id.

    Raises Refusal LAST_ADMIN when no active admin would be left.
    """
    active = (users.c.role == Role.ADMIN.value) & users.c.disabled.is_(False)
    # Locked in a fixed order, so that two admins cannot demote each other at the same moment.
    admins = select(users.c.id).where(active).order_by(users.c.id)
    found = await connection.execute(admins.with_for_update(key_share=True))
    before = set(found.scalars())
    values: dict[str, str | bool] = {}
    if role is not None:
        values["role"] = role.value
    if disabled is not None:
        values["disabled"] = disabled
    await connection.execute(update(users).where(users.c.id == user_id).values(values))
    changed = await user_by_id(connection, user_id)
    if changed is None:
        return None
    if before == {user_id} and (changed.role is not Role.ADMIN or changed.disabled):
        raise Refusal(ErrorCode.LAST_ADMIN)
    return changed
