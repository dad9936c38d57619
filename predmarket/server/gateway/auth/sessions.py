"""Sessions in the database: begun, renewed and ended.

A session is the chain of refresh tokens that begins with one login. Each token is exchanged once
for its successor, which is derived from it. If a token is used again within REPEAT_SECONDS, and its
successor is unused, it gets the same successor: the answer was lost, or two tabs asked. A token
that is used again later, or after its successor, counts as stolen, and the session ends. Times are
the database's, or if asked those of a clock for experiments. principals.py maps tokens to users; it
hears of each end.
"""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth import api_keys, codes
from predmarket.server.gateway.auth.principals import Principal, Principals, Revocation, unix_time
from predmarket.server.gateway.auth.refresh_tokens import (
    SECOND,
    Device,
    RefreshRecord,
    SessionRecord,
    addresses_of,
    begin_session,
    end_sessions,
    refresh_record,
    sessions_of,
    succeed,
)
from predmarket.server.gateway.auth.tokens import REPEAT_SECONDS, RefreshKeys, issue_access
from predmarket.server.gateway.limits.client_address import client_key
from predmarket.server.read_model.queries.users import UserRecord, user_by_id
from predmarket.server.storage.database import Database, database_time
from predmarket.server.storage.tables.identity import sessions, users
from predmarket.units import Micros


