"""API keys in the database: bots use them in place of a session's token.

A key is 32 random bytes behind a prefix that people and secret scanners recognise. Only its SHA-256
is stored: nobody guesses 256 bits, so a slow hash would add nothing.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.enums import ErrorCode, Role, Scope
from predmarket.server.errors import Refusal
from predmarket.server.read_model.queries.user_groups import GROUPS_OF_USER, read_groups
from predmarket.server.storage.tables.identity import api_keys, sessions, users
from predmarket.units import Micros

PREFIX = "pmk_"
_IDS_A_QUERY = 1_000
MAX_KEYS = 100
"""Live keys a user."""
USED_EVERY = 60 * 1_000_000
"""How old the time of last use may be, in microseconds: it is no write for every request."""


class KeyRecord(NamedTuple):
    """A live key as its owner sees it. ``access_id`` names it in signed requests, None if no public
    key belongs to it."""

    id: int
    name: str
    scopes: tuple[Scope, ...]
    created_at: Micros
    last_used_at: Micros | None
    access_id: str | None = None


class Maker(NamedTuple):
    """What makes a key: a session or, for signing keys, another key; the other's id is 0."""

    session_id: int = 0
    key_id: int = 0


class PublicKey(NamedTuple):
    """The public key (DER) of an API key, and the id under which it signs."""

    access_id: str
    der: bytes


class KeyHolder(NamedTuple):
    """A key's user and scopes."""

    user_id: int
    key_id: int
    role: Role
    scopes: frozenset[Scope]
    last_used_at: Micros | None
    groups: frozenset[int]


def new_key() -> str:
    """Return a new key."""
    return PREFIX + secrets.token_urlsafe(32)


def key_hash(key: str) -> bytes:
    """Return a key's hash for storage."""
    return hashlib.sha256(key.encode()).digest()


async def create_key(
    connection: AsyncConnection,
    user_id: int,
    name: str,
    scopes: Iterable[Scope],
    key: str,
    now: Micros,
    maker: Maker | None = None,
    public_key: PublicKey | None = None,
) -> KeyRecord:
    """Store a key. Raises Refusal LIMIT_EXCEEDED, UNAUTHENTICATED.

    ``maker`` makes the key, None: the exchange does. If the maker has ended, no key is made: its
    end may have ended the keys, too.
    """
    # Locked, so that two keys made at once are counted one after the other.
    owner = select(users.c.id).where(users.c.id == user_id)
    await connection.execute(owner.with_for_update(key_share=True))
    if maker is not None and not await _stands(connection, user_id, maker):
        raise Refusal(ErrorCode.UNAUTHENTICATED)
    count = select(func.count()).select_from(api_keys).where(api_keys.c.user_id == user_id)
    if (await connection.execute(count)).scalar_one() >= MAX_KEYS:
        raise Refusal(ErrorCode.LIMIT_EXCEEDED, f"a user has at most {MAX_KEYS} API keys")
    wanted = set(scopes)
    kept = tuple(scope for scope in Scope if scope in wanted)
    result = await connection.execute(
        insert(api_keys)
        .values(
            user_id=user_id,
            name=name,
            scopes=",".join(kept),
            hash=key_hash(key),
            created_at=now,
            access_id=None if public_key is None else public_key.access_id,
            public_key=None if public_key is None else public_key.der,
        )
        .returning(api_keys.c.id)
    )
    access_id = None if public_key is None else public_key.access_id
    return KeyRecord(result.scalar_one(), name, kept, now, None, access_id)


async def _stands(connection: AsyncConnection, user_id: int, maker: Maker) -> bool:
    """Tell whether a session or a key of a user is still valid."""
    query = select(sessions.c.id).where(
        sessions.c.id == maker.session_id,
        sessions.c.user_id == user_id,
        sessions.c.revoked_at.is_(None),
    )
    if maker.key_id:
        query = select(api_keys.c.id).where(
            api_keys.c.id == maker.key_id, api_keys.c.user_id == user_id
        )
    return (await connection.execute(query)).scalar_one_or_none() is not None


async def keys_of(connection: AsyncConnection, user_id: int) -> list[KeyRecord]:
    """Return a user's live keys, the newest first."""
    query = (
        select(
            api_keys.c.id,
            api_keys.c.name,
            api_keys.c.scopes,
            api_keys.c.created_at,
            api_keys.c.last_used_at,
            api_keys.c.access_id,
        )
        .where(api_keys.c.user_id == user_id)
        .order_by(api_keys.c.id.desc())
    )
    rows = await connection.execute(query)
    return [
        KeyRecord(
            row.id, row.name, _scopes(row.scopes), row.created_at, row.last_used_at, row.access_id
        )
        for row in rows
    ]


async def delete_key(connection: AsyncConnection, user_id: int, key_id: int) -> bool:
    """End a user's key; False if the user has none of that id."""
    mine = (api_keys.c.id == key_id) & (api_keys.c.user_id == user_id)
    return (await connection.execute(delete(api_keys).where(mine))).rowcount > 0


async def delete_keys(connection: AsyncConnection, user_id: int) -> None:
    """End all of a user's keys."""
    await connection.execute(delete(api_keys).where(api_keys.c.user_id == user_id))


_HOLDERS = (
    select(
        api_keys.c.user_id,
        api_keys.c.id,
        users.c.role,
        api_keys.c.scopes,
        api_keys.c.last_used_at,
        GROUPS_OF_USER,
    )
    .join(users, users.c.id == api_keys.c.user_id)
    .where(users.c.disabled.is_(False))
)


def _holder(row: Row[*tuple[Any, ...]]) -> KeyHolder:
    return KeyHolder(
        row.user_id,
        row.id,
        Role(row.role),
        frozenset(_scopes(row.scopes)),
        row.last_used_at,
        read_groups(row.groups),
    )


async def holder_of(connection: AsyncConnection, key: str) -> KeyHolder | None:
    """Return a key's holder; None if the key is unknown or revoked, or its user disabled."""
    query = _HOLDERS.where(api_keys.c.hash == key_hash(key))
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _holder(row)


async def signer_of(connection: AsyncConnection, access_id: str) -> tuple[KeyHolder, bytes] | None:
    """Return the holder of the key that signs under an id, with the public key; None as above."""
    query = _HOLDERS.add_columns(api_keys.c.public_key).where(api_keys.c.access_id == access_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    return _holder(row), row.public_key


async def holders_of(connection: AsyncConnection, key_ids: Sequence[int]) -> list[KeyHolder]:
    """Return the holders of the keys that are still valid."""
    found: list[KeyHolder] = []
    for start in range(0, len(key_ids), _IDS_A_QUERY):
        query = _HOLDERS.where(api_keys.c.id.in_(key_ids[start : start + _IDS_A_QUERY]))
        found += [_holder(row) for row in await connection.execute(query)]
    return found


async def mark_used(connection: AsyncConnection, key_id: int, now: Micros) -> None:
    """Record a key's use."""
    await connection.execute(
        update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=now)
    )


def _scopes(stored: str) -> tuple[Scope, ...]:
    return tuple(Scope(scope) for scope in stored.split(","))
