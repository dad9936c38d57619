"""An exchange in a thread with an event loop of its own."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import TypeVar

import uvloop

from predmarket.server.clock import clock_of
from predmarket.server.gateway.app import Application
from predmarket.server.process import runtime
from predmarket.server.settings import Settings
from predmarket.testing.serving import serving

T = TypeVar("T")

_STOP_S = 30.0


class ServerThread:
    """A node and its HTTP server; its attributes are there once ``start`` has returned."""

    node: runtime.Node
    app: Application
    url: str

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop
        self._ended: asyncio.Event
        self._ready: Future[None] = Future()
        # A daemon: a script that ends without closing the exchange must not hang.
        self._thread = threading.Thread(target=self._run, name="exchange", daemon=True)

    def start(self) -> None:
        """Start, and return when the exchange answers. Raises what ``runtime.node`` raises."""
        self._thread.start()
        self._ready.result()

    def stop(self) -> None:
        """Commit what was accepted, and end."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(_STOP_S)

    def do(self, work: Coroutine[object, object, T]) -> T:
        """Run ``work`` in the exchange's event loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                self._loop = runner.get_loop()
                runner.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        self._ended = asyncio.Event()
        clock = clock_of(self._settings.clock)
        async with (
            runtime.node(self._settings, 0, clock) as self.node,
            serving(self.node) as (self.url, self.app),
        ):
            self._ready.set_result(None)
            await self._ended.wait()
