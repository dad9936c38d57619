"""Backs the database up into one file, while the exchange runs, and restores it.

SQLite has an online back-up. PostgreSQL's programs pg_dump and pg_restore do the rest. A back-up is
audited: on SQLite the written file, on PostgreSQL the very snapshot that was dumped. A restored
exchange is audited before it is in its place.

Invariant: neither overwrites anything. A file or an exchange appears whole, or not at all.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pydantic import SecretStr

from predmarket.exit_codes import ExitCode
from predmarket.files import new_file
from predmarket.server.core.stores.base import Store
from predmarket.server.core.stores.factory import leadership
from predmarket.server.process.maintenance import (
    AuditReport,
    Overrides,
    Progress,
    audit_store,
    stored_exchange,
)
from predmarket.server.process.operator_errors import OperateError, expected
from predmarket.server.settings import BACKUP_FILE, Settings
from predmarket.server.storage import migrations, sqlite_file
from predmarket.server.storage.database import sync_engine
from predmarket.server.storage.database_url import normal_url

_PAGES = 2_000
_DUMP_MAGIC = b"PGDMP"
_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"


@dataclass(frozen=True, slots=True)
class Written:
    """A back-up that was written or restored: its size in bytes, and its audit."""

    size: int
    report: AuditReport


def backup(overrides: Overrides, file: Path, replay: bool, progress: Progress) -> Written:
    """Back the database up into a new file. Raises OperateError.

    If the audit does not hold, the file stays: there may be no better one.
    """
    with expected():
        settings = Settings.load(overrides)
        if not file.parent.is_dir():
            raise OperateError(f"there is no folder {file.parent}", ExitCode.USAGE)
        with _new_database(file) as part:
            if settings.embedded is not None:
                with stored_exchange(settings):
                    _copy(settings.embedded, part, progress)
                report = _audit(settings, part, replay, progress)
                with closing(sqlite3.connect(part)) as copied:
                    copied.execute("PRAGMA journal_mode = DELETE")  # one file, no log beside it
            else:
                with stored_exchange(settings) as store:
                    _dump(settings, store, part)
                    report = audit_store(store, replay, progress)
            size = part.stat().st_size
        if report.ok:
            _note(settings.data_dir, file)
        return Written(size, report)


def restore(overrides: Overrides, file: Path, replay: bool, progress: Progress) -> Written:
    """Make the exchange of these settings from a back-up; there must be none yet.

    The schema of an older version is brought up to date. Raises OperateError.
    """
    with expected():
        settings = Settings.load(overrides)
        with file.open("rb") as opened:
            is_dump = opened.read(len(_DUMP_MAGIC)) == _DUMP_MAGIC
        if is_dump == (settings.embedded is not None):
            kind, other = ("PostgreSQL", "SQLite") if is_dump else ("SQLite", "PostgreSQL")
            message = f"{file} is no back-up of {other}: restore it into a database of {kind}"
            raise OperateError(message, ExitCode.USAGE)
        if settings.embedded is not None:
            report = _restore_file(settings, settings.embedded, file, replay, progress)
        else:
            report = _restore_dump(settings, file, replay, progress)
        return Written(file.stat().st_size, report)


@contextmanager
def _new_database(path: Path) -> Iterator[Path]:
    """Yield the draft of a database file; a failure leaves none of SQLite's files beside it."""
    with new_file(path) as draft:
        try:
            yield draft
        except BaseException:
            for end in ("-wal", "-shm"):
                draft.with_name(f"{draft.name}{end}").unlink(missing_ok=True)
            raise


def _copy(source: Path, target: Path, progress: Progress) -> None:
    """Copy one snapshot of a database: its transaction stays open, so no write restarts it."""
    target.touch(mode=0o600)
    with (
        closing(sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reading.backup(
            writing,
            pages=_PAGES,
            progress=lambda _status, left, of: progress("pages", of - left, of),
        )


def _audit(settings: Settings, file: Path, replay: bool, progress: Progress) -> AuditReport:
    copied = settings.model_copy(update={"database_url": SecretStr(f"sqlite:///{file}")})
    with stored_exchange(copied) as store:
        return audit_store(store, replay, progress)


def _restore_file(
    settings: Settings, path: Path, file: Path, replay: bool, progress: Progress
) -> AuditReport:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lead = leadership(settings.database, 0)
    lead.acquire()
    try:
        for there in (path, path.with_name(f"{path.name}-wal")):
            if there.exists():
                message = f"there is an exchange at {path}: move it away first"
                raise OperateError(message, ExitCode.USAGE)
        sqlite_file.require_ours(file, whole=True)
        with _new_database(path) as part:
            _copy(file, part, progress)
            migrations.upgrade(f"sqlite:///{part}")
            report = _audit(settings, part, replay, progress)
            if not report.ok:
                raise OperateError(_failed(report, file), ExitCode.REFUSED)
    finally:
        lead.release()
    return report


def _restore_dump(settings: Settings, file: Path, replay: bool, progress: Progress) -> AuditReport:
    engine = sync_engine(settings.database)
    try:
        with engine.connect() as connection:
            tables = connection.exec_driver_sql(_TABLES).scalar_one()
    finally:
        engine.dispose()
    if tables:
        message = f"{settings.shown_database} is not empty: restore into a new database"
        raise OperateError(message, ExitCode.USAGE)
    _run(
        settings, "pg_restore", "--no-owner", "--no-privileges", "--single-transaction",
        "--exit-on-error", f"--dbname={_database_name(settings)}", str(file),
    )  # fmt: skip
    migrations.upgrade(settings.database)
    with stored_exchange(settings) as store:
        report = audit_store(store, replay, progress)
    if not report.ok:
        raise OperateError(f"{_failed(report, file)}; drop the database", ExitCode.REFUSED)
    return report


def _dump(settings: Settings, store: Store, part: Path) -> None:
    """Dump the snapshot that ``store`` reads."""
    snapshot = str(store.read("SELECT pg_export_snapshot()")[0][0])
    _run(
        settings, "pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={part}",
        _database_name(settings),
    )  # fmt: skip


def _database_name(settings: Settings) -> str:
    """Return the name or the connection string of the database, without its password."""
    plain = normal_url(settings.database).set(drivername="postgresql", password=None)
    return plain.render_as_string(hide_password=False)


def _run(settings: Settings, program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL's. The password does not stand among its arguments."""
    if shutil.which(program) is None:
        message = (
            f"{program} is not on the PATH: install PostgreSQL's client programs, of the server's"
            " version or newer"
        )
        raise OperateError(message, ExitCode.USAGE)
    password = normal_url(settings.database).password
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    done = subprocess.run(
        [program, *arguments], env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise OperateError(f"{program} failed: {lines[0]}", ExitCode.UNAVAILABLE)


def _failed(report: AuditReport, file: Path) -> str:
    wrong = ", ".join(name for name, ok, _ in report.checks if not ok)
    return f"the audit of {file} does not hold ({wrong}); nothing was restored"


def _note(folder: Path, file: Path) -> None:
    """Note the time of a back-up, for doctor."""
    with suppress(OSError):  # the back-up is written; whether it is noted matters less
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / BACKUP_FILE).write_text(f"{file.resolve()}\n")
