"""The refresh tokens of a session in the database: looked up, issued, ended.

Each function is one step within its caller's transaction.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.auth.tokens import REFRESH_SECONDS, new_refresh, refresh_hash
from predmarket.server.storage.tables.identity import refresh_tokens, sessions, users
from predmarket.terms import Role
from predmarket.units import Micros

SECOND = 1_000_000
_IDS_A_QUERY = 1_000


class RefreshRecord(NamedTuple):
    """A refresh token with the state of its session and user."""

    session_id: int
    expires_at: Micros
    user_id: int
    revoked_at: Micros | None
    disabled: bool


async def refresh_record(connection: AsyncConnection, hashed: bytes) -> RefreshRecord | None:
    """Return the refresh token of that hash."""
    joined = refresh_tokens.join(sessions, sessions.c.id == refresh_tokens.c.session_id).join(
        users, users.c.id == sessions.c.user_id
    )
    result = await connection.execute(
        select(
            refresh_tokens.c.session_id,
            refresh_tokens.c.expires_at,
            sessions.c.user_id,
            sessions.c.revoked_at,
            users.c.disabled,
        )
        .select_from(joined)
        .where(refresh_tokens.c.hash == hashed)
    )
    row = result.one_or_none()
    return None if row is None else RefreshRecord(*row)


async def issue_refresh(connection: AsyncConnection, session_id: int, now: Micros) -> str:
    """Store a new refresh token of a session and return it."""
    token = new_refresh()
    await connection.execute(
        delete(refresh_tokens).where(
            refresh_tokens.c.session_id == session_id, refresh_tokens.c.expires_at < now
        )
    )
    await connection.execute(
        insert(refresh_tokens).values(
            hash=refresh_hash(token),
            session_id=session_id,
            expires_at=now + REFRESH_SECONDS * SECOND,
        )
    )
    return token


async def end_sessions(
    connection: AsyncConnection, which: ColumnElement[bool], now: Micros
) -> None:
    """Revoke sessions. One that was revoked keeps its time."""
    await connection.execute(
        update(sessions).where(which, sessions.c.revoked_at.is_(None)).values(revoked_at=now)
    )


async def roles_of_sessions(
    connection: AsyncConnection, session_ids: Sequence[int], now: Micros
) -> dict[int, Role]:
    """Return the role of each session's user, of those sessions that stand."""
    found: dict[int, Role] = {}
    for start in range(0, len(session_ids), _IDS_A_QUERY):
        query = (
            select(sessions.c.id, users.c.role)
            .join(users, users.c.id == sessions.c.user_id)
            .where(
                sessions.c.id.in_(session_ids[start : start + _IDS_A_QUERY]),
                sessions.c.revoked_at.is_(None),
                sessions.c.expires_at > now,
                users.c.disabled.is_(False),
            )
        )
        found.update({id: Role(role) for id, role in await connection.execute(query)})
    return found
