"""A server process that ends with the process that started it, even after a SIGKILL.

A shell starts the server and reads from a pipe that this process holds. A line on the pipe names
the signal that ends the server. When this process dies, the pipe closes: the shell ends the server
at once and removes its folder. So no test run leaves a server behind.
"""

import contextlib
import pwd
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import psutil

Signal = Literal["INT", "TERM", "QUIT", "KILL"]

_GUARD = """
folder=$1; shift
"$@" >&2 &
server=$!
echo $server
if read -r signal; then
    kill -"$signal" $server; wait $server
else
    # QUIT is PostgreSQL's immediate stop, and after it TERM changes nothing; Redis heeds TERM only
    kill -QUIT $server; kill -TERM $server; wait $server; cd /; rm -rf "$folder"
fi
"""


class Daemon:
    """One running server, its output appended to ``folder/log``."""

    def __init__(
        self, command: Sequence[str | Path], folder: Path, user: int | None = None
    ) -> None:
        """Start ``command`` in ``folder``, as ``user`` when one is given (only root may)."""
        with (folder / "log").open("ab") as log:
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, "guard", folder, *command],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # its own session: Ctrl-C at the terminal is for us, and we then stop it in order
                start_new_session=True,
                user=user,
                group=None if user is None else pwd.getpwuid(user).pw_gid,
                extra_groups=None if user is None else [],
            )
        assert self._guard.stdout is not None
        self.pid = int(self._guard.stdout.readline())
        self._guard.stdout.close()

    def alive(self) -> bool:
        """Tell whether the server runs. A dead one stays a zombie until the shell waits for it."""
        try:
            return bool(psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def stop(self, signal: Signal) -> None:
        """Send ``signal`` and return when the server has ended."""
        assert self._guard.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._guard.stdin.write(f"{signal}\n".encode())
            self._guard.stdin.close()
        self._guard.wait()
