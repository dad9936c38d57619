"""Password hashes: bcrypt, off the event loop, over the whole password.

bcrypt reads 72 bytes. A longer password is hashed with SHA-256 first, so that its end counts too.

Unicode: a password counts in its composed form (NFC, as RFC 8265 has it), since one keyboard sends
"é" as one character and another as two, and nobody sees which. Not NFKC: it would make passwords
equal that look different, as "²" and "2" do. Case, width and blanks count.
"""

import asyncio
import base64
import hashlib
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import bcrypt

ROUNDS = 12
_BCRYPT_BYTES = 72
_AT_ONCE = 2
MAX_WAITING = 100
"""Hashes under way or waiting; more would only make everyone wait longer."""


class TooManyLogins(Exception):
    """Too many passwords wait to be hashed."""


def _material(password: str) -> bytes:
    raw = unicodedata.normalize("NFC", password).encode()
    if len(raw) > _BCRYPT_BYTES:
        return base64.b64encode(hashlib.sha256(raw).digest())
    return raw


def hash_password(password: str) -> str:
    """Return a password's hash. Slow on purpose: never call it on the event loop."""
    return bcrypt.hashpw(_material(password), bcrypt.gensalt(ROUNDS)).decode()


def matches(password: str, hashed: str) -> bool:
    """Tell whether a password belongs to a hash. As slow as hashing."""
    return bcrypt.checkpw(_material(password), hashed.encode())


class Passwords:
    """Hashes and checks passwords in threads, a few at a time."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        # Well formed and nobody's, so that checking against it takes as long as any check.
        self._nobodys = f"$2b${ROUNDS:02}${'.' * 53}"

    async def hash(self, password: str) -> str:
        """Return a password's hash. Raises TooManyLogins."""
        async with self._turn():
            return await asyncio.to_thread(hash_password, password)

    async def check(self, password: str, hashed: str | None) -> bool:
        """Tell whether a password belongs to a hash. Raises TooManyLogins.

        Without a hash (nobody has that e-mail) it takes as long as with one, and is False.
        """
        async with self._turn():
            found = await asyncio.to_thread(matches, password, hashed or self._nobodys)
        return found and hashed is not None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= MAX_WAITING:
            raise TooManyLogins
        self._waiting += 1
        try:
            async with self._slots:
                yield
        finally:
            self._waiting -= 1
