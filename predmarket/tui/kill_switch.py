"""The kill switch: cancels everything, and repeats until the exchange confirms it.

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
UNDER_WAY_S = 11.0
"""An order that was under way cannot be placed after this: its deadline has passed by then."""


class KillSwitch:
    """Cancels everything, once pressed, until the exchange confirms it.

    ``cancel`` sends the cancel and returns the number of ended orders; ``under_way`` returns the
    unanswered placements.
    """

    def __init__(
        self,
        cancel: Callable[[], Awaitable[int]],
        under_way: Callable[[], Collection["asyncio.Future[Any]"]],
        say: Callable[[str, Weight], None],
    ) -> None:
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
        self._say("CANCEL ALL sent", Weight.WARNING)
        try:
            late = [*self._under_way()]
            count = await self._until_answered()
            if late:
                done, left = formatting.orders(count), formatting.orders(len(late))
                self._say(f"CANCEL ALL: {done} cancelled; {left} still under way", Weight.WARNING)
                _, hung = await asyncio.wait(late, timeout=UNDER_WAY_S)
                for each in hung:
                    each.cancel()
                count += await self._until_answered()
        except ApiError as error:
            self.unconfirmed = False
            self._say(f"CANCEL ALL: {error.message} ({error.code})", Weight.BAD)
            return None
        self.unconfirmed = False
        self._say(f"CANCEL ALL acknowledged: {formatting.orders(count)} cancelled", Weight.WARNING)
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
            self._say(f"CANCEL ALL UNCONFIRMED, asking again: {reason}", Weight.BAD)
            try:
                await asyncio.wait_for(self._again.wait(), RETRY_S)
            except TimeoutError:
                continue
