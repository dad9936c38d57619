"""Checkpoints of an embedded database, beside the commits.

SQLite writes a commit to the end of a log. From time to time what has gathered there is copied into
the database itself; left to SQLite, one commit in seven would do that on its way and take three
times as long, and everybody would wait for it. A thread with a connection of its own does it
meanwhile.

A log begins anew once all of it is copied and nobody reads it. Under load that never happens by
itself: a commit that finds ``LOG_PAGES`` in it copies the little that is left.
"""

import logging
import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

log = logging.getLogger(__name__)

LOG_PAGES = 8_000
"""About as long as the log becomes: 32 MiB."""
COMMITS = 16
"""After how many commits the next checkpoint begins: 2 000 pages of a busy exchange."""


class Checkpoints:
    """The checkpoints of one database. ``begin`` and ``close`` only while nothing is settled."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._db: sqlite3.Connection | None = None
        self._commits = 0
        self._under_way: Future[None] | None = None

    def begin(self, connection: sqlite3.Connection) -> None:
        """Use a connection that is nobody else's."""
        self._db = connection

    def committed(self) -> None:
        """Count a commit; every so often begin a checkpoint, unless one is under way."""
        self._commits += 1
        idle = self._under_way is None or self._under_way.done()
        if self._commits >= COMMITS and idle and self._db is not None:
            self._commits = 0
            self._under_way = self._thread.submit(self._copy, self._db)

    @staticmethod
    def _copy(db: sqlite3.Connection) -> None:
        try:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:  # the commits go on, and meet it themselves if it lasts
            log.warning("a checkpoint failed: %s", error)

    def close(self) -> None:
        """Wait for the one under way, and close the connection; never raises."""
        self._thread.submit(lambda: None).result()
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
        self._db = None
