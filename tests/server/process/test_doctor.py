"""`doctor` finds every fault, and none on a fresh machine with a good database."""

import resource
import shutil
import socket
from collections import namedtuple
from pathlib import Path

import pytest

from predmarket.server.process import doctor, maintenance
from predmarket.server.settings import SECRET_FILE

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def given(tmp_path: Path) -> dict[str, str]:
    """Return settings of an exchange that has not been started."""
    return {"data_dir": str(tmp_path / "data"), "port": "0"}


def wrong(given: dict[str, str]) -> dict[str, str]:
    """Return the message about each fault."""
    return {name: detail for name, ok, detail in maintenance.doctor(given) if not ok}


def test_nothing_is_wrong_with_a_fresh_machine(given: dict[str, str], tmp_path: Path) -> None:
    """A fresh machine has no fault, and the examination creates no file."""
    assert wrong(given) == {}
    assert not (tmp_path / "data").exists()


def test_a_good_database(given: dict[str, str], tmp_path: Path, sqlite_template: Path) -> None:
    """A good database is complete, durable, private to its owner and of this version's schema.

    Its clock agrees.
    """
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    shutil.copy(sqlite_template, folder / "predmarket.db")
    (folder / "predmarket.db").chmod(0o600)
    (folder / SECRET_FILE).touch(mode=0o600)
    assert wrong(given) == {}
    seen = {name for name, _, _ in maintenance.doctor(given)}
    assert {"database", "schema", "durability", "clock", "port", "disk", "secret"} <= seen
    assert "admins" not in seen
    found = wrong({**given, "resolve_by_two": "on"})
    assert found["admins"].startswith("0 may act: RESOLVE_BY_TWO is on")
    for name in ("predmarket.db", SECRET_FILE):
        (folder / name).chmod(0o644)
    found = wrong(given)
    assert "mode is 0644" in found["database"]
    assert "mode is 0644" in found["secret"]
    folder.chmod(0o777)
    assert "others may" in wrong(given)["data folder"]


def test_files_that_are_no_database(given: dict[str, str], tmp_path: Path) -> None:
    """A file that is no database is named and left unchanged."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "predmarket.db").write_text("shopping list")
    (folder / "predmarket.db").chmod(0o600)
    assert "is not a database of predmarket" in wrong(given)["database"]
    away = {**given, "database_url": "postgresql://nobody@127.0.0.1:1/x"}
    assert wrong(away)["database"]


def test_faults_of_the_machine(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """doctor names missing space, descriptors, a free port, Redis, and a secret beyond loopback."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1, 1, 9 * 1024**2))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 4096))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(doctor, "ANSWER_S", 0.05)
        port = taken.getsockname()[1]
        found = wrong({**given, "port": str(port), "redis_url": "redis://127.0.0.1:1"})
    assert found["disk"].startswith("9 MiB are free")
    assert found["descriptors"].startswith("256 may be open")
    assert f"port {port} is in use" in found["port"]
    assert found["redis"].startswith("redis://127.0.0.1:1")
    assert "JWT_SECRET" in wrong({**given, "host": "0.0.0.0"})["secret"]
