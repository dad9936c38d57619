"""Keeps the feed's topics in line with what is open on the screen."""

from collections.abc import Callable, Collection
from typing import Protocol

from predmarket.client import ApiError, ClientError
from predmarket.tui.coalesced import Coalesced


class Topics(Protocol):
    """The part of the feed that this needs."""

    async def subscribe(self, *topics: str) -> object: ...
    async def unsubscribe(self, *topics: str) -> object: ...


class Followed:
    """Subscribes what ``wanted`` returns, and drops what it no longer does.

    One request at a time: two that overtake each other would leave topics subscribed or dropped by
    mistake.
    """

    def __init__(self, wanted: Callable[[], Collection[str]], say: Callable[[str], None]) -> None:
        self._wanted = wanted
        self._say = say
        self._feed: Topics | None = None
        self._asked: set[str] = set()
        self._renewed: set[str] = set()
        self.work = Coalesced(self._follow)

    async def begin(self, feed: Topics, *more: str) -> None:
        """Subscribe everything, and ``more``, on a new feed. Raises ClientError."""
        topics = self._wanted()
        self._feed, self._asked = feed, set(topics)
        await feed.subscribe(*more, *topics)
        self.work.ask()  # what was opened meanwhile

    def change(self, *renewed: str) -> None:
        """Follow what is wanted now; ``renewed`` topics begin again with a snapshot."""
        self._renewed.update(renewed)
        if self._feed is not None:
            self.work.ask()

    async def _follow(self) -> None:
        feed, wanted = self._feed, set(self._wanted())
        dropped = {each for each in self._asked if each not in wanted or each in self._renewed}
        added = wanted - (self._asked - dropped)
        self._renewed.clear()
        if feed is None:
            return
        self._asked = wanted
        try:
            if dropped:
                await feed.unsubscribe(*sorted(dropped))
            if added:
                await feed.subscribe(*sorted(added))
        except ClientError as error:
            if isinstance(error, ApiError):
                self._asked -= added
            self._say(str(error))
