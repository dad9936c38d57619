"""Files that are written whole or not at all."""

import os
from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Make ``text`` the file's content; it is the old one or the new one, never a part.

    The file is readable by its owner only; its folder must be there. Raises OSError.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
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
