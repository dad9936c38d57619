"""The bounded queue between a feed's connection and its reader.

Invariants: at most ``limit`` topic messages wait, and one change of state. A message without room
is refused, never dropped silently; the feed requests it again once there is room.
"""

import asyncio
from collections import deque

from predmarket.client.messages import Message, StateChanged


class Inbox:
    """Messages in order of arrival, for one reader at a time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._ended = False
        self._failure: Exception | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether there is no room for another message."""
        return len(self._waiting) >= self._limit

    @property
    def roomy(self) -> bool:
        """Whether there is room for more than a few."""
        return len(self._waiting) <= self._limit // 2

    def put(self, message: Message) -> bool:
        """Queue ``message``; False if there is no room. Without room only the last change of state
        waits.
        """
        if self.full:
            if not isinstance(message, StateChanged):
                return False
            if isinstance(self._waiting[-1], StateChanged):
                self._waiting.pop()
        self._waiting.append(message)
        self._arrived.set()
        return True

    def end(self, failure: Exception | None = None) -> None:
        """End the iteration after the waiting messages; ``failure`` is raised there."""
        self._ended = True
        self._failure = self._failure or failure
        self._arrived.set()

    async def get(self) -> Message | None:
        """Return the next message, None at the end. Raises the error that ended the feed."""
        while not self._waiting:
            if self._failure is not None:
                raise self._failure
            if self._ended:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()
