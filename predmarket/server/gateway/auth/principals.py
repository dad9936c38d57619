"""The principal behind each access token or API key: a bounded cache before the database.

Invariants:
- this process refuses a session or key from the moment of its revocation here: the cache forgets
  it, and a look-up that began before is repeated; the same holds for a change of a user;
- it refuses a session or key that another process revoked once the news arrives (revocations.py),
  or without news within RECHECK_SECONDS.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Literal, NamedTuple, TypeAlias

from sqlalchemy import select

from predmarket.enums import Role, Scope
from predmarket.server.gateway.auth import api_keys
from predmarket.server.gateway.auth.held_markets import HeldMarkets
from predmarket.server.gateway.auth.refresh_tokens import SECOND, standings_of_sessions
from predmarket.server.gateway.auth.tokens import read_access
from predmarket.server.gateway.auth.unknown_keys import UnknownKeys
from predmarket.server.gateway.limits.client_address import Client
from predmarket.server.read_model.queries.user_groups import GROUPS_OF_USER, read_groups
from predmarket.server.storage.database import UNAVAILABLE, Database
from predmarket.server.storage.tables.identity import sessions, users
from predmarket.units import Micros

log = logging.getLogger(__name__)

RECHECK_SECONDS = 5
_AHEAD_SECONDS = 2
"""A token in use is looked up this long before it is due, so that no request waits for it."""
_GATHER_SECONDS = 0.25
"""Window for coalescing token look-ups into one query: many cost as much as one."""
MAX_CACHED = 20_000
_NONE: frozenset[int] = frozenset()
LONGEST_TOKEN = 1_024
"""Characters of a token, several times as many as any of ours has; a longer one is ignored. So is
one behind many blanks: the cache would hold each spelling of a good token, at its whole length."""


class Principal(NamedTuple):
    """A request's sender, with its session or API key; the id of the other is 0.

    A session may do everything that its user may. A key is also limited by its scopes. ``groups``
    are the ids of the user's groups; their change reaches every gateway as one of the user.
    ``held`` are the markets of other groups in which the user is not flat, each as its unit
    (read_model/records.py).
    """

    user_id: int
    session_id: int
    role: Role
    key_id: int = 0
    scopes: frozenset[Scope] | None = None
    groups: frozenset[int] = frozenset()
    held: frozenset[int] = frozenset()

    @property
    def credential(self) -> str:
        """Return the name of the session or key; limits count calls under it."""
        return f"key {self.key_id}" if self.key_id else f"session {self.session_id}"

    @property
    def is_admin(self) -> bool:
        """Tell whether the sender is an admin, with a credential that allows admin calls."""
        return self.role is Role.ADMIN and self.may(Scope.ADMIN)

    def may(self, scope: Scope) -> bool:
        """Tell whether the credential has this scope; the user's role is checked separately."""
        return self.scopes is None or scope in self.scopes


class AccessId(NamedTuple):
    """The credential of signed requests. It is no text, so that no token can be taken for it."""

    id: str


class Signer(NamedTuple):
    """The sender of signed requests, and the public key (DER) that verifies them."""

    principal: Principal
    public_key: bytes


Credential: TypeAlias = str | bytes | AccessId


class Revocation(NamedTuple):
    """The end or change of a session, a key, or everything that a user has."""

    what: Literal["session", "key", "user"]
    id: int

    def concerns(self, principal: Principal) -> bool:
        """Tell whether it affects a principal."""
        match self.what:
            case "session":
                return principal.session_id == self.id
            case "key":
                return principal.key_id == self.id
            case "user":
                return principal.user_id == self.id


class _Found(NamedTuple):
    """A credential's record in the database; ``expires_at`` is in seconds."""

    principal: Principal
    expires_at: float
    public_key: bytes = b""


class _Cached(NamedTuple):
    """A record with the times to look it up again: in advance, and before the next use."""

    found: _Found
    again_at: float
    until: float


async def tell_nobody(_ended: Revocation) -> None:
    """Do nothing: there is no other process."""


def unix_time() -> float:
    """Return the machine's own time in seconds."""
    return time.time()


