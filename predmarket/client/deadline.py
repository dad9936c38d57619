"""A time limit for a whole call of the blocking client; the HTTP library only bounds each read."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Protocol

import httpx

_OPENED = (".connect_tcp.complete", ".start_tls.complete")
"""The ends of the names under which the library reports a connection that it will read from."""


class _Stream(Protocol):
    read: Callable[..., bytes]


class Deadline(threading.local):
    """The time until which the call of the present thread may wait for its answer.

    A connection serves one call at a time, and that call's thread reads from it.
    """

    until = inf

    @contextmanager
    def within(self, seconds: float | None) -> Iterator[None]:
        """Let what the thread reads take at most ``seconds`` in all; None sets no limit."""
        self.until = inf if seconds is None else time.monotonic() + seconds
        try:
            yield
        finally:
            self.until = inf

    def trace(self, name: str, info: dict[str, object]) -> None:
        """Bound the reads of a new connection; the HTTP library reports each of its steps here."""
        if name.endswith(_OPENED):
            self._bound(info["return_value"])  # type: ignore[arg-type]  # the library's stream

    def _bound(self, stream: _Stream) -> None:
        read = stream.read

        def bounded(max_bytes: int, timeout: float | None = None) -> bytes:
            left = self.until - time.monotonic()
            if left <= 0:
                raise httpx.ReadTimeout("the answer took too long")
            if left < (inf if timeout is None else timeout):
                timeout = left
            return read(max_bytes, timeout)

        stream.read = bounded
