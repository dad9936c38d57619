"""Queries on sessions and their refresh tokens: look up, issue, rotate, end.

Each function runs within its caller's transaction.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.enums import Role
from predmarket.server.gateway.auth.tokens import (
    REFRESH_SECONDS,
    SESSION_SECONDS,
    RefreshKeys,
    new_refresh,
    stored_before,
)
from predmarket.server.read_model.queries.user_groups import GROUPS_OF_USER, read_groups
from predmarket.server.storage.tables.identity import refresh_tokens, sessions, users
from predmarket.units import Micros

SECOND = 1_000_000
MAX_SESSIONS = 100
"""Sessions kept for a user. A further login deletes a revoked one, else it ends the one that was
used longest ago."""
MAX_AGENT = 200
"""Characters kept of a client's User-Agent."""
_IDS_A_QUERY = 1_000


class Device(NamedTuple):
    """The device that uses a session, as far as the request tells."""

    address: str | None
    agent: str | None


class RefreshRecord(NamedTuple):
    """A refresh token with the state of its session and user."""

    hash: bytes
    session_id: int
    expires_at: Micros
    used_at: Micros | None
    user_id: int
    created_at: Micros
    revoked_at: Micros | None
    disabled: bool

    def stands(self, now: Micros) -> bool:
        """Tell whether the session is live: not revoked, not expired, its user not disabled."""
        ends_at = self.created_at + SESSION_SECONDS * SECOND
        return self.revoked_at is None and not self.disabled and now < min(self.expires_at, ends_at)


class SessionRecord(NamedTuple):
    """A live session as its user sees it."""

    id: int
    created_at: Micros
    last_used_at: Micros
    address: str | None
    agent: str | None


class Standing(NamedTuple):
    """The role of a session's user, and the ids of the user's groups."""

    role: Role
    groups: frozenset[int]


class Begun(NamedTuple):
    """A new session, its first refresh token, and the sessions that it displaced."""

    session_id: int
    token: str
    ended: Sequence[int]


async def refresh_record(
    connection: AsyncConnection, keys: RefreshKeys, token: str
) -> RefreshRecord | None:
    """Return the record of a refresh token, None when it is unknown."""
    joined = refresh_tokens.join(sessions, sessions.c.id == refresh_tokens.c.session_id).join(
        users, users.c.id == sessions.c.user_id
    )
    result = await connection.execute(
        select(
            refresh_tokens.c.hash,
            refresh_tokens.c.session_id,
            refresh_tokens.c.expires_at,
            refresh_tokens.c.used_at,
            sessions.c.user_id,
            sessions.c.created_at,
            sessions.c.revoked_at,
            users.c.disabled,
        )
        .select_from(joined)
        .where(refresh_tokens.c.hash.in_((keys.stored(token), stored_before(token))))
    )
    row = result.one_or_none()
    return None if row is None else RefreshRecord(*row)


async def begin_session(
    connection: AsyncConnection, keys: RefreshKeys, user_id: int, device: Device, now: Micros
) -> Begun:
    """Store a new session of a user with its first refresh token.

    It deletes the user's expired and surplus sessions, which bounds the table.
    """
    mine = sessions.c.user_id == user_id
    await connection.execute(delete(sessions).where(mine, sessions.c.expires_at < now))
    least_first = (
        sessions.c.revoked_at.is_(None),
        sessions.c.last_used_at.asc().nulls_first(),
        sessions.c.id,
    )
    kept = await connection.execute(
        select(sessions.c.id, sessions.c.revoked_at).where(mine).order_by(*least_first)
    )
    too_many = kept.all()[: 1 - MAX_SESSIONS]
    ids = [row.id for row in too_many]
    await connection.execute(delete(sessions).where(sessions.c.id.in_(ids)))
    begun = (
        insert(sessions)
        .values(
            user_id=user_id,
            created_at=now,
            last_used_at=now,
            expires_at=now + REFRESH_SECONDS * SECOND,
            address=device.address,
            agent=device.agent,
        )
        .returning(sessions.c.id)
    )
    session_id = (await connection.execute(begun)).scalar_one()
    token = new_refresh()
    await _store(connection, session_id, keys.stored(token), now, now + REFRESH_SECONDS * SECOND)
    ended = [row.id for row in too_many if row.revoked_at is None]
    return Begun(session_id, token, ended)


