"""The storage of tokens."""

import json
import os
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from predmarket.client import ConfigurationError, StoredSession, Unreachable
from predmarket.client.session import Tokens

TOKENS = Tokens("SECRET-a", "SECRET-r")
URL = "http://127.0.0.1:8000"


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's own keyring out of the tests."""
    monkeypatch.setitem(sys.modules, "keyring", None)


def test_a_session_survives_its_process(tmp_path: Path) -> None:
    """Each profile at each address has its own session."""
    StoredSession(tmp_path, "a", URL).keep(TOKENS)
    assert StoredSession(tmp_path, "a", URL).load() == TOKENS
    assert StoredSession(tmp_path, "b", URL).load() is None
    assert StoredSession(tmp_path, "a", "http://other").load() is None


def test_the_file_is_the_owners_alone(tmp_path: Path) -> None:
    """The file has mode 0600 under any umask, its folder 0700, and no temporary file remains."""
    folder = tmp_path / "made"
    before = os.umask(0)
    try:
        session = StoredSession(folder, "a", URL)
        with session.exclusively():
            session.keep(TOKENS)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {"session.json": 0o600, "session.lock": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_forgetting_one_leaves_the_others(tmp_path: Path) -> None:
    """Logging out of one profile keeps the other sessions."""
    StoredSession(tmp_path, "a", URL).keep(TOKENS)
    StoredSession(tmp_path, "b", URL).keep(TOKENS)
    StoredSession(tmp_path, "a", URL).forget()
    assert StoredSession(tmp_path, "a", URL).load() is None
    assert StoredSession(tmp_path, "b", URL).load() == TOKENS
    assert "SECRET" not in repr(TOKENS)


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 3_000, "[]", '{"sessions": [1]}', '{"sessions": {"a": "SECRET"}}']
)
def test_a_damaged_file_is_named_and_not_quoted(tmp_path: Path, text: str) -> None:
    """The error says what to do and shows none of the file's contents."""
    (tmp_path / "session.json").write_text(text)
    with pytest.raises(ConfigurationError, match=r"session\.json") as caught:
        StoredSession(tmp_path, "a", URL).load()
    assert "SECRET" not in str(caught.value)


def test_a_lock_that_another_keeps(tmp_path: Path) -> None:
    """A lock held by another process, perhaps a stopped one, raises after the time limit."""
    with StoredSession(tmp_path, "a", URL).exclusively():
        waits = StoredSession(tmp_path, "b", URL, lock_s=0.01)
        kept = rf"process {os.getpid()} has kept .*session\.lock locked for 0\.01 s"
        with pytest.raises(Unreachable, match=kept), waits.exclusively():
            pass
    with waits.exclusively():
        pass


def test_what_is_waited_for_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait for the lock gives one message, after a while."""
    monkeypatch.setattr("predmarket.client.session.SILENT_S", 0.0)
    monkeypatch.setattr("predmarket.client.session.POLL_S", 0.001)
    said: list[str] = []
    waits = StoredSession(tmp_path, "a", URL, lock_s=0.05, waiting=said.append)
    with StoredSession(tmp_path, "a", URL).exclusively(), pytest.raises(Unreachable):
        waits.exclusively().__enter__()
    assert said == [f"waiting for process {os.getpid()}, which has locked {tmp_path}/session.lock"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file in the folder's place gives one clear error."""
    (tmp_path / "file").write_text("")
    session = StoredSession(tmp_path / "file" / "folder", "a", URL)
    with pytest.raises(ConfigurationError, match="cannot"), session.exclusively():
        pass


class Ring:
    """A keyring in memory, or one that discards everything."""

    def __init__(self, *, works: bool) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self._works = works

    def set_password(self, service: str, name: str, secret: str) -> None:
        if self._works:
            self.kept[service, name] = secret

    def get_password(self, service: str, name: str) -> str | None:
        return self.kept.get((service, name))

    def delete_password(self, service: str, name: str) -> None:
        del self.kept[service, name]


def test_a_keyring_holds_the_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a keyring the file only names it."""
    ring = Ring(works=True)
    monkeypatch.setitem(sys.modules, "keyring", ring)
    session = StoredSession(tmp_path, "a", URL)
    session.keep(TOKENS)
    assert session.load() == TOKENS
    assert "SECRET" not in (tmp_path / "session.json").read_text()
    session.forget()
    assert not ring.kept


def test_a_keyring_that_keeps_nothing_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The null back end, which stores nothing, is not used."""
    monkeypatch.setitem(sys.modules, "keyring", Ring(works=False))
    session = StoredSession(tmp_path, "a", URL)
    session.keep(TOKENS)
    assert session.load() == TOKENS


def test_a_kept_file_session_does_not_import_the_keyring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stored file session does not import the keyring, which is slow to load."""
    session = StoredSession(tmp_path, "a", URL)
    session.keep(TOKENS)
    used = SimpleNamespace(set_password=lambda *_: pytest.fail("the keyring was used"))
    monkeypatch.setitem(sys.modules, "keyring", used)
    session.keep(Tokens("SECRET-b", "SECRET-s"))
    entry = json.loads((tmp_path / "session.json").read_text())["sessions"][f"a {URL}"]
    assert entry == {"accessToken": "SECRET-b", "refreshToken": "SECRET-s"}
