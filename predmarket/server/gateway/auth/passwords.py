"""Password hashes: bcrypt, off the event loop, over the whole password.

bcrypt reads 72 bytes. A longer password is hashed with SHA-256 first, so that its end counts too.

Unicode: passwords are compared in composed form (NFC, RFC 8265), because one keyboard sends "é" as
one character and another as two, and nobody sees the difference. NFKC would make passwords equal
that look different, such as "²" and "2". Case, width and blanks count.
"""

import asyncio
import base64
import hashlib
import os
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import bcrypt

from predmarket.server.gateway.auth.fair_queue import FairQueue

ROUNDS = 12
_BCRYPT_BYTES = 72
_AT_ONCE = 2
_NICENESS = 10
PATIENCE_S = 1.0
"""How long a hash leaves the processor to everything else. Then it is also computed by the one
thread with ordinary priority: on a full machine log-ins come late, but they come."""
MAX_WAITING = 100
"""Hashes that may wait; with more, all clients would only wait longer."""
MAX_WAITING_EACH = 10
"""Hashes of one source that may wait. A source is an address, for IPv6 its /48, or a session."""

T = TypeVar("T")


def _material(password: str) -> bytes:
    raw = unicodedata.normalize("NFC", password).encode()
    if len(raw) > _BCRYPT_BYTES:
        return base64.b64encode(hashlib.sha256(raw).digest())
    return raw


def hash_password(password: str) -> str:
    """Return a password's hash. Slow on purpose: never call it on the event loop."""
    return bcrypt.hashpw(_material(password), bcrypt.gensalt(ROUNDS)).decode()


def matches(password: str, hashed: str) -> bool:
    """Tell whether a password matches a hash. As slow as hashing."""
    return bcrypt.checkpw(_material(password), hashed.encode())


def nobodys_hash() -> str:
    """Return a well-formed password hash that no password has.

    Its account cannot be logged in to, and a check against it takes as long as any check.
    """
    return f"$2b${ROUNDS:02}${'.' * 53}"


class Passwords:
    """Hashes and checks passwords in threads, a few at a time, in fair turns by source."""

    def __init__(self) -> None:
        self._turns = FairQueue(_AT_ONCE, MAX_WAITING, MAX_WAITING_EACH)
        self._threads = ThreadPoolExecutor(_AT_ONCE, "passwords", initializer=_yield_processor)
        self._ordinary = ThreadPoolExecutor(1, "late passwords")

    async def hash(self, password: str, source: str = "") -> str:
        """Return a password's hash. Raises TooManyWaiting."""
        async with self._turns.turn(source):
            return await self._run(partial(hash_password, password))

    async def check(self, password: str, hashed: str | None, source: str = "") -> bool:
        """Tell whether a password matches a hash. Raises TooManyWaiting.

        Without a hash (no account has that e-mail) it takes as long, and returns False.
        """
        async with self._turns.turn(source):
            found = await self._run(partial(matches, password, hashed or nobodys_hash()))
        return found and hashed is not None

    async def _run(self, work: Callable[[], T]) -> T:
        # No thread can take its niceness back, so a late hash begins again in another thread.
        loop = asyncio.get_running_loop()
        tries = [loop.run_in_executor(self._threads, work)]
        try:
            done, _ = await asyncio.wait(tries, timeout=PATIENCE_S)
            if not done:
                tries.append(loop.run_in_executor(self._ordinary, work))
                done, _ = await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for one in tries:
                one.cancel()


def _yield_processor() -> None:
    """Let the event loop and commits have the processor before this thread.

    On Linux each thread has a niceness of its own.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