async def succeed(
    connection: AsyncConnection,
    keys: RefreshKeys,
    token: str,
    record: RefreshRecord,
    device: Device,
    now: Micros,
) -> str | None:
    """Exchange a live session's token for its successor; None if it was used before."""
    used = await connection.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.hash == record.hash, refresh_tokens.c.used_at.is_(None))
        .values(used_at=now)
    )
    if not used.rowcount:
        return None
    ends_at = record.created_at + SESSION_SECONDS * SECOND
    expires_at = min(now + REFRESH_SECONDS * SECOND, ends_at)
    successor = keys.successor(token)
    await _store(connection, record.session_id, keys.stored(successor), now, expires_at)
    await connection.execute(
        update(sessions)
        .where(sessions.c.id == record.session_id)
        .values(
            expires_at=expires_at,
            last_used_at=now,
            address=device.address,
            agent=device.agent,
        )
    )
    return successor


async def _store(
    connection: AsyncConnection, session_id: int, hash: bytes, now: Micros, expires_at: Micros
) -> None:
    """Store a session's next refresh token, and delete its expired ones."""
    mine = refresh_tokens.c.session_id == session_id
    await connection.execute(delete(refresh_tokens).where(mine, refresh_tokens.c.expires_at < now))
    await connection.execute(
        insert(refresh_tokens).values(hash=hash, session_id=session_id, expires_at=expires_at)
    )


async def end_sessions(connection: AsyncConnection, which: ColumnElement[bool], now: Micros) -> int:
    """Revoke sessions and return their number. A session revoked before keeps its time."""
    ended = await connection.execute(
        update(sessions).where(which, sessions.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    return ended.rowcount


async def sessions_of(
    connection: AsyncConnection, user_id: int, now: Micros
) -> list[SessionRecord]:
    """Return a user's live sessions, the newest first."""
    query = (
        select(
            sessions.c.id,
            sessions.c.created_at,
            sessions.c.last_used_at,
            sessions.c.address,
            sessions.c.agent,
        )
        .where(
            sessions.c.user_id == user_id,
            sessions.c.revoked_at.is_(None),
            sessions.c.expires_at > now,
        )
        .order_by(sessions.c.id.desc())
        .limit(MAX_SESSIONS)
    )
    return [
        SessionRecord(id, created_at, created_at if used is None else used, address, agent)
        for id, created_at, used, address, agent in await connection.execute(query)
    ]


async def addresses_of(connection: AsyncConnection, user_id: int) -> list[str]:
    """Return the addresses that a user's stored sessions were last used from."""
    query = select(sessions.c.address).where(
        sessions.c.user_id == user_id, sessions.c.address.is_not(None)
    )
    return [address for address in (await connection.execute(query)).scalars() if address]


async def standings_of_sessions(
    connection: AsyncConnection, session_ids: Sequence[int], now: Micros
) -> dict[int, Standing]:
    """Return the standing of each live session's user."""
    found: dict[int, Standing] = {}
    for start in range(0, len(session_ids), _IDS_A_QUERY):
        query = (
            select(sessions.c.id, users.c.role, GROUPS_OF_USER)
            .join(users, users.c.id == sessions.c.user_id)
            .where(
                sessions.c.id.in_(session_ids[start : start + _IDS_A_QUERY]),
                sessions.c.revoked_at.is_(None),
                sessions.c.expires_at > now,
                users.c.disabled.is_(False),
            )
        )
        for id, role, groups in await connection.execute(query):
            found[id] = Standing(Role(role), read_groups(groups))
    return found
