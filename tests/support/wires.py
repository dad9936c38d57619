"""Every connection of a fleet goes through a cutter, in a thread of its own, and can be cut."""

import asyncio
import contextlib
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.cutter import Cutter


class Wires:
    """Cutters by name. All calls from other threads than the wires' own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._stack = contextlib.AsyncExitStack()
        self._cutters: dict[str, Cutter] = {}

    @property
    def names(self) -> list[str]:
        """Return the names of all wires."""
        return [*self._cutters]

    def add(self, name: str, target: str, at: Path | None = None) -> str:
        """Start a wire to a URL, or to a socket from the socket ``at``; return its URL."""
        cutter = Cutter(target, at)

        async def lay() -> None:
            await self._stack.enter_async_context(cutter)

        asyncio.run_coroutine_threadsafe(lay(), self._loop).result()
        self._cutters[name] = cutter
        return cutter.url

    def cut(self, name: str) -> None:
        """Cut every connection on a wire; new ones are forwarded."""
        self._loop.call_soon_threadsafe(self._cutters[name].cut)

    def __enter__(self) -> Self:
        """Begin to forward."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cut every connection and forward no more."""
        asyncio.run_coroutine_threadsafe(self._stack.aclose(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        left = asyncio.all_tasks(self._loop)  # connections whose end nobody has noticed yet
        for task in left:
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.wait(left))
        self._loop.close()
