"""The kill switches: each cancels everything it is for, and repeats until the exchange confirms it.

Promises: it uses its own connections, ahead of everything that waits; it waits for orders that were
in flight when it was pressed, and cancels them, too; without an answer it reports that, and repeats
until there is one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from predmarket.client import ApiError, ClientError
from predmarket.tui.state import formatting
from predmarket.tui.state.journal import Weight

RETRY_S = 2.0
AT_ONCE = 8
"""How many requests of one kill switch are under way together."""
UNDER_WAY_S = 11.0
"""An order that was under way cannot be placed after this: its deadline has passed by then."""


class KillSwitch:
    """Cancels everything it is for, once pressed, until the exchange confirms it.

    ``cancel`` sends the cancel and returns the number of ended orders; ``under_way`` returns the
    unanswered placements; ``name`` is what the screen calls it.
    """

    def __init__(
        self,
        cancel: Callable[[], Awaitable[int]],
        under_way: Callable[[], Collection["asyncio.Future[Any]"]],
        say: Callable[[str, Weight], None],
        name: str = "CANCEL ALL",
    ) -> None:
        self.name = name
        self._cancel = cancel
        self._under_way = under_way
        self._say = say
        self._again = asyncio.Event()
        self.unconfirmed = False
        """Whether it was pressed and the exchange has not confirmed yet that everything ended."""

    def retry(self) -> None:
        """Repeat at once, because the connection may be back."""
        self._again.set()

    async def press(self) -> int | None:
        """Cancel everything; return the number of orders that the exchange ended, None if it
        refused.

        Cancel this call before the switch is pressed again, so that it repeats at once.
        """
        self.unconfirmed = True
        self._say(f"{self.name} sent", Weight.WARNING)
        try:
            late = [*self._under_way()]
            count = await self._until_answered()
            if late:
                done, left = formatting.orders(count), formatting.orders(len(late))
                text = f"{self.name}: {done} cancelled; {left} still under way"
                self._say(text, Weight.WARNING)
                _, hung = await asyncio.wait(late, timeout=UNDER_WAY_S)
                for each in hung:
                    each.cancel()
                count += await self._until_answered()
        except ApiError as error:
            self.unconfirmed = False
            self._say(f"{self.name}: {error.message} ({error.code})", Weight.BAD)
            return None
        self.unconfirmed = False
        text = f"{self.name} acknowledged: {formatting.orders(count)} cancelled"
        self._say(text, Weight.WARNING)
        return count

    async def _until_answered(self) -> int:
        """Return the number of ended orders. Raises ApiError."""
        while True:
            self._again.clear()
            try:
                return await self._cancel()
            except ApiError as error:
                if error.status < 500 and error.status != 429:
                    raise
                reason = error.message
            except ClientError as error:
                reason = str(error)
            self._say(f"{self.name} UNCONFIRMED, asking again: {reason}", Weight.BAD)
            try:
                await asyncio.wait_for(self._again.wait(), RETRY_S)
            except TimeoutError:
                continue


class EventCancels:
    """Cancels all orders of the events whose kill is not confirmed, a few requests at a time.

    ``cancel`` sends the cancel of one event and returns the number of ended orders. Promise: an
    event is asked again until the exchange has confirmed it; the others are not held up by it.
    """

    def __init__(self, cancel: Callable[[int], Awaitable[int]]) -> None:
        self._cancel = cancel
        self._events: list[int] = []
        self._left: list[int] = []
        self._count = 0

    def aim(self, event: int, *, more: bool) -> None:
        """Cancel in this event from now on; with ``more`` also in those before."""
        kept = self._events if more else []
        self._events = [*dict.fromkeys((event, *kept))]
        self._left = [*self._events]
        self._count = 0

    async def cancel(self) -> int:
        """Cancel everywhere; return the number of ended orders. Raises ClientError."""
        left, self._left = self._left or [*self._events], []
        wrong: ClientError | None = None
        for at in range(0, len(left), AT_ONCE):
            some = left[at : at + AT_ONCE]
            answers = await asyncio.gather(*map(self._cancel, some), return_exceptions=True)
            for event, answer in zip(some, answers, strict=True):
                if isinstance(answer, int):
                    self._count += answer
                elif isinstance(answer, ClientError):
                    wrong = answer
                    self._left.append(event)
                else:
                    raise answer
        if wrong is not None:
            raise wrong
        count, self._count = self._count, 0
        return count
