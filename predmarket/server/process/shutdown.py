"""Shutdown: the signals, and the time limit of a stop.

The first SIGTERM or SIGINT stops the process gracefully. A start is given up; a running exchange
commits and answers the accepted commands. A second signal ends the wait for clients, but not the
wait for the core's commits. After LIMIT_S the process ends even if something hangs, since a thread
that waits for a database cannot be interrupted. No acknowledged command is lost.

The log has a line with the reason of the stop (a signal, the lost lead, an error), and one at its
end.
"""

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from predmarket.server.core.stores.base import Deposed
from predmarket.server.gateway.protocol.server import HttpServer

log = logging.getLogger(__name__)

LIMIT_S = 9.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Server(HttpServer):
    """The HTTP server without signal handlers; ``Stopping`` handles signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Stopping:
    """Turns signals into a graceful end of the task that makes it."""

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._server: Server | None = None
        self._bound: threading.Timer | None = None
        self._began = 0.0
        self.asked = False

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Handle signals until the process ends, even after the task; a late one does nothing."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.ask, number.name)
        try:
            yield
        finally:
            if self.asked:
                log.info("stopped", extra={"seconds": round(time.monotonic() - self._began, 3)})
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
                if self.asked:
                    signal.signal(number, signal.SIG_IGN)

    def serves(self, server: Server) -> None:
        """Make a signal end this server, and with it the task."""
        self._server = server

    def failed(self, error: BaseException | None) -> None:
        """Stop, because the exchange cannot go on."""
        why = "lease lost" if isinstance(error, Deposed) else "error"
        what = "" if error is None else f"{type(error).__name__}: {error}"
        log.error("stopping", extra={"why": why, "error": what})
        self._stop()

    def ask(self, why: str) -> None:
        """Stop; a second call stops sooner."""
        log.info("stopping at once" if self.asked else "stopping", extra={"why": why})
        self._stop()

    def _stop(self) -> None:
        server, again = self._server, self.asked
        self.asked = True
        self._began = self._began or time.monotonic()
        if self._bound is None:
            self._bound = threading.Timer(LIMIT_S, _give_up)
            self._bound.daemon = True
            self._bound.start()
        if server is None:
            if not again:
                self._task.cancel()
        elif again:
            server.force_exit = True
        else:
            server.should_exit = True


def _give_up() -> None:
    log.critical("not stopped within %s s, ending at once", LIMIT_S)
    logging.shutdown()
    os._exit(1)
