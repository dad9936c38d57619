"""Back-ups are complete, audited and overwrite nothing; exchanges are restored from them."""

import gzip
import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from predmarket.client import NewOrder
from predmarket.server.core import audit
from predmarket.server.core.stores.factory import open_snapshot, open_store
from predmarket.server.process import backup, doctor, start
from predmarket.server.process.operator_errors import OperateError
from predmarket.server.settings import BACKUP_FILE, Settings
from predmarket.server.storage import migrations
from predmarket.testing import Exchange
from tests.support.postgres import fresh_database, wheel_programs

OLD = Path(__file__).parents[1] / "storage" / "version_0_1_0" / "sqlite.sql.gz"


def quiet(_what: str, _done: int, _of: int) -> None:
    """Show no progress."""


def state_hash(url: str) -> str:
    """Return the hash of a stored exchange's state."""
    with open_snapshot(url) as store:
        return audit.state_hash(store)


def refused(act: Callable[[], object]) -> str:
    """Return the message of a refusal."""
    with pytest.raises(OperateError) as caught:
        act()
    return caught.value.message


@pytest.fixture
def given(tmp_path: Path, migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return settings of an exchange with history; PostgreSQL's programs are on the path."""
    monkeypatch.setenv("PATH", f"{wheel_programs()}{os.pathsep}{os.environ['PATH']}")
    settings = {"data_dir": str(tmp_path / "data"), "database_url": migrated_url}
    start.seed(settings, force=False)
    if (path := Settings.load(settings).embedded) is not None:
        path.chmod(0o600)
    return settings


def test_a_restored_exchange_is_the_same(
    given: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The restored state has the same hash, and both audits pass; doctor finds the back-up."""
    file = tmp_path / "monday.backup"
    written = backup.backup(given, file, True, quiet)
    assert written.report.ok
    assert len(written.report.checks) > 15
    assert written.size == file.stat().st_size > 1_000
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("monday")] == [
        file.name
    ]
    assert "exists already" in refused(lambda: backup.backup(given, file, False, quiet))
    found = next(c for c in doctor.examine(Settings.load(given)) if c.name == "back-up")
    assert (found.ok, found.detail) == (True, f"{file}, today")

    if given["database_url"].startswith("sqlite"):
        target = {"data_dir": str(tmp_path / "restored")}
        assert backup.restore(target, file, True, quiet).report.ok
    else:
        server = request.getfixturevalue("postgres_server_url")
        with fresh_database(server) as url:
            target = {"data_dir": str(tmp_path / "restored"), "database_url": url}
            assert backup.restore(target, file, True, quiet).report.ok
            assert state_hash(url) == state_hash(given["database_url"])
            assert "not empty" in refused(lambda: backup.restore(target, file, False, quiet))
        return
    assert list(tmp_path.glob("monday*")) == [file]
    restored = Settings.load(target).database
    assert state_hash(restored) == state_hash(given["database_url"])
    assert "move it away first" in refused(lambda: backup.restore(target, file, False, quiet))


def test_a_backup_while_it_trades(tmp_path: Path) -> None:
    """A back-up made during trading holds one moment, however much is written meanwhile."""
    with Exchange() as exchange:
        exchange.market("rain")
        exchange.deposit("ann", 100)
        ended, orders = threading.Event(), 0

        def trade() -> None:
            nonlocal orders
            client = exchange.client("ann")
            while not ended.is_set():
                client.place_order(NewOrder(market="rain", side="BUY", qty="1", price="0.01"))
                orders += 1

        trader = threading.Thread(target=trade)
        trader.start()
        try:
            files = [tmp_path / f"{number}.backup" for number in range(3)]
            for file in files:
                assert backup.backup(
                    {"data_dir": str(tmp_path), "database_url": exchange.database_url},
                    file, True, quiet,
                ).report.ok  # fmt: skip
        finally:
            ended.set()
            trader.join()
    counts = []
    for file in files:
        with closing(open_store(f"sqlite:///{file}")) as store:
            store.connect()
            counts.append(store.read("SELECT count(*) FROM orders")[0][0])
    assert counts == sorted(counts)
    assert counts[-1] <= orders + 1


def test_what_cannot_be_restored(tmp_path: Path, sqlite_template: Path) -> None:
    """A foreign or damaged file is not restored, nor one of another database or with wrong sums.

    Nothing is left behind.
    """
    target = {"data_dir": str(tmp_path / "new")}
    text, dump, torn = tmp_path / "text", tmp_path / "dump", tmp_path / "torn"
    text.write_text("no database")
    dump.write_bytes(b"PGDMP and so on")
    torn.write_bytes(sqlite_template.read_bytes()[:20_000])
    assert "not a database of predmarket" in refused(
        lambda: backup.restore(target, text, False, quiet)
    )
    assert "no back-up of SQLite" in refused(lambda: backup.restore(target, dump, False, quiet))
    assert "damaged" in refused(lambda: backup.restore(target, torn, False, quiet))
    assert "No such file" in refused(
        lambda: backup.restore(target, tmp_path / "none", False, quiet)
    )
    source = {"data_dir": str(tmp_path / "data")}
    start.seed(source, force=False)
    file = tmp_path / "file"
    backup.backup(source, file, False, quiet)
    with closing(open_store(f"sqlite:///{file}")) as store:
        store.connect()
        store.read("UPDATE accounts SET available = available + 1 RETURNING 1")
    assert "does not hold" in refused(lambda: backup.restore(target, file, False, quiet))
    left = {path.name for path in (tmp_path / "new").iterdir()}
    assert left <= {"predmarket.db.lock"}


def test_without_the_programs(
    tmp_path: Path, migrated_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without PostgreSQL's programs the error says what to install, and no file is left."""
    given = {"data_dir": str(tmp_path / "data"), "database_url": migrated_postgres_url}
    start.seed(given, force=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    file = tmp_path / "file"
    message = refused(lambda: backup.backup(given, file, False, quiet))
    assert message.startswith("pg_dump is not on the PATH: install PostgreSQL's client programs")
    assert not list(tmp_path.glob("file*"))


def test_doctor_warns_of_old_backups(tmp_path: Path) -> None:
    """doctor warns after a week without a back-up.

    The week counts from the last one or the exchange's start.
    """
    given = {"data_dir": str(tmp_path)}
    start.seed(given, force=False)

    def found() -> tuple[bool, str]:
        check = next(c for c in doctor.examine(Settings.load(given)) if c.name == "back-up")
        return check.ok, check.detail

    assert found() == (True, "none yet; the exchange began today")
    backup.backup(given, tmp_path / "file", False, quiet)
    week_ago = (tmp_path / BACKUP_FILE).stat().st_mtime - 7 * 86_400 - 60
    os.utime(tmp_path / BACKUP_FILE, (week_ago, week_ago))
    ok, said = found()
    assert not ok
    assert said.endswith("file, 7 days ago: run predmarket db backup")


def test_an_older_backup_is_brought_up_to_date(tmp_path: Path) -> None:
    """A back-up of an older version is upgraded at the restore; the file stays unchanged."""
    file = tmp_path / "file"
    with closing(sqlite3.connect(file)) as old:
        old.executescript(gzip.decompress(OLD.read_bytes()).decode())
    before = file.read_bytes()
    target = {"data_dir": str(tmp_path / "new")}
    assert backup.restore(target, file, False, quiet).report.ok
    assert migrations.current(Settings.load(target).database) == migrations.head()
    assert file.read_bytes() == before
