"""Leadership: a file lock beside an embedded database, a lease in a shared one (stores/lease.py).

A lease only shortens the time in which two cores believe that they lead. The epoch makes that time
harmless, because every commit checks it (stores/base.py).
"""

import fcntl
import os
import secrets
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from predmarket.server.core.durability import Durability

LEASE_S = 2.0
POLL_S = 0.1


class LeaseHeld(Exception):
    """Another core leads; the message names it."""


class Leadership(Protocol):
    """Leadership of one database. All calls block."""

    holder: str
    renew_every_s: float

    def acquire(self) -> None:
        """Take the lead. Raises LeaseHeld after the wait that the constructor was given.

        A lease that this core already holds is taken again.
        """

    def renew(self) -> None:
        """Keep the lead. Raises Deposed if another core has it, StoreError if that is unknown."""

    def durability(self) -> Durability | None:
        """Return the database's durability now, None if it stays as it was. Raises StoreError."""

    def release(self) -> None:
        """Let the lead go; never raises."""


def holder_name() -> str:
    """Return a unique name for this process."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


class FileLeadership:
    """A lock on ``<database>.lock``; the system releases it when the process ends in any way."""

    renew_every_s = 3600.0

    def __init__(self, database: str, wait_s: float = 0) -> None:
        self.holder = holder_name()
        self._path = Path(f"{database}.lock")
        self._wait_s = wait_s
        self._file: int | None = None

    def acquire(self) -> None:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        until = time.monotonic() + self._wait_s
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= until:
                    other = os.pread(file, 200, 0).decode(errors="replace").strip()
                    os.close(file)
                    raise LeaseHeld(
                        f"the database is in use by {other or 'another core'}"
                    ) from None
                time.sleep(POLL_S)
        os.ftruncate(file, 0)
        os.pwrite(file, self.holder.encode(), 0)
        self._file = file

    def renew(self) -> None:
        """Do nothing: the lock stays until it is released."""

    def durability(self) -> None:
        """Return nothing: each connection to an embedded database sets its own."""

    def release(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None
