"""Checkpoints of an embedded database, beside the commits.

SQLite appends each commit to a log. A checkpoint copies the log into the database. By default one
commit in seven would run the checkpoint itself, take three times as long, and keep everybody
waiting. So a thread with its own connection runs the checkpoints beside the commits.

A log begins anew once all of it is copied and nobody reads it. Under load that never happens by
itself, so a commit that finds ``LOG_PAGES`` in the log copies the rest.
"""

import logging
import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

log = logging.getLogger(__name__)

LOG_PAGES = 8_000
"""Approximate maximum length of the log: 32 MiB."""
COMMITS = 16
"""Commits between two checkpoints: 2 000 pages of a busy exchange."""


class Checkpoints:
    """The checkpoints of one database. ``begin`` and ``close`` only while nothing is committed."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._db: sqlite3.Connection | None = None
        self._commits = 0
        self._under_way: Future[None] | None = None

    def begin(self, connection: sqlite3.Connection) -> None:
        """Open the checkpoints' own connection."""
        self._db = connection

    def committed(self) -> None:
        """Count a commit; begin a checkpoint after every ``COMMITS``, unless one is running."""
        self._commits += 1
        idle = self._under_way is None or self._under_way.done()
        if self._commits >= COMMITS and idle and self._db is not None:
            self._commits = 0
            self._under_way = self._thread.submit(self._copy, self._db)

    @staticmethod
    def _copy(db: sqlite3.Connection) -> None:
        try:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:  # commits go on; if the error lasts, they fail with it
            log.warning("a checkpoint failed: %s", error)

    def close(self) -> None:
        """Wait for the one under way, and close the connection; never raises."""
        self._thread.submit(lambda: None).result()
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
        self._db = None
