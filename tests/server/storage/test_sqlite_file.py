"""A file that is no database of the exchange is refused, named and left unchanged."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from predmarket.server.process import maintenance, start
from predmarket.server.process.operator_errors import OperateError
from predmarket.server.storage.sqlite_file import require_ours


def refused(call: Callable[[], object]) -> OperateError:
    """Return the message of a call's refusal."""
    with pytest.raises(OperateError) as found:
        call()
    assert "\n" not in found.value.message
    return found.value


def foreign(path: Path) -> None:
    """Make another program's database, or one with Alembic's table too."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
    connection.execute("INSERT INTO alembic_version VALUES ('a1b2c3')")
    connection.execute("CREATE TABLE notes (text)")
    connection.commit()
    connection.close()


def text(path: Path) -> None:
    """Make a file that is no database."""
    path.write_text("shopping list\n")


@pytest.mark.parametrize("made", [foreign, text])
def test_a_foreign_file_is_left_as_it_is(tmp_path: Path, made: Callable[[Path], None]) -> None:
    """Every command leaves a foreign file unchanged, byte for byte."""
    path = tmp_path / "predmarket.db"
    made(path)
    before = path.read_bytes()
    given = {"data_dir": str(tmp_path), "port": "0"}
    for call in (
        lambda: start.serve(given, seed=False),
        lambda: start.seed(given, force=False),
        lambda: maintenance.set_role(given, "ann@example.com", "ADMIN"),
        lambda: maintenance.db_upgrade(given),
        lambda: maintenance.db_current(given),
        lambda: maintenance.audit(given, replay=False, progress=lambda *_: None),
    ):
        error = refused(call)
        assert (error.exit_code, str(path) in error.message) == (2, True)
    assert path.read_bytes() == before
    assert not (tmp_path / "predmarket.db-wal").exists()


def test_own_and_empty_files_are_accepted(tmp_path: Path, migrated_sqlite_url: str) -> None:
    """An own database, a missing file and an empty file are accepted."""
    require_ours(tmp_path / "predmarket.db", whole=True)
    require_ours(tmp_path / "none.db")
    (tmp_path / "empty.db").touch()
    require_ours(tmp_path / "empty.db")


@pytest.mark.parametrize("page", [0, 1, 5])
def test_flipped_bytes_are_found(tmp_path: Path, migrated_sqlite_url: str, page: int) -> None:
    """Flipped bytes in the list of tables or in a table's page are found."""
    path = tmp_path / "predmarket.db"
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[16:18], "big")
    first = page * size + (100 if page == 0 else 0)
    data[first : first + 12] = bytes(byte ^ 0xFF for byte in data[first : first + 12])
    if page == 0:
        data[size - 400 : size - 300] = b"\xe5" * 100
    path.write_bytes(data)
    error = refused(lambda: maintenance.db_current({"data_dir": str(tmp_path)}))
    assert error.exit_code == 1
    assert f"{path} is damaged (" in error.message
