"""Sessions in the database, and a bounded cache of whom each access token or API key stands for.

A session is the family of refresh tokens that descend from one login. Each may be used once; one
used again was stolen, from the owner or by the thief, so the whole family ends.

Invariants:
- a session or key revoked here is refused here from that moment on: the cache forgets it, and a
  look-up that began before the revocation is made again; so too for a user's change;
- one revoked by another process is refused once its news arrives (revocations.py), and without
  news within RECHECK_SECONDS.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Literal, NamedTuple

from sqlalchemy import delete, insert, select, update

from predmarket.server.auth import keys
from predmarket.server.auth.families import (
    SECOND,
    end_sessions,
    issue_refresh,
    refresh_record,
    roles_of_sessions,
)
from predmarket.server.auth.tokens import (
    REFRESH_SECONDS,
    issue_access,
    read_access,
    refresh_hash,
)
from predmarket.server.queries.users import UserRecord, user_by_id
from predmarket.server.refusal import Refusal
from predmarket.server.storage.database import UNAVAILABLE, Database
from predmarket.server.storage.tables.identity import refresh_tokens, sessions, users
from predmarket.terms import ErrorCode, Role, Scope
from predmarket.units import Micros

log = logging.getLogger(__name__)

RECHECK_SECONDS = 5
_AHEAD_SECONDS = 2
"""How long before that somebody who comes again is looked up, so that nobody need wait for it."""
MAX_CACHED = 20_000


class Principal(NamedTuple):
    """Who is asking, through which session or API key; the other's id is 0.

    A session may do all that its user may, a key what its scopes say besides.
    """

    user_id: int
    session_id: int
    role: Role
    key_id: int = 0
    scopes: frozenset[Scope] | None = None

    @property
    def is_admin(self) -> bool:
        """Tell whether an admin asks, with a credential that is good for it."""
        return self.role is Role.ADMIN and self.may(Scope.ADMIN)

    def may(self, scope: Scope) -> bool:
        """Tell whether the credential is good for this; the user's role is another question."""
        return self.scopes is None or scope in self.scopes


class Opened(NamedTuple):
    """A session's tokens, just issued."""

    access_token: str
    refresh_token: str
    user: UserRecord


class _Cached(NamedTuple):
    principal: Principal
    token: str
    again_at: float
    until: float


class _Found(NamedTuple):
    """What the database says of a credential; ``expires_at`` is in seconds."""

    principal: Principal
    expires_at: float


class Ended(NamedTuple):
    """What does not stand any more as it did: a session, a key, or all that a user has."""

    what: Literal["session", "key", "user"]
    id: int

    def concerns(self, principal: Principal) -> bool:
        """Tell whether it takes part in what lets someone in."""
        match self.what:
            case "session":
                return principal.session_id == self.id
            case "key":
                return principal.key_id == self.id
            case "user":
                return principal.user_id == self.id


