"""Processes forked from one that has already imported the exchange.

The imports take longer than a start. The process that is forked from only imports; it ends with the
process that uses it.
"""

import fcntl
import gc
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Protocol

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "pytest", "hypothesis.stateful", "predmarket.cli.app", "predmarket.cli.bot",
        "predmarket.cli.server_admin", "predmarket.cli.watch", "predmarket.bots.runner",
        "predmarket.client.async_client", "predmarket.client.feed",
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
        """Return the exit code, or None while the process runs."""
        with _LOCK:
            return self._process.exitcode

    def wait(self, timeout_s: float | None = None) -> int:
        """Return the exit code once the process has ended. Raises subprocess.TimeoutExpired."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(self._process.name, timeout_s or 0)
            time.sleep(_POLL_S)
        return code

    def send_signal(self, number: int) -> None:
        """Send the process a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process at once."""
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


class Handed:
    """A file descriptor passed to a forked process, which gives it a number of its own."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __reduce__(self) -> tuple[Callable[..., int], tuple[object]]:
        return _taken, (DupFd(self._number),)


class _Duplicate(Protocol):
    """A descriptor as multiprocessing duplicates it."""

    def detach(self) -> int:
        """Return the descriptor's number in this process."""


def _taken(duplicate: _Duplicate) -> int:
    return duplicate.detach()


def command(
    words: Sequence[str],
    environment: Mapping[str, str],
    streams: tuple[int, int, int],
    *,
    terminal: bool = False,
) -> Forked:
    """Start a command line with these descriptors as stdin, stdout and stderr.

    ``terminal``: they are a terminal, and its keys are for this process.
    """
    handed = [Handed(stream) for stream in streams]
    return Forked(_run_command, [*words], {**environment}, handed, terminal)


def piped(words: Sequence[str], environment: Mapping[str, str]) -> tuple[Forked, int, int]:
    """Start a command line without input; return it and the read ends of its two output pipes."""
    (out, its_out), (err, its_err) = os.pipe(), os.pipe()
    with open(os.devnull) as nothing:
        process = command(words, environment, (nothing.fileno(), its_out, its_err))
    os.close(its_out)
    os.close(its_err)
    return process, out, err


class PipedCommand:
    """A command line whose output comes through pipes, with the interface of a text ``Popen``."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self._process, out, err = piped(words, environment)
        self.stdout, self.stderr = os.fdopen(out), os.fdopen(err)
        self.send_signal = self._process.send_signal
        self.returncode: int | None = None

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Wait for the end; return the remaining output. Raises TimeoutExpired."""
        with ThreadPoolExecutor(1) as pool:
            try:
                rest = pool.submit(self.stdout.read)
                self.returncode = self._process.wait(timeout)
            finally:
                self._process.kill()
            with self.stdout, self.stderr:
                return rest.result(), self.stderr.read()


def _run_command(
    words: list[str], environment: dict[str, str], streams: list[int], terminal: bool
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    gc.freeze()
    if terminal:
        os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", buffering=_buffering(1), closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False, errors="backslashreplace")
    sys.argv = ["predmarket", *words]
    runpy.run_module("predmarket.cli", run_name="__main__", alter_sys=True)


def _buffering(output: int) -> int:
    """Return Python's own buffering for an output: by lines on a terminal."""
    return 1 if os.isatty(output) else -1


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