class Principals:
    """Recognises sessions and keys, and forgets ended ones."""

    def __init__(self, db: Database, secret: str, clock: Callable[[], float] = unix_time) -> None:
        self._db = db
        self._secret = secret
        self._clock = clock
        self._cache: dict[Credential, _Cached] = {}
        self.revocations = 0
        """How often entries were dropped: by a revocation, or because news may have been missed."""
        self._noting: set[int] = set()
        self._due: dict[Credential, _Cached] = {}
        self.look_ahead: asyncio.Task[None] | None = None
        """The look-up of entries in use before they are due, while it runs."""
        self.held = HeldMarkets()
        self.unknown_keys = UnknownKeys(clock)
        self.announce: Callable[[Revocation], Awaitable[None]] = tell_nobody
        self.listeners: list[Callable[[Revocation | None], asyncio.Task[None] | None]] = []
        """Called with each revocation, or with None if revocations may have been missed. ``ended``
        returns after the tasks that they start."""

    def known(self, credential: str | bytes) -> Principal | None:
        """Return the cached principal of a token: the cheap half of ``principal``."""
        found = self._known(credential)
        return None if found is None else found.principal

    def known_signer(self, access_id: str) -> Signer | None:
        """Return the cached signer of an access id: the cheap half of ``signer``."""
        found = self._known(AccessId(access_id))
        return None if found is None else Signer(found.principal, found.public_key)

    def _known(self, credential: Credential) -> _Found | None:
        cached, now = self._cache.get(credential), self._clock()
        if cached is None or cached.until <= now:
            return None
        if cached.again_at <= now and credential not in self._due:
            self._due[credential] = cached
            if self.look_ahead is None:
                self.look_ahead = asyncio.create_task(self._look_ahead())
        return cached.found

    async def principal(
        self, token: str, credential: str | bytes, client: Client | None = None
    ) -> Principal | None:
        """Return the principal of a token, or None. ``known`` will find it by ``credential``.

        A session or key whose end has become known before the return gives None. A key that does
        not exist counts against ``client``; an invented session is never looked up, since its token
        is not signed by us. Raises Refusal RATE_LIMITED.
        """
        known = self.known(credential)
        if known is not None or max(len(token), len(credential)) > LONGEST_TOKEN:
            return known
        by_key = token.startswith(api_keys.PREFIX)
        if by_key:
            found = await self.unknown_keys.find(
                lambda: self._look_up(lambda now: self._of_key(token, now), credential),
                credential,
                client,
            )
        else:
            found = await self._look_up(lambda now: self._of_session(token, now), credential)
        return None if found is None else found.principal

    async def signer(self, access_id: str, client: Client | None) -> Signer | None:
        """Return the signer of an access id, or None; as ``principal`` does for a token.

        The caller has waited for the turn of the client's check, if it must.
        """
        if len(access_id) > LONGEST_TOKEN:
            return None
        credential = AccessId(access_id)
        found = await self.unknown_keys.find(
            lambda: self._look_up(lambda now: self._of_access_id(access_id, now), credential),
            credential,
            client,
            has_turn=True,
        )
        return None if found is None else Signer(found.principal, found.public_key)

    async def standing(self, principals: Collection[Principal]) -> dict[Principal, Principal]:
        """Return those of the principals that are still valid, in their present form."""
        return (await self._standing(principals, self._clock()))[0]

    async def ended(self, ended: Revocation) -> None:
        """Forget an ended session, key or user here and at every other gateway.

        Call it after the end is committed. When it returns, this gateway takes no more commands
        from it.
        """
        begun = self.forget(ended)
        await self.announce(ended)
        if begun:
            await asyncio.wait(begun)

    def forget(self, ended: Revocation) -> list[asyncio.Task[None]]:
        """Drop ended entries from the cache; the next use of their tokens asks the database.

        Return the tasks that the listeners have begun.
        """
        self.revocations += 1
        self.unknown_keys.forget()
        self._cache = {
            credential: cached
            for credential, cached in self._cache.items()
            if not ended.concerns(cached.found.principal)
        }
        begun = [listener(ended) for listener in self.listeners]
        return [task for task in begun if task is not None]

    def forget_all(self) -> None:
        """Drop every entry from the cache, because news may have been missed."""
        self.revocations += 1
        self.unknown_keys.forget()
        self._cache = {}
        for listener in self.listeners:
            listener(None)

    async def _look_up(
        self, find: Callable[[float], Awaitable[_Found | None]], credential: Credential
    ) -> _Found | None:
        """Look a credential up in the database, and cache what is found for a while."""
        while True:
            revocations, now = self.revocations, self._clock()
            found = await find(now)
            if found is None:
                self._cache.pop(credential, None)
                return None
            if revocations == self.revocations:  # else this one may have ended meanwhile
                break
        if len(self._cache) >= MAX_CACHED and credential not in self._cache:
            del self._cache[next(iter(self._cache))]
        self._remember(credential, found, now)
        return found

    def _remember(self, credential: Credential, found: _Found, now: float) -> None:
        again_at = now + RECHECK_SECONDS - _AHEAD_SECONDS
        until = min(now + RECHECK_SECONDS, found.expires_at)
        self._cache[credential] = _Cached(found, again_at, until)

    async def _look_ahead(self) -> None:
        """Look up recently used entries before they expire, until none is used any more."""
        try:
            while self._due:
                await asyncio.sleep(_GATHER_SECONDS)
                due, self._due = self._due, {}
                await self._look_again(due)
        except Exception as error:  # noqa: BLE001 -- the first use after the expiry meets it
            log.debug("sessions could not be looked up ahead: %s", error)
        finally:
            self._due = {}
            self.look_ahead = None

    async def _look_again(self, due: dict[Credential, _Cached]) -> None:
        now = self._clock()
        asked = {cached.found.principal for cached in due.values()}
        standing, holders = await self._standing(asked, now)
        for credential, cached in due.items():
            if self._cache.get(credential) is not cached:
                continue  # forgotten meanwhile: the read may be older than its end
            principal = standing.get(cached.found.principal)
            if principal is None:
                del self._cache[credential]
            else:
                self._remember(credential, cached.found._replace(principal=principal), now)
        for holder in holders:
            await self._note_use(holder, int(now * SECOND))

    async def _standing(
        self, principals: Collection[Principal], now: float
    ) -> tuple[dict[Principal, Principal], list[api_keys.KeyHolder]]:
        sessions_of: dict[int, list[Principal]] = {}
        keys_of: dict[int, list[Principal]] = {}
        for one in principals:  # one session may have several principals, as its user changed
            if one.key_id:
                keys_of.setdefault(one.key_id, []).append(one)
            else:
                sessions_of.setdefault(one.session_id, []).append(one)
        found: dict[Principal, Principal] = {}
        async with self._db.read_account() as connection:
            standings = await standings_of_sessions(
                connection, list(sessions_of), int(now * SECOND)
            )
            holders = await api_keys.holders_of(connection, list(keys_of))
            for session_id, (role, groups) in standings.items():
                for one in sessions_of[session_id]:
                    found[one] = one._replace(role=role, groups=groups)
            for holder in holders:
                for one in keys_of[holder.key_id]:
                    found[one] = one._replace(
                        role=holder.role, scopes=holder.scopes, groups=holder.groups
                    )
            held = await self.held.of(connection, {p.user_id: p.groups for p in found.values()})
        return {
            one: now._replace(held=held.get(now.user_id, _NONE)) for one, now in found.items()
        }, holders

    async def _of_session(self, token: str, now: float) -> _Found | None:
        access = read_access(self._secret, token, now)
        if access is None:
            return None
        query = (
            select(users.c.role, GROUPS_OF_USER)
            .join(sessions, sessions.c.user_id == users.c.id)
            .where(
                sessions.c.id == access.session_id,
                users.c.id == access.user_id,
                sessions.c.revoked_at.is_(None),
                sessions.c.expires_at > int(now * SECOND),
                users.c.disabled.is_(False),
            )
        )
        async with self._db.look_up() as connection:
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return None
            user_id, groups = access.user_id, read_groups(row.groups)
            held = await self.held.of(connection, {user_id: groups})
        principal = Principal(
            user_id,
            access.session_id,
            Role(row.role),
            groups=groups,
            held=held.get(user_id, _NONE),
        )
        return _Found(principal, access.expires_at)

    async def _of_key(self, key: str, now: float) -> _Found | None:
        async with self._db.look_up() as connection:
            holder = await api_keys.holder_of(connection, key)
            if holder is None:
                return None
            held = await self.held.of(connection, {holder.user_id: holder.groups})
        return await self._found(holder, held, now)

    async def _of_access_id(self, access_id: str, now: float) -> _Found | None:
        async with self._db.look_up() as connection:
            signer = await api_keys.signer_of(connection, access_id)
            if signer is None:
                return None
            holder, public_key = signer
            held = await self.held.of(connection, {holder.user_id: holder.groups})
        return (await self._found(holder, held, now))._replace(public_key=public_key)

    async def _found(
        self, holder: api_keys.KeyHolder, held: Mapping[int, frozenset[int]], now: float
    ) -> _Found:
        await self._note_use(holder, int(now * SECOND))
        principal = Principal(
            holder.user_id,
            0,
            holder.role,
            holder.key_id,
            holder.scopes,
            holder.groups,
            held.get(holder.user_id, _NONE),
        )
        return _Found(principal, math.inf)

    async def _note_use(self, holder: api_keys.KeyHolder, now: Micros) -> None:
        """Store a key's last use from time to time; of many requests at once one does it."""
        last, key_id = holder.last_used_at, holder.key_id
        if key_id in self._noting or (last is not None and now < last + api_keys.USED_EVERY):
            return
        self._noting.add(key_id)
        try:
            async with self._db.write() as connection:
                await api_keys.mark_used(connection, key_id, now)
        except UNAVAILABLE as error:  # access does not depend on it
            log.warning("the last use of API key %d was not stored: %s", key_id, error)
        finally:
            self._noting.discard(key_id)