class Opened(NamedTuple):
    """A session's new tokens."""

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
        now: Callable[[], Micros] | None = None,
    ) -> None:
        """Prepare the sessions. ``now`` is the time by which they end, unless the database's."""
        self._db = db
        self._secret = secret
        self._keys = RefreshKeys(secret)
        self._principals = principals
        self._now = now

    async def _time(self, connection: AsyncConnection) -> Micros:
        """Return the time of this moment for sessions and refresh tokens."""
        return await database_time(connection) if self._now is None else self._now()

    async def open(self, user: UserRecord, device: Device) -> Opened:
        """Begin a session for a user who has just given the right password.

        Raises Refusal INVALID_CREDENTIALS if the user was disabled or the password changed since.
        """
        # Locked: either a password change ends this session, or this login sees the change.
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
            now = await self._time(connection)
            begun = await begin_session(connection, self._keys, user.id, device, now)
        for session_id in begun.ended:
            await self._principals.ended(Revocation("session", session_id))
        return self._opened(user, begun.session_id, begun.token)

    async def of_refresh(self, token: str) -> RefreshRecord | None:
        """Return the record of a refresh token, even if it was used or has ended."""
        async with self._db.read_account() as connection:
            return await refresh_record(connection, self._keys, token)

    async def knows(self, user_id: int, host: str | None, refresh: str | None) -> bool:
        """Tell whether a user has logged in before from an address or in a browser.

        ``refresh`` is the browser's refresh token, which counts even if its session has ended. For
        an unknown e-mail (user 0) the database gets the same queries, so that the response time
        does not reveal which e-mails have accounts.
        """
        async with self._db.read_account() as connection:
            addresses = await addresses_of(connection, user_id)
            record = await refresh_record(connection, self._keys, refresh or "")
        here = client_key(host)
        return any(client_key(one) == here for one in addresses) or (
            record is not None and record.user_id == user_id
        )

    async def rotate(self, token: str, device: Device) -> Opened | None:
        """Exchange a refresh token for new tokens; None if it is unknown, expired or used.

        A used token that is no repeat (see above) revokes its whole session.
        """
        async with self._db.write() as connection:
            now = await self._time(connection)
            row = await refresh_record(connection, self._keys, token)
            if row is None or not row.stands(now):
                return None
            refresh = await succeed(connection, self._keys, token, row, device, now)
            if refresh is None:
                refresh = await self._repeated(connection, token, now)
            if refresh is None:
                await end_sessions(connection, sessions.c.id == row.session_id, now)
            user = await user_by_id(connection, row.user_id)
        if refresh is None:
            await self._principals.ended(Revocation("session", row.session_id))
            return None
        assert user is not None  # sessions refer to users
        return self._opened(user, row.session_id, refresh)

    async def _repeated(self, connection: AsyncConnection, token: str, now: Micros) -> str | None:
        """Return the successor of a token that is used again; None if it is too late."""
        successor = self._keys.successor(token)
        before = await refresh_record(connection, self._keys, token)
        after = await refresh_record(connection, self._keys, successor)
        if before is None or before.used_at is None or after is None or after.used_at is not None:
            return None
        return successor if now <= before.used_at + REPEAT_SECONDS * SECOND else None

    async def sessions_of(self, user_id: int) -> list[SessionRecord]:
        """Return a user's live sessions, the newest first."""
        async with self._db.read_account() as connection:
            return await sessions_of(connection, user_id, await self._time(connection))

    async def revoke(self, session_id: int, user_id: int) -> bool:
        """End a user's session with all its tokens; False if the user has none of that id."""
        mine = (sessions.c.id == session_id) & (sessions.c.user_id == user_id)
        async with self._db.write() as connection:
            found = await end_sessions(connection, mine, await self._time(connection))
        if found:
            await self._principals.ended(Revocation("session", session_id))
        return bool(found)

    async def revoke_all(self, user_id: int) -> bool:
        """End all sessions and API keys of a user; False when there is no such user."""
        async with self._db.write() as connection:
            found = await self.end_all(connection, user_id)
        await self._principals.ended(Revocation("user", user_id))
        return found

    async def end_all(self, connection: AsyncConnection, user_id: int) -> bool:
        """End all sessions and API keys of a user in the caller's transaction.

        Return False when there is no such user.
        """
        # The lock comes first: it waits for a running login or new key, which must end too.
        owner = select(users.c.id).where(users.c.id == user_id).with_for_update(key_share=True)
        if (await connection.execute(owner)).scalar_one_or_none() is None:
            return False
        mine = sessions.c.user_id == user_id
        await end_sessions(connection, mine, await self._time(connection))
        await api_keys.delete_keys(connection, user_id)
        return True

    async def change_password(self, principal: Principal, old_hash: str, new_hash: str) -> bool:
        """Store a new password and end the user's other sessions, in one transaction.

        If ``old_hash`` is out of date, it changes nothing and returns False.
        """
        mine, same = users.c.id == principal.user_id, users.c.password_hash == old_hash
        others = (sessions.c.user_id == principal.user_id) & (sessions.c.id != principal.session_id)
        async with self._db.write() as connection:
            # First, because it waits for a running login, whose session must end too.
            changed = await connection.execute(
                update(users).where(mine, same).values(password_hash=new_hash)
            )
            if not changed.rowcount:
                return False
            await end_sessions(connection, others, await self._time(connection))
        await self._principals.ended(Revocation("user", principal.user_id))
        return True

    async def claim(self, user: UserRecord, code: str, new_hash: str, now: Micros) -> bool:
        """Use up a user's one-time code, store a password, and end all of the user's sessions.

        ``now`` is the exchange's time. If the code has ended, it changes nothing and returns False.
        """
        async with self._db.write() as connection:
            if not await codes.take_code(connection, code, now):
                return False
            # Before the sessions, because it waits for a running login, whose session must end too.
            changed = update(users).where(users.c.id == user.id).values(password_hash=new_hash)
            await connection.execute(changed)
            mine = sessions.c.user_id == user.id
            ended = await end_sessions(connection, mine, await self._time(connection))
        if ended:
            await self._principals.ended(Revocation("user", user.id))
        return True

    async def revoke_key(self, user_id: int, key_id: int) -> bool:
        """End a user's API key; False if the user has none of that id."""
        async with self._db.write() as connection:
            found = await api_keys.delete_key(connection, user_id, key_id)
        if found:
            await self._principals.ended(Revocation("key", key_id))
        return found

    def _opened(self, user: UserRecord, session_id: int, refresh: str) -> Opened:
        now = int(unix_time()) if self._now is None else self._now() // SECOND
        access = issue_access(self._secret, user.id, session_id, user.role, now)
        return Opened(access, refresh, user)
