"""Files that are written completely or not at all."""

import os
import stat
from pathlib import Path

import pytest

from predmarket.files import new_file, new_folder, replace_file


def test_a_file_is_replaced_and_private(tmp_path: Path) -> None:
    """A written file has the new text, only its owner can read it, and no draft remains."""
    path = tmp_path / "session.json"
    path.write_text("old")
    path.chmod(0o644)
    replace_file(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["session.json"]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the old text stays and no draft remains."""
    path = tmp_path / "session.json"
    path.write_text("old")

    def full(_handle: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        replace_file(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["session.json"]


def write_new(path: Path, *, fails: bool = False, meanwhile: str | None = None) -> None:
    """Write a new file, with an optional failure or a competing writer."""
    with new_file(path) as draft:
        draft.write_text("mine")
        if meanwhile is not None:
            path.write_text(meanwhile)
        if fails:
            raise ZeroDivisionError


def fill_new(path: Path, *, fails: bool = False) -> None:
    """Fill a new folder, with an optional failure."""
    with new_folder(path):
        (path / "part").touch()
        if fails:
            raise ZeroDivisionError


def test_a_new_file_is_whole_and_overwrites_nothing(tmp_path: Path) -> None:
    """A failed write leaves no file, and an existing or competing file is kept."""
    path = tmp_path / "day.csv"
    with pytest.raises(ZeroDivisionError):
        write_new(path, fails=True)
    assert os.listdir(tmp_path) == []
    with pytest.raises(FileExistsError, match="exists already"):
        write_new(path, meanwhile="another's")
    with pytest.raises(FileExistsError, match="exists already"):
        write_new(path)
    assert (path.read_text(), os.listdir(tmp_path)) == ("another's", ["day.csv"])
    path.unlink()
    write_new(path)
    assert (path.read_text(), os.listdir(tmp_path)) == ("mine", ["day.csv"])


def test_a_new_folder_is_filled_or_gone(tmp_path: Path) -> None:
    """An empty folder may exist; one that holds something is not changed."""
    path = tmp_path / "out"
    with pytest.raises(ZeroDivisionError):
        fill_new(path, fails=True)
    assert not path.exists()
    path.mkdir()
    fill_new(path)
    with pytest.raises(FileExistsError, match="not an empty folder"):
        fill_new(path, fails=True)
    assert os.listdir(path) == ["part"]
