"""Checks whether a file is an embedded database of predmarket, without changing a byte of it.

Our way of opening a database turns its log on, and an upgrade adds our tables. Neither may happen
to another program's file.
"""

import sqlite3
from pathlib import Path
from urllib.parse import quote

_MAGIC = b"SQLite format 3\x00"
_OURS = {"alembic_version", "users"}
"""Tables that there have been since the first revision."""
CHECKED_BYTES = 64 * 1024 * 1024
"""A file up to this size is read whole at a start: some tenths of a second at the most."""


class NotOurs(Exception):
    """The file is no database of predmarket; the message names it."""


class Damaged(Exception):
    """The file is a damaged database; the message names it."""


def require_ours(path: Path, *, whole: bool = False) -> None:
    """Raise NotOurs or Damaged unless ``path`` is a database of ours, empty, or not there.

    All pages of a small database are checked; with ``whole``, of any database.
    """
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except FileNotFoundError:
        return
    if not head:
        return
    if head != _MAGIC:
        raise NotOurs(f"{path} is not a database of predmarket")
    try:
        tables, problem = _look(path, whole=whole or path.stat().st_size <= CHECKED_BYTES)
    except (
        sqlite3.DatabaseError,
        UnicodeDecodeError,
    ) as error:  # the driver quotes the bytes it read
        raise _damaged(path, str(error)) from None
    if tables and not tables >= _OURS:
        raise NotOurs(f"{path} is a database of another program: its tables are not predmarket's")
    if problem is not None:
        raise _damaged(path, problem)


def _look(path: Path, *, whole: bool) -> tuple[set[str], str | None]:
    """Return the names of the tables, and the first problem of the pages."""
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5)
    try:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        found = "ok"
        if whole:
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        return {str(row[0]) for row in rows}, None if found == "ok" else found
    finally:
        connection.close()


def _damaged(path: Path, problem: str) -> Damaged:
    line = " ".join(problem.split())
    return Damaged(f"{path} is damaged ({line}); stop using it and restore a back-up")