async def tell_nobody(_ended: Ended) -> None:
    """Announce nothing: there is no other process."""


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
        self._noting: set[int] = set()
        self._again: dict[str | bytes, asyncio.Task[None]] = {}
        self.announce: Callable[[Ended], Awaitable[None]] = tell_nobody
        self.listeners: list[Callable[[Ended | None], asyncio.Task[None] | None]] = []
        """Told of each end that is heard of here; of None when news may have been missed. What they
        begin in return is over before ``ended`` returns."""

    def known(self, credential: str | bytes) -> Principal | None:
        """Return whom a token stood for a moment ago: the cheap half of ``principal``."""
        cached, now = self._cache.get(credential), self._clock()
        if cached is None or cached.until <= now:
            return None
        if cached.again_at <= now and credential not in self._again:
            looking = asyncio.create_task(self._look_again(cached.token, credential))
            self._again[credential] = looking
        return cached.principal

    async def principal(self, token: str, credential: str | bytes) -> Principal | None:
        """Return whom a token stands for, or None. ``credential`` is what ``known`` will get.

        Nothing that was heard to have ended by the time of the return lets anybody in.
        """
        return self.known(credential) or await self._look_up(token, credential)

    async def _look_again(self, token: str, credential: str | bytes) -> None:
        try:
            await self._look_up(token, credential)
        except Exception as error:  # noqa: BLE001 -- who comes once the time is up hears of it
            log.debug("a session could not be looked up ahead: %s", error)
        finally:
            del self._again[credential]

    async def _look_up(self, token: str, credential: str | bytes) -> Principal | None:
        """Return whom a token stands for by the database, and remember it for a while."""
        by_key = token.startswith(keys.PREFIX)
        while True:
            revocations, now = self._revocations, self._clock()
            found = await (self._of_key(token, now) if by_key else self._of_session(token, now))
            if found is None:
                self._cache.pop(credential, None)
                return None
            if revocations == self._revocations:  # else it may be this one that has ended meanwhile
                break
        if len(self._cache) >= MAX_CACHED and credential not in self._cache:
            del self._cache[next(iter(self._cache))]
        again_at = now + RECHECK_SECONDS - _AHEAD_SECONDS
        until = min(now + RECHECK_SECONDS, found.expires_at)
        self._cache[credential] = _Cached(found.principal, token, again_at, until)
        return found.principal

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
            await self.ended(Ended("session", row.session_id))
            return None
        assert user is not None  # sessions refer to users
        return self._opened(user, row.session_id, refresh)

    async def revoke(self, session_id: int) -> None:
        """End a session with all its tokens."""
        now = int(self._clock() * SECOND)
        async with self._db.write() as connection:
            await end_sessions(connection, sessions.c.id == session_id, now)
        await self.ended(Ended("session", session_id))

    async def ended(self, ended: Ended) -> None:
        """Forget what has ended, its end being committed, here and at every other gateway.

        Whoever was let in by it hands in nothing more here once this returns.
        """
        begun = self.forget(ended)
        await self.announce(ended)
        if begun:
            await asyncio.wait(begun)

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
        await self.ended(Ended("user", principal.user_id))
        return True

    async def revoke_key(self, user_id: int, key_id: int) -> bool:
        """End a user's API key; False when they have none of that id."""
        async with self._db.write() as connection:
            found = await keys.delete_key(connection, user_id, key_id)
        if found:
            await self.ended(Ended("key", key_id))
        return found

    def forget(self, ended: Ended) -> list[asyncio.Task[None]]:
        """Drop what has ended from the cache; the next use of its tokens asks the database.

        Return what the listeners have begun.
        """
        self._revocations += 1
        self._cache = {
            credential: cached
            for credential, cached in self._cache.items()
            if not ended.concerns(cached.principal)
        }
        begun = [listener(ended) for listener in self.listeners]
        return [task for task in begun if task is not None]

    async def _of_session(self, token: str, now: float) -> _Found | None:
        access = read_access(self._secret, token)
        if access is None:
            return None
        query = (
            select(users.c.role)
            .join(sessions, sessions.c.user_id == users.c.id)
            .where(
                sessions.c.id == access.session_id,
                users.c.id == access.user_id,
                sessions.c.revoked_at.is_(None),
                sessions.c.expires_at > int(now * SECOND),
                users.c.disabled.is_(False),
            )
        )
        async with self._db.read() as connection:
            role = (await connection.execute(query)).scalar_one_or_none()
        if role is None:
            return None
        principal = Principal(access.user_id, access.session_id, Role(role))
        return _Found(principal, access.expires_at)

    async def _of_key(self, key: str, now: float) -> _Found | None:
        async with self._db.read() as connection:
            holder = await keys.holder_of(connection, key)
        if holder is None:
            return None
        await self._note_use(holder, int(now * SECOND))
        principal = Principal(holder.user_id, 0, holder.role, holder.key_id, holder.scopes)
        return _Found(principal, math.inf)

    async def _note_use(self, holder: keys.KeyHolder, now: Micros) -> None:
        """Store when a key was last used, now and then; one of many requests at once does it."""
        last, key_id = holder.last_used_at, holder.key_id
        if key_id in self._noting or (last is not None and now < last + keys.USED_EVERY):
            return
        self._noting.add(key_id)
        try:
            async with self._db.write() as connection:
                await keys.mark_used(connection, key_id, now)
        except UNAVAILABLE as error:  # who may come in does not depend on it
            log.warning("the last use of API key %d was not stored: %s", key_id, error)
        finally:
            self._noting.discard(key_id)

    def forget_all(self) -> None:
        """Drop every session from the cache: news of some may have been missed."""
        self._revocations += 1
        self._cache = {}
        for listener in self.listeners:
            listener(None)

    async def standing(self, principals: Collection[Principal]) -> dict[Principal, Principal]:
        """Return those of whom someone let in before may stay, each as they are now."""
        now = int(self._clock() * SECOND)
        sessions_of: dict[int, list[Principal]] = {}
        keys_of: dict[int, list[Principal]] = {}
        for one in principals:  # one session may have been let in as what its user was at times
            if one.key_id:
                keys_of.setdefault(one.key_id, []).append(one)
            else:
                sessions_of.setdefault(one.session_id, []).append(one)
        found: dict[Principal, Principal] = {}
        async with self._db.read() as connection:
            roles = await roles_of_sessions(connection, list(sessions_of), now)
            holders = await keys.holders_of(connection, list(keys_of))
        for session_id, role in roles.items():
            for one in sessions_of[session_id]:
                found[one] = one._replace(role=role)
        for holder in holders:
            for one in keys_of[holder.key_id]:
                found[one] = one._replace(role=holder.role, scopes=holder.scopes)
        return found

    def _opened(self, user: UserRecord, session_id: int, refresh: str) -> Opened:
        access = issue_access(self._secret, user.id, session_id, user.role, int(self._clock()))
        return Opened(access, refresh, user)
