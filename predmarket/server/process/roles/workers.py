"""``--workers N``: gateways that share one port, and with role ``all`` a core beside them.

The parent process opens the port and watches the others: it forks them, restarts one that dies,
passes SIGTERM and SIGINT on, and ends when all have ended. It never runs an event loop and holds no
connection, so forking is safe at any time. If the parent is killed, the others notice by a pipe and
stop.

If one cannot start because of its configuration (exit code 2), all stop. The same holds if it
cannot reach its database at its first start (3), as for a single process.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType

from predmarket.exit_codes import ExitCode

log = logging.getLogger(__name__)

AGAIN_S = 1.0
"""The pause before a dead process is started again, so that one that dies at once does not spin."""
LIMIT_S = 11
"""Processes that have not stopped after this time are killed. Their own limit is shorter."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

Job = Callable[[], int]
"""The work of a process; returns its exit code."""


class Workers:
    """The processes under one parent, by their names."""

    def __init__(self, jobs: Mapping[str, Job]) -> None:
        self._jobs = jobs
        self._names: dict[int, str] = {}
        self._started: dict[str, int] = {}
        self._alive, self._lifeline = os.pipe()
        self._stopping = False
        self._began = 0.0
        self._code = 0

    def run(self) -> int:
        """Run all processes until the stop; return the exit code."""
        for number in _SIGNALS:
            signal.signal(number, self._heed)
        signal.signal(signal.SIGALRM, self._give_up)
        for name in self._jobs:
            self._start(name)
        while self._names:
            pid, status = os.waitpid(-1, 0)
            if pid in self._names:
                self._ended(self._names.pop(pid), os.waitstatus_to_exitcode(status))
        signal.alarm(0)
        if self._stopping and self._began:
            log.info("stopped", extra={"seconds": round(time.monotonic() - self._began, 3)})
        return self._code if self._code >= 0 else 1  # negative: by a signal

    def once(self) -> int:
        """Run all processes to their end, without restarts; return the exit code."""
        self._stopping = True
        return self.run()

    def _start(self, name: str) -> None:
        """Fork one process. Signals are blocked, so that none meets our handlers in the child."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._started[name] = self._started.get(name, 0) + 1
        pid = os.fork()
        if pid == 0:
            self._become(name)
        self._names[pid] = name
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _become(self, name: str) -> None:
        """Run as the child, and exit with it."""
        code = 1
        try:
            for number in (*_SIGNALS, signal.SIGALRM):
                signal.signal(number, signal.SIG_DFL)
            os.setpgrp()  # Ctrl-C at the terminal reaches the parent, which passes it on once
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            os.close(self._lifeline)
            threading.Thread(target=_outlive_nobody, args=(self._alive,), daemon=True).start()
            code = self._jobs[name]()
        except BaseException:
            log.critical("%s failed", name, exc_info=True)
        finally:
            logging.shutdown()
            sys.stderr.flush()
            os._exit(code)

    def _ended(self, name: str, code: int) -> None:
        """Handle the end of a process; restart it unless all are to stop."""
        if self._stopping:
            if -code not in _SIGNALS:  # else it was stopped before it had begun
                self._code = self._code or code
            return
        first = self._started[name] == 1
        hopeless = code == ExitCode.USAGE or (first and code == ExitCode.UNAVAILABLE)
        if hopeless:
            self._code = code
            self._stop(signal.SIGTERM, f"{name} cannot be started")
            return
        log.error("%s has ended (%s) and is started again", name, code)
        time.sleep(AGAIN_S)  # a signal is handled, and the sleep goes on: hence the check below
        if not self._stopping:
            self._start(name)

    def _heed(self, number: int, _frame: FrameType | None) -> None:
        self._stop(signal.Signals(number), signal.Signals(number).name)

    def _stop(self, number: signal.Signals, why: str) -> None:
        """Pass a signal on. The first one starts the time limit of the stop."""
        if not self._began:
            log.info("stopping", extra={"why": why})
            self._began = time.monotonic()
            self._stopping = True
            signal.alarm(LIMIT_S)
        self._tell(number)

    def _give_up(self, _number: int, _frame: FrameType | None) -> None:
        log.critical("not stopped within %s s: killed", LIMIT_S)
        self._code = 1
        self._tell(signal.SIGKILL)

    def _tell(self, number: signal.Signals) -> None:
        for pid in [*self._names]:
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, number)


def _outlive_nobody(alive: int) -> None:
    """Stop this process when the pipe's other end, and so its parent, is gone."""
    while os.read(alive, 1):
        pass
    log.error("the supervising process has ended")
    os.kill(os.getpid(), signal.SIGTERM)
