"""Paged lists of the exchange, loaded as far as the trader scrolls.

Promises: one page at a time; at most MOST rows are kept, and ``full`` tells whether there are more.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from predmarket.client.calls import Call
from predmarket.client.response_types import Page

Item = TypeVar("Item")

MOST = 10_000


class Pages(Generic[Item]):
    """What ``first`` and the pages behind it answer; ``version`` moves with ``items``."""

    def __init__(self, first: Call[Page[Item]]) -> None:
        self.items: list[Item] = []
        self.version = 0
        self._first = first
        self._next: Call[Page[Item]] | None = first
        self._busy = False

    @property
    def ended(self) -> bool:
        """Tell whether there is no further page."""
        return self._next is None

    @property
    def full(self) -> bool:
        """Tell whether there are more rows than are kept."""
        return not self.ended and len(self.items) >= MOST

    def restart(self) -> None:
        """Begin again: the next page is the first one and replaces all rows."""
        self._next = self._first

    def change(self, item: Item, same: Callable[[Item], bool]) -> None:
        """Replace the row for which ``same`` is true by ``item``, if there is one."""
        self.items = [item if same(each) else each for each in self.items]
        self.version += 1

    async def load(self, send: Callable[[Call[Page[Item]]], Awaitable[Page[Item]]]) -> bool:
        """Load the next page; tell whether there was one to load now. Raises ClientError."""
        call = self._next
        if call is None or self._busy or (self.full and call is not self._first):
            return False
        self._busy = True
        try:
            page = await send(call)
        finally:
            self._busy = False
        if self._next is not call:
            return True  # restarted meanwhile
        kept = [] if call is self._first else self.items
        self.items = [*kept, *page["items"]]
        self._next = call.after(page)
        self.version += 1
        return True
