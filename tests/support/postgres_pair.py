"""A PostgreSQL with a standby: the primary fails, the standby is promoted, the pair comes back.

with PostgresPair() as pair:
    ...                       # pair.url() names both
    pair.primary.stop("kill")
    pair.fail_over()          # the standby takes writes; it waits for no standby
    pair.restore()            # the former primary is its standby
"""

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from tests.support.postgres import PostgresServer, libpq

WAIT_S = 30.0
_SETTINGS = {"wal_retrieve_retry_interval": "100ms"}
_KEPT = "ALTER SYSTEM SET wal_keep_size = '256MB'"
"""What pg_rewind needs: in a file, since it starts the server by itself."""


class PostgresPair:
    """A primary and its standby, which change places."""

    def __init__(self, *, synchronous: bool = True) -> None:
        """Prepare both. ``synchronous``: a commit waits until the standby has it."""
        self.synchronous = synchronous
        self.primary = PostgresServer(_SETTINGS)
        self.standby = PostgresServer(_SETTINGS)
        self._folders = [server.sockets for server in (self.primary, self.standby)]

    def url(self, hosts: Sequence[Path] = ()) -> str:
        """Return the SQLAlchemy URL of whichever takes writes; ``hosts`` are other ways to both."""
        named = "&".join(f"host={folder}" for folder in hosts or self._folders)
        return f"postgresql+psycopg://postgres@/postgres?{named}"

    def start(self) -> None:
        """Start both."""
        self.primary.start()
        with psycopg.connect(libpq(self.primary.url()), autocommit=True) as connection:
            connection.execute(_KEPT)
        self.restore(anew=True)

    def fail_over(self) -> None:
        """Promote the standby in place of the primary, which has to be stopped."""
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary

    def restore(self, *, anew: bool = False) -> None:
        """Make the former primary the standby: rewound, or, if ``anew``, from a base back-up."""
        if anew:
            self.standby.copy(self.primary)
        else:
            self.standby.rewind(self.primary)
        self.standby.start()
        self._follow()

    def _follow(self) -> None:
        """Return once the standby follows and, if synchronous, commits wait for it."""
        names = "*" if self.synchronous else ""
        with psycopg.connect(libpq(self.primary.url()), autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
            connection.execute("SELECT pg_reload_conf()")
            wanted = ("streaming", "sync" if self.synchronous else "async")
            deadline = time.monotonic() + WAIT_S
            sql = "SELECT state, sync_state FROM pg_stat_replication"
            while connection.execute(sql).fetchall() != [wanted]:
                if time.monotonic() > deadline:
                    log = (self.standby.folder / "log").read_text(errors="replace")
                    raise RuntimeError(f"the standby does not follow:\n{log[-2000:]}")
                time.sleep(0.02)

    def close(self) -> None:
        """Stop both and remove their data."""
        self.standby.close()
        self.primary.close()

    def __enter__(self) -> Self:
        """Start both."""
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop both and remove their data."""
        self.close()
