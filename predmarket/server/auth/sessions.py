"""Sessions in the database, and a bounded cache of whom each access token stands for.

A session is the family of refresh tokens that descend from one login. Each may be used once; one
used again was stolen, from the owner or by the thief, so the whole family ends.

Invariants:
- a session revoked here is refused here from that moment on: the cache forgets it, and a look-up
  that began before the revocation is not put into the cache;
- one revoked by another process is refused within RECHECK_SECONDS.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import and_, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.auth.tokens import (
    REFRESH_SECONDS,
    issue_access,
    new_refresh,
    read_access,
    refresh_hash,
)
from predmarket.server.queries.users import UserRecord, user_by_id
from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.identity import refresh_tokens, sessions, users
from predmarket.terms import Role

RECHECK_SECONDS = 5
MAX_CACHED = 20_000
_SECOND = 1_000_000


class Principal(NamedTuple):
    """Who is asking, through which session."""

    user_id: int
    session_id: int
    role: Role

    @property
    def is_admin(self) -> bool:
        """Tell whether the user is an admin."""
        return self.role is Role.ADMIN


class Opened(NamedTuple):
    """A session's tokens, just issued."""

    access_token: str
    refresh_token: str
    user: UserRecord


class _Cached(NamedTuple):
    principal: Principal
    until: float


def wall_clock() -> float:
    """Return the time in seconds."""
    return time.time()


class Sessions:
    """Opens, rotates, revokes and recognises sessions."""

    def __init__(self, db: Database, secret: str, clock: Callable[[], float] = wall_clock) -> None:
        self._db = db
        self._secret = secret
        self._clock = clock
        self._cache: dict[str | bytes, _Cached] = {}
        self._revocations = 0

    def known(self, credential: str | bytes) -> Principal | None:
        """Return whom a token stood for a moment ago: the cheap half of ``principal``."""
        cached = self._cache.get(credential)
        if cached is None or cached.until <= self._clock():
            return None
        return cached.principal

    async def principal(self, token: str, credential: str | bytes) -> Principal | None:
        """Return whom a token stands for, or None. ``credential`` is what ``known`` will get."""
        found = self.known(credential)
        if found is not None:
            return found
        access = read_access(self._secret, token)
        if access is None:
            return None
        revocations = self._revocations
        now = self._clock()
        query = (
            select(users.c.role)
            .join(sessions, sessions.c.user_id == users.c.id)
            .where(
                sessions.c.id == access.session_id,
                users.c.id == access.user_id,
                sessions.c.revoked_at.is_(None),
                sessions.c.expires_at > int(now * _SECOND),
                users.c.disabled.is_(False),
            )
        )
        async with self._db.read() as connection:
            role = (await connection.execute(query)).scalar_one_or_none()
        if role is None:
            return None
        principal = Principal(access.user_id, access.session_id, Role(role))
        if revocations == self._revocations:
            if len(self._cache) >= MAX_CACHED:
                del self._cache[next(iter(self._cache))]
            until = min(now + RECHECK_SECONDS, access.expires_at)
            self._cache[credential] = _Cached(principal, until)
        return principal

    async def open(self, user: UserRecord) -> Opened:
        """Begin a session of its own for a user who has just proved who they are."""
        now = int(self._clock() * _SECOND)
        async with self._db.write() as connection:
            # Here since it is where rows come from: nobody's table grows without end.
            await connection.execute(
                delete(sessions).where(sessions.c.user_id == user.id, sessions.c.expires_at < now)
            )
            session_id = (
                await connection.execute(
                    insert(sessions)
                    .values(
                        user_id=user.id,
                        created_at=now,
                        expires_at=now + REFRESH_SECONDS * _SECOND,
                    )
                    .returning(sessions.c.id)
                )
            ).scalar_one()
            refresh = await _issue_refresh(connection, session_id, now)
        return self._opened(user, session_id, refresh)

    async def rotate(self, token: str) -> Opened | None:
        """Trade a refresh token for new tokens. None when it is unknown, expired or used before;
        in the last case its whole family is revoked."""
        now = int(self._clock() * _SECOND)
        hashed = refresh_hash(token)
        async with self._db.write() as connection:
            row = await _refresh_row(connection, hashed)
            if row is None or row.expires_at <= now or row.revoked_at is not None or row.disabled:
                return None
            used = await connection.execute(
                update(refresh_tokens)
                .where(refresh_tokens.c.hash == hashed, refresh_tokens.c.used_at.is_(None))
                .values(used_at=now)
            )
            if used.rowcount:
                refresh = await _issue_refresh(connection, row.session_id, now)
                await connection.execute(
                    update(sessions)
                    .where(sessions.c.id == row.session_id)
                    .values(expires_at=now + REFRESH_SECONDS * _SECOND)
                )
            else:
                refresh = None
                await _revoke(connection, row.session_id, now)
            user = await user_by_id(connection, row.user_id)
        if refresh is None:
            self.forget(row.session_id)
            return None
        assert user is not None  # sessions refer to users
        return self._opened(user, row.session_id, refresh)

    async def revoke(self, session_id: int) -> None:
        """End a session with all its tokens."""
        now = int(self._clock() * _SECOND)
        async with self._db.write() as connection:
            await _revoke(connection, session_id, now)
        self.forget(session_id)

    def forget(self, session_id: int) -> None:
        """Drop a session from the cache; the next use of its tokens asks the database."""
        self._revocations += 1
        self._cache = {
            credential: cached
            for credential, cached in self._cache.items()
            if cached.principal.session_id != session_id
        }

    def _opened(self, user: UserRecord, session_id: int, refresh: str) -> Opened:
        access = issue_access(self._secret, user.id, session_id, user.role, int(self._clock()))
        return Opened(access, refresh, user)


class _Refresh(NamedTuple):
    session_id: int
    expires_at: int
    user_id: int
    revoked_at: int | None
    disabled: bool


async def _refresh_row(connection: AsyncConnection, hashed: bytes) -> _Refresh | None:
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
    return None if row is None else _Refresh(*row)


async def _issue_refresh(connection: AsyncConnection, session_id: int, now: int) -> str:
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
            expires_at=now + REFRESH_SECONDS * _SECOND,
        )
    )
    return token


async def _revoke(connection: AsyncConnection, session_id: int, now: int) -> None:
    await connection.execute(
        update(sessions)
        .where(and_(sessions.c.id == session_id, sessions.c.revoked_at.is_(None)))
        .values(revoked_at=now)
    )
