"""Keys act one after the other, in the order they came.

Textual hands a key to the focused widget at once, and looks for its binding only when the event has
bubbled up to the application. So of the keys of one read the letters act before the bindings, and
all of them go to the widget that had the focus before the first. Here the next key is handed on
only when the one before it has acted and has moved the focus.

Promises: a key whose end is not reported delays the next one by ``PATIENCE_S`` at most; at most
``LIMIT`` keys wait, and further ones are dropped, which is said.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from textual.events import Key
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

LIMIT = 500
PATIENCE_S = 0.5
_ROUNDS = 2
"""How often Acted goes through the widgets: a new screen first gets its widgets, then its focus."""


class Host(Protocol):
    """What the queue needs of the application."""

    @property
    def focused(self) -> Widget | None: ...
    @property
    def screen(self) -> Screen[object]: ...
    @property
    def screen_stack(self) -> Sequence[Screen[object]]: ...
    def call_later(self, callback: Callable[..., object]) -> bool: ...
    def set_timer(self, delay: float, callback: Callable[..., object]) -> Timer: ...


class Acted(Message):
    """Follows a key through the widgets; when it comes back, the key has acted."""

    def __init__(self, number: int, rounds: int) -> None:
        super().__init__()
        self.number = number
        self.rounds = rounds


class KeyQueue:
    """The keys that wait. ``act`` hands one on; ``dropped`` is called for each that is dropped."""

    def __init__(
        self, host: Host, act: Callable[[Key], Awaitable[None]], dropped: Callable[[], None]
    ) -> None:
        self._host = host
        self._act = act
        self._dropped = dropped
        self._waiting: deque[Key] = deque()
        self._number = 0
        self._busy = False
        self._patience: Timer | None = None

    @property
    def busy(self) -> bool:
        """Tell whether a key has not acted yet."""
        return self._busy

    async def put(self, key: Key) -> None:
        """Hand a key on, now or after those before it."""
        if len(self._waiting) >= LIMIT:
            self._dropped()
            return
        self._waiting.append(key)
        if not self._busy:
            await self._next()

    def clear(self) -> None:
        """Forget the keys that wait."""
        self._waiting.clear()

    async def acted(self, message: Acted) -> None:
        """Go on to the next key: the one of this message has acted."""
        if message.number != self._number:
            return  # the queue has given up on that key
        if message.rounds:
            # what the key deferred, a change of focus above all, was posted before this
            self._host.call_later(lambda: self._follow(message.number, message.rounds - 1))
        else:
            await self._next()

    async def _next(self) -> None:
        if self._patience is not None:
            self._patience.stop()
            self._patience = None
        if not self._host.screen_stack:  # the application ends, and nothing is left to act on
            self._waiting.clear()
        self._busy = bool(self._waiting)
        if not self._waiting:
            return
        self._number += 1
        number = self._number
        self._patience = self._host.set_timer(PATIENCE_S, lambda: self._give_up(number))
        await self._act(self._waiting.popleft())
        self._follow(number, _ROUNDS)

    def _follow(self, number: int, rounds: int) -> None:
        where = self._host.focused or self._host.screen
        where.post_message(Acted(number, rounds))

    async def _give_up(self, number: int) -> None:
        if number == self._number:
            await self._next()
