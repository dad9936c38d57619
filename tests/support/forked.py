"""Processes forked from one that has already imported the exchange.

The imports take longer than a start. The process that is forked from only imports; it ends with the
process that uses it.
"""

import gc
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "pytest", "hypothesis.stateful", "predmarket.cli.server_admin",
        "predmarket.server.process.start", "predmarket.server.process.roles.core",
        "predmarket.server.process.roles.gateway",
    ]
)  # fmt: skip
_LOCK = threading.Lock()
_POLL_S = 0.005


class Forked:
    """A running process, with the interface of ``subprocess.Popen``."""

    def __init__(self, target: Callable[..., None], *arguments: object) -> None:
        """Run ``target``, a function of a module, which may end by SystemExit."""
        self._process = _CONTEXT.Process(target=target, args=arguments, daemon=True)
        with _LOCK:  # a start polls all other processes, and only the first poll sees an end
            self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """Return its exit code, None while it runs."""
        with _LOCK:
            return self._process.exitcode

    def wait(self, timeout_s: float | None = None) -> int:
        """Return its exit code once it has ended. Raises subprocess.TimeoutExpired."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(self._process.name, timeout_s or 0)
            time.sleep(_POLL_S)
        return code

    def send_signal(self, number: int) -> None:
        """Signal it, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def run_program(
    program: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
) -> None:
    """Run a program as ``python -m`` does, with its arguments, variables, folder and output."""
    os.environ.clear()
    os.environ.update(environment)
    enter(folder, log)
    sys.argv = [program, *arguments]
    runpy.run_module(program, run_name="__main__", alter_sys=True)


def enter(folder: Path, log: Path) -> None:
    """Go on in a folder, with all output appended to a file.

    What was imported before the fork stays: to search it for garbage would find nothing, and would
    copy every page of it.
    """
    gc.freeze()
    os.chdir(folder)
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for output in (1, 2):
        os.dup2(file, output)
    os.close(file)
