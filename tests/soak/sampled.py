"""The program with quick password hashes; at SIGUSR2 its exchange writes its number of tasks into
the file that FILE names, and its SQLite has a small cache."""

import asyncio
import os
import signal
from pathlib import Path
from unittest.mock import patch

from predmarket.server.gateway.app import Application, create_app
from predmarket.server.gateway.services import Services
from tests.support.program import run

FILE = "SOAK_SAMPLE"
_CACHE_KIB = 4_096
"""So small that SQLite's cache is full soon, and does not look like a leak."""


def sampled_app(services: Services) -> Application:
    """Return the exchange's application with the signal's handler installed."""
    loop, path = asyncio.get_running_loop(), Path(os.environ[FILE])
    loop.add_signal_handler(signal.SIGUSR2, lambda: _write(path))
    return create_app(services)


def _write(path: Path) -> None:
    aside = path.with_suffix(".new")
    aside.write_text(str(len(asyncio.all_tasks())))
    aside.rename(path)


if __name__ == "__main__":
    with (
        patch("predmarket.server.process.runtime.create_app", sampled_app),
        patch("predmarket.server.core.stores.sqlite.CACHE_KIB", _CACHE_KIB),
    ):
        run()
