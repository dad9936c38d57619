"""The way of log lines to stderr: a bounded queue, and a thread that writes.

The reader of stderr may be slow, or not read at all: a full pipe, a stopped terminal. Whoever logs
only appends to the queue, so the event loop never waits for that reader. Beyond MAX_WAITING
characters lines are dropped and counted; a line says so once the reader takes lines again.

``flush`` waits for FLUSH_S at the most, and not again before somebody reads. The thread writes to
the file descriptor: at its end Python waits for the locks of its own streams.
"""

import logging
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

MAX_WAITING = 1_048_576
"""Characters that wait. A line has some 250; as many again may be with the thread."""
FLUSH_S = 1.0
_PAUSE_S = 0.005
"""Between two writes: under load one write takes many lines, and few threads are woken."""


class LogQueue(logging.Handler):
    """A handler whose lines a thread writes to a stream."""

    def __init__(self, stream: TextIO, most: int = MAX_WAITING) -> None:
        super().__init__()
        self.dropped = 0
        """Lines dropped since the start."""
        self._write = _writer(stream)
        self._most = most
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        """Begin with nothing waiting; the child of a fork leaves the parent its lines."""
        self._waiting: deque[str] = deque()
        self._size = 0
        self._untold = 0
        self._changed = threading.Condition()  # a signal's handler may log amid a line
        self._thread: threading.Thread | None = None
        self._writing = self._unread = False

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line, or drop it."""
        try:
            line = f"{self.format(record)}\n"
        except Exception:  # noqa: BLE001 -- as every handler does
            self.handleError(record)
            return
        with self._changed:
            if self._size + len(line) > self._most:
                self.dropped += 1
                self._untold += 1
                return
            self._waiting.append(line)
            self._size += len(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
            elif not self._writing:
                self._changed.notify_all()

    def flush(self) -> None:
        """Wait until all lines are written, for FLUSH_S at the most."""
        with self._changed:
            limit_s = 0 if self._unread else FLUSH_S
            done = self._changed.wait_for(lambda: not (self._waiting or self._writing), limit_s)
            self._unread = not done

    def _run(self) -> None:
        """Write lines for ever."""
        while True:
            with self._changed:
                self._writing = self._unread = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting)
                self._writing = True
                lines, untold = self._waiting, self._untold
                self._waiting, self._size, self._untold = deque(), 0, 0
            text = "".join(lines)
            if untold:
                text += self._of_dropped(untold)
            try:
                self._write(text)
            except (OSError, ValueError):  # nobody reads any more
                with self._changed:
                    self.dropped += text.count("\n")
            time.sleep(_PAUSE_S)

    def _of_dropped(self, lines: int) -> str:
        facts = {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING"}
        record = logging.makeLogRecord({**facts, "msg": "log_lines_dropped", "lines": lines})
        return f"{self.format(record)}\n"


def dropped_lines() -> int:
    """Return how many lines this process has dropped."""
    handlers = logging.getLogger().handlers
    return sum(handler.dropped for handler in handlers if isinstance(handler, LogQueue))


def _writer(stream: TextIO) -> Callable[[str], None]:
    """Return the function that writes to a stream, past Python's buffers if it is a file."""
    try:
        fd = stream.fileno()
    except (OSError, ValueError):

        def write(text: str) -> None:
            stream.write(text)
            stream.flush()

        return write

    def write_to_file(text: str) -> None:
        data = memoryview(text.encode(stream.encoding or "utf-8", "backslashreplace"))
        while data:
            try:
                data = data[os.write(fd, data) :]
            except BlockingIOError:  # somebody made the file not block
                select.select((), (fd,), ())

    return write_to_file
