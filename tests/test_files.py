"""Files that are written whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from predmarket.files import replace_file


def test_a_file_is_replaced_and_private(tmp_path: Path) -> None:
    """The new text is there, only its owner can read it, and no draft is left."""
    path = tmp_path / "session.json"
    path.write_text("old")
    path.chmod(0o644)
    replace_file(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["session.json"]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full: the old text stays, and no draft is left."""
    path = tmp_path / "session.json"
    path.write_text("old")

    def full(_handle: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        replace_file(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["session.json"]
