"""Files and folders that are written whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Make ``text`` the file's content; it is the old one or the new one, never a part.

    The file is readable by its owner only; its folder must be there. Raises OSError.
    """
    draft = _draft_of(path)
    try:
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a draft, which at the end becomes the file, or is removed after a failure.

    Nothing is overwritten. Raises FileExistsError, OSError.
    """
    draft = _draft_of(path)
    _require_new(path)
    draft.unlink(missing_ok=True)
    try:
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        _require_new(path)
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def new_folder(path: Path) -> Iterator[None]:
    """Make a folder, private to its owner; after a failure remove it with all that is in it.

    An empty folder may be there. Raises FileExistsError for any other, OSError.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise FileExistsError(f"{path} is not an empty folder: give a new one")
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        yield
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _require_new(path: Path) -> None:
    if path.exists():
        raise FileExistsError(f"{path} exists already: give another name")


def _draft_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")
