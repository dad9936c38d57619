"""Runs work once for many requests that arrive while it runs."""

import asyncio
from collections.abc import Awaitable, Callable


class Coalesced:
    """Runs one piece of work at a time; if it is requested while it runs, it runs once more.

    ``work`` must handle its own errors: the event loop only reports an error of its task.
    """

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self._again = False

    @property
    def busy(self) -> bool:
        """Tell whether the work is running."""
        return self._task is not None and not self._task.done()

    def ask(self) -> None:
        """Request the work."""
        if self.busy:
            self._again = True
        else:
            self._task = asyncio.create_task(self._run())

    async def end(self) -> None:
        """Stop the work."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        self._again = True
        while self._again:
            self._again = False
            await self._work()
