"""Sessions in the database: begun, renewed and ended.

A session is the family of refresh tokens that descend from one login. Each may be used once; one
used again was stolen, from the owner or by the thief, so the whole family ends. Whom a session's
tokens stand for is principals.py's to say, which is told of each end.
"""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update

from predmarket.server.auth import keys
from predmarket.server.auth.families import SECOND, end_sessions, issue_refresh, refresh_record
from predmarket.server.auth.principals import Ended, Principal, Principals, wall_clock
from predmarket.server.auth.tokens import REFRESH_SECONDS, issue_access, refresh_hash
from predmarket.server.queries.users import UserRecord, user_by_id
from predmarket.server.refusal import Refusal
from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.identity import refresh_tokens, sessions, users
from predmarket.terms import ErrorCode


class Opened(NamedTuple):
    """A session's tokens, just issued."""

    access_token: str
    refresh_token: str
    user: UserRecord


class Sessions:
    """Opens, rotates and revokes sessions."""

    def __init__(
        self,
        db: Database,
        secret: str,
        principals: Principals,
        clock: Callable[[], float] = wall_clock,
    ) -> None:
        self._db = db
        self._secret = secret
        self._principals = principals
        self._clock = clock

    async def open(self, user: UserRecord) -> Opened:
        """Begin a session of its own for a user who has just proved who they are.

        Raises Refusal INVALID_CREDENTIALS when since then they were disabled or the password
        changed.
        """
        now = int(self._clock() * SECOND)
        # Locked, so that a new password finds this session to end, or is found here.
        unchanged = (
            select(users.c.id)
            .where(
                users.c.id == user.id,
                users.c.password_hash == user.password_hash,
                users.c.disabled.is_(False),
            )
            .with_for_update(read=True)
        )
        async with self._db.write() as connection:
            if (await connection.execute(unchanged)).scalar_one_or_none() is None:
                raise Refusal(ErrorCode.INVALID_CREDENTIALS)
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
                        expires_at=now + REFRESH_SECONDS * SECOND,
                    )
                    .returning(sessions.c.id)
                )
            ).scalar_one()
            refresh = await issue_refresh(connection, session_id, now)
        return self._opened(user, session_id, refresh)

    async def rotate(self, token: str) -> Opened | None:
        """Trade a refresh token for new tokens. None when it is unknown, expired or used before;
        in the last case its whole family is revoked."""
        now = int(self._clock() * SECOND)
        hashed = refresh_hash(token)
        async with self._db.write() as connection:
            row = await refresh_record(connection, hashed)
            if row is None or row.expires_at <= now or row.revoked_at is not None or row.disabled:
                return None
            used = await connection.execute(
                update(refresh_tokens)
                .where(refresh_tokens.c.hash == hashed, refresh_tokens.c.used_at.is_(None))
                .values(used_at=now)
            )
            if used.rowcount:
                refresh = await issue_refresh(connection, row.session_id, now)
                await connection.execute(
                    update(sessions)
                    .where(sessions.c.id == row.session_id)
                    .values(expires_at=now + REFRESH_SECONDS * SECOND)
                )
            else:
                refresh = None
                await end_sessions(connection, sessions.c.id == row.session_id, now)
            user = await user_by_id(connection, row.user_id)
        if refresh is None:
            await self._principals.ended(Ended("session", row.session_id))
            return None
        assert user is not None  # sessions refer to users
        return self._opened(user, row.session_id, refresh)

    async def revoke(self, session_id: int) -> None:
        """End a session with all its tokens."""
        now = int(self._clock() * SECOND)
        async with self._db.write() as connection:
            await end_sessions(connection, sessions.c.id == session_id, now)
        await self._principals.ended(Ended("session", session_id))

    async def change_password(self, principal: Principal, old_hash: str, new_hash: str) -> bool:
        """Store a new password and end the user's other sessions, as one act.

        False, and nothing is changed, when the password is not the one of ``old_hash`` any more.
        """
        now = int(self._clock() * SECOND)
        mine, same = users.c.id == principal.user_id, users.c.password_hash == old_hash
        others = (sessions.c.user_id == principal.user_id) & (sessions.c.id != principal.session_id)
        async with self._db.write() as connection:
            # First, as it waits for a login under way, whose session then is there to be ended.
            changed = await connection.execute(
                update(users).where(mine, same).values(password_hash=new_hash)
            )
            if not changed.rowcount:
                return False
            await end_sessions(connection, others, now)
        await self._principals.ended(Ended("user", principal.user_id))
        return True

    async def revoke_key(self, user_id: int, key_id: int) -> bool:
        """End a user's API key; False when they have none of that id."""
        async with self._db.write() as connection:
            found = await keys.delete_key(connection, user_id, key_id)
        if found:
            await self._principals.ended(Ended("key", key_id))
        return found

    def _opened(self, user: UserRecord, session_id: int, refresh: str) -> Opened:
        access = issue_access(self._secret, user.id, session_id, user.role, int(self._clock()))
        return Opened(access, refresh, user)
