"""Work that is cancelled at its n-th await, so that a test can try every await in turn."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any


class CancelledAt:
    """Awaits ``work``, and cancels its task at the ``at``-th wait."""

    def __init__(self, work: Coroutine[Any, Any, None], at: int) -> None:
        self._work = work
        self._at = at
        self.waits = 0
        """The number of waits so far."""
        self.over = False
        self._told = asyncio.Event()

    async def reach(self, waits: int) -> bool:
        """Return True once ``work`` waits for the ``waits``-th time, False if it ends before."""
        while self.waits < waits and not self.over:
            self._told.clear()
            await self._told.wait()
        return not self.over

    def __await__(self) -> Generator[Any, None, None]:
        try:
            yield from self._steps()
        finally:
            self.over = True
            self._told.set()

    def _steps(self) -> Generator[Any, None, None]:
        steps = self._work.__await__()
        go_on: Callable[[], Any] = steps.__next__
        while True:
            try:
                awaited = go_on()
            except StopIteration:
                return
            self.waits += 1
            self._told.set()
            if self.waits == self._at:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                yield awaited
                go_on = steps.__next__
            except BaseException as error:  # noqa: BLE001 -- the work's, whatever it is
                go_on = _raising(steps, error)


def _raising(steps: Generator[Any, Any, None], error: BaseException) -> Callable[[], Any]:
    return lambda: steps.throw(error)
