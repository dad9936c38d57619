"""Sessions: tokens in memory, or stored between runs for each profile and address.

Stored sessions are in one file with mode 0600, which is replaced as a whole, so that no reader sees
half of it. If a usable keyring is installed, it holds the tokens and the file only refers to it.
The keyring is imported only then, because the import is slow.

A refresh token that is used again after a minute looks stolen, and the exchange revokes the
session. So a refresh first takes `exclusively()` and checks whether another process has refreshed.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from predmarket.client.errors import ConfigurationError, Unreachable
from predmarket.files import replace_file

_KEYRING_SERVICE = "predmarket"
SILENT_S = 1.0
"""A longer wait for another program's lock is told to ``waiting``."""
POLL_S = 0.05
"""The pause between two tries to take the lock."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """One session's tokens. The repr hides them, so that no log or traceback shows them."""

    access: str
    refresh: str

    def __repr__(self) -> str:
        return "Tokens(…)"


class Session:
    """Tokens held in memory, for programs that log in at each start."""

    waits: ClassVar[bool] = False
    """Whether load, keep and forget wait for a disk or a keyring. ``exclusively()`` always may."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens
        self._lock = threading.Lock()

    def load(self) -> Tokens | None:
        """Return the current tokens, None when logged out."""
        return self._tokens

    def keep(self, tokens: Tokens) -> None:
        """Replace the tokens. The caller holds ``exclusively()``."""
        self._tokens = tokens

    def forget(self) -> None:
        """Drop the tokens. The caller holds ``exclusively()``."""
        self._tokens = None

    def exclusively(self) -> AbstractContextManager[object]:
        """Lock this session against changes by others."""
        return self._lock


class StoredSession(Session):
    """The session of one profile at one address, stored in the configuration folder."""

    waits = True

    def __init__(
        self,
        folder: Path,
        profile: str,
        url: str,
        *,
        lock_s: float = 10.0,
        waiting: Callable[[str], None] | None = None,
    ) -> None:
        """Prepare a session. ``lock_s`` bounds the wait for another program's lock. If the wait
        takes more than a second, ``waiting`` is called once with a description.
        """
        super().__init__()
        self._folder = folder
        self._key = f"{profile} {url}"
        self._lock_s = lock_s
        self._waiting = waiting

    def load(self) -> Tokens | None:
        """Read the tokens again. Raises ConfigurationError if the file is unreadable."""
        entry = self._read().get(self._key)
        if entry is None:
            return None
        if entry.get("keyring"):
            entry = _from_keyring(self._key)
        access, refresh = entry.get("accessToken"), entry.get("refreshToken")
        return Tokens(access, refresh) if access and refresh else None

    def keep(self, tokens: Tokens) -> None:
        entry = {"accessToken": tokens.access, "refreshToken": tokens.refresh}
        entries = self._read()
        known = entries.get(self._key)
        # a session that began in the file stays there, because the keyring is slow
        to_keyring = known is None or known.get("keyring")
        in_keyring = to_keyring and _to_keyring(self._key, entry)
        entries[self._key] = {"keyring": True} if in_keyring else entry
        self._write(entries)

    def forget(self) -> None:
        entries = self._read()
        entry = entries.pop(self._key, None)
        if entry is None:
            return
        if entry.get("keyring"):
            _drop_from_keyring(self._key)
        self._write(entries)

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Lock the sessions of this folder against changes by others. Raises ConfigurationError,
        and Unreachable if another program keeps the lock, perhaps because it is stopped.
        """
        _make_folder(self._folder)
        path = self._folder / "session.lock"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
        try:
            self._lock_file(handle, path)
            yield
        finally:
            os.close(handle)

    def _lock_file(self, handle: int, path: Path) -> None:
        began, told = time.monotonic(), False
        while not _try_to_lock(handle):
            waited = time.monotonic() - began
            holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
            named = f"process {holder}" if holder.isdigit() else "another program"
            if waited > self._lock_s:
                raise Unreachable(
                    f"{named} has kept {path} locked for {self._lock_s:g} s; is it stopped?"
                )
            if waited > SILENT_S and not told and self._waiting is not None:
                told = True
                self._waiting(f"waiting for {named}, which has locked {path}")
            time.sleep(POLL_S)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)

    @property
    def _path(self) -> Path:
        return self._folder / "session.json"

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"cannot read {self._path}: {error}") from error
        try:
            sessions = json.loads(text)["sessions"]
            if not all(isinstance(entry, dict) for entry in sessions.values()):
                raise TypeError
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # the text holds tokens, so the message must not quote it
            raise ConfigurationError(f"{self._path} is damaged; remove it and log in") from None
        return dict(sessions)

    def _write(self, entries: dict[str, dict[str, Any]]) -> None:
        _make_folder(self._folder)
        _replace(self._path, json.dumps({"sessions": entries}, indent=1))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"cannot make {folder}: {error.strerror}") from error


def _replace(path: Path, text: str) -> None:
    try:
        replace_file(path, text)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error


if sys.platform == "win32":

    def _try_to_lock(handle: int) -> bool:
        import msvcrt  # noqa: PLC0415  (Windows alone has it)

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _try_to_lock(handle: int) -> bool:
        import fcntl  # noqa: PLC0415  (Windows has none)

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _from_keyring(key: str) -> dict[str, Any]:
    text = _quietly(lambda keyring: keyring.get_password(_KEYRING_SERVICE, key))
    if not isinstance(text, str):
        return {}
    try:
        entry = json.loads(text)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _to_keyring(key: str, entry: dict[str, str]) -> bool:
    """Store ``entry``; tell whether it can be read back, because some back ends lose it."""
    text = json.dumps(entry)
    _quietly(lambda keyring: keyring.set_password(_KEYRING_SERVICE, key, text))
    return _from_keyring(key) == entry


def _drop_from_keyring(key: str) -> None:
    _quietly(lambda keyring: keyring.delete_password(_KEYRING_SERVICE, key))


def _quietly(use: Callable[[Any], object]) -> object:
    """Apply ``use`` to the keyring module; None if there is none or it fails."""
    try:
        import keyring  # noqa: PLC0415  (slow, and optional)

        return use(keyring)
    except Exception:  # noqa: BLE001  back ends raise any exception of their platform
        return None
