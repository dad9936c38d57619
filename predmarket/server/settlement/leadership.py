"""Who leads: a file lock beside an embedded database, a lease in a shared one.

A lease only shortens the time in which two cores believe they lead. What makes that harmless is the
epoch that every settlement checks (store.py). Source: ARCHITECTURE, Leadership.
"""

import fcntl
import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import psycopg

from predmarket.server.settlement.postgres_store import conninfo
from predmarket.server.settlement.store import Deposed, StoreError

LEASE_S = 2.0
_POLL_S = 0.1


class Held(Exception):
    """Somebody else leads; the message names them."""


class Leadership(Protocol):
    """The lead over one database. All calls block."""

    holder: str
    renew_every_s: float

    def acquire(self) -> None:
        """Take the lead or raise Held after waiting as long as this was made to.

        A lease that is ours already is taken again.
        """

    def renew(self) -> None:
        """Keep the lead. Raises Deposed when it is another's, StoreError when unknown."""

    def release(self) -> None:
        """Let the lead go; never raises."""


def holder_name() -> str:
    """Return a name for this process that no other has."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


class FileLeadership:
    """A lock on ``<database>.lock``; the system drops it with the process, however that ends."""

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
                    raise Held(f"the database is in use by {other or 'another core'}") from None
                time.sleep(_POLL_S)
        os.ftruncate(file, 0)
        os.pwrite(file, self.holder.encode(), 0)
        self._file = file

    def renew(self) -> None:
        """Nothing to do: the lock stays until it is let go."""

    def release(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None


class LeaseLeadership:
    """A row with an expiry by the database's clock, renewed apart from the commits."""

    renew_every_s = LEASE_S / 4

    def __init__(self, url: str, wait_s: float = 0) -> None:
        self.holder = holder_name()
        self._conninfo = conninfo(url)
        self._wait_s = wait_s
        self._db: psycopg.Connection[Any] | None = None
        # Renewed by two threads; a connection is used by one at a time and closed by its user.
        self._lock = threading.Lock()
        self._released = False

    def acquire(self) -> None:
        self._released = False
        until = time.monotonic() + self._wait_s
        while True:
            taken = self._run(
                "INSERT INTO lease (id, holder, expires_at) VALUES (1, %(me)s, "
                f"{_NOW} + %(ttl)s) ON CONFLICT (id) DO UPDATE "
                "SET holder = excluded.holder, expires_at = excluded.expires_at "
                f"WHERE lease.expires_at < {_NOW} OR lease.holder = %(me)s RETURNING holder"
            )
            if taken:
                return
            if time.monotonic() >= until:
                other = self._run("SELECT holder FROM lease WHERE id = 1")
                raise Held(f"the database is led by {other[0][0] if other else 'another core'}")
            time.sleep(_POLL_S)

    def renew(self) -> None:
        if not self._run(
            f"UPDATE lease SET expires_at = {_NOW} + %(ttl)s "
            "WHERE id = 1 AND holder = %(me)s RETURNING holder"
        ):
            raise Deposed("the lease is another core's")

    def release(self) -> None:
        self._released = True
        with suppress(StoreError):
            self._run(
                "UPDATE lease SET expires_at = 0 WHERE holder = %(me)s RETURNING id", last=True
            )
        with self._lock:
            self._disconnect()

    def _run(self, sql: str, *, last: bool = False) -> list[tuple[Any, ...]]:
        """Run a statement; after the release, none but the last."""
        parameters = {"me": self.holder, "ttl": int(LEASE_S * 1_000_000)}
        with self._lock:
            if self._released and not last:
                return [()]
            try:
                if self._db is None:
                    self._db = psycopg.connect(
                        self._conninfo, autocommit=True, connect_timeout=2, tcp_user_timeout=2_000
                    )
                return self._db.execute(sql, parameters).fetchall()
            except psycopg.Error as error:
                self._disconnect()
                raise StoreError(str(error)) from error

    def _disconnect(self) -> None:
        if self._db is not None:
            with suppress(psycopg.Error):
                self._db.close()
            self._db = None


_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
