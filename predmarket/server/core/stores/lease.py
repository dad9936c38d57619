"""Leadership by a lease in a shared database."""

import threading
import time
from contextlib import suppress

import psycopg

from predmarket.server.core.durability import Durability
from predmarket.server.core.leadership import LEASE_S, POLL_S, LeaseHeld, holder_name
from predmarket.server.core.stores import postgres_durability
from predmarket.server.core.stores.base import Deposed, StoreError
from predmarket.server.core.stores.rows import StoredRow
from predmarket.server.storage.database import KEEPALIVES
from predmarket.server.storage.database import POSTGRESQL_NOW as NOW
from predmarket.server.storage.database_url import hosts_of, libpq_url


class LeaseLeadership:
    """A row with an expiry by the database's clock, renewed independently of commits.

    A lease that ends later than a new one would counts as expired. It means that the database's
    clock was put back; otherwise no core could lead until the clock had caught up.
    """

    renew_every_s = LEASE_S / 4

    def __init__(self, url: str, wait_s: float = 0) -> None:
        self.holder = holder_name()
        self._conninfo = libpq_url(url)
        self._hosts = hosts_of(url)
        self._wait_s = wait_s
        self._db: psycopg.Connection[StoredRow] | None = None
        # Two threads renew the lease. One at a time uses the connection, and that one closes it.
        self._lock = threading.Lock()
        self._released = False

    def acquire(self) -> None:
        self._released = False
        until = time.monotonic() + self._wait_s
        while True:
            taken = self._run(
                "INSERT INTO lease (id, holder, expires_at) VALUES (1, %(me)s, "
                f"{NOW} + %(ttl)s) ON CONFLICT (id) DO UPDATE "
                "SET holder = excluded.holder, expires_at = excluded.expires_at "
                f"WHERE lease.expires_at NOT BETWEEN {NOW} AND {NOW} + %(ttl)s "
                "OR lease.holder = %(me)s RETURNING holder"
            )
            if taken:
                return
            if time.monotonic() >= until:
                other = self._run("SELECT holder FROM lease WHERE id = 1")
                raise LeaseHeld(
                    f"the database is led by {other[0][0] if other else 'another core'}"
                )
            time.sleep(POLL_S)

    def renew(self) -> None:
        if not self._run(
            f"UPDATE lease SET expires_at = {NOW} + %(ttl)s "
            "WHERE id = 1 AND holder = %(me)s RETURNING holder"
        ):
            raise Deposed("the lease is another core's")

    def durability(self) -> Durability | None:
        rows = self._run(postgres_durability.SQL)
        return postgres_durability.read(rows[0], self._hosts) if rows[0] else None

    def release(self) -> None:
        self._released = True
        with suppress(StoreError):
            self._run(
                "UPDATE lease SET expires_at = 0 WHERE holder = %(me)s RETURNING id", last=True
            )
        with self._lock:
            self._disconnect()

    def _run(self, sql: str, *, last: bool = False) -> list[StoredRow]:
        """Run a statement; after the release only the last one runs."""
        parameters = {"me": self.holder, "ttl": int(LEASE_S * 1_000_000)}
        with self._lock:
            if self._released and not last:
                return [()]
            try:
                if self._db is None:
                    self._db = psycopg.connect(
                        self._conninfo,
                        autocommit=True,
                        connect_timeout=2,
                        tcp_user_timeout=2_000,
                        **KEEPALIVES,
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
