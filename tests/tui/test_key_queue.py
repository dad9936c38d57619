"""The queue of waiting keys, without a terminal."""

from collections.abc import Callable, Sequence
from typing import Any

from textual.events import Key
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from predmarket.tui.key_queue import KeyQueue


class StillTimer:
    """A timer that fires when the test says so."""

    def __init__(self, callback: Callable[..., Any]) -> None:
        self.callback = callback

    def stop(self) -> None:
        """Do nothing: no timer runs."""


class EndingApp:
    """An application that can end, and whose keys never report their effect."""

    def __init__(self) -> None:
        self.screens: list[Any] = [Screen()]
        self.timers: list[StillTimer] = []
        self.acted: list[str] = []

    focused: Widget | None = None

    @property
    def screen(self) -> Screen[object]:
        """As Textual's: an error without a screen."""
        return self.screens[-1]  # type: ignore[no-any-return]

    @property
    def screen_stack(self) -> Sequence[Screen[object]]:
        """The screens that are open."""
        return self.screens

    def call_later(self, callback: Callable[..., object]) -> bool:
        """Do nothing: the test drives the timers alone."""
        return True

    def set_timer(self, delay: float, callback: Callable[..., object]) -> Timer:
        """Keep the timer for the test."""
        self.timers.append(StillTimer(callback))
        return self.timers[-1]  # type: ignore[return-value]

    async def act(self, key: Key) -> None:
        """Record the key; fail without a screen, as the application does."""
        assert self.screen is not None
        self.acted.append(key.key)


async def test_keys_that_wait_end_with_the_application() -> None:
    """A waiting key is dropped when the last screen has closed."""
    app = EndingApp()
    queue = KeyQueue(app, app.act, lambda: None)
    for key in "abc":
        await queue.put(Key(key, key))
    await app.timers[-1].callback()
    assert app.acted == ["a", "b"]
    app.screens.clear()
    await app.timers[-1].callback()
    assert app.acted == ["a", "b"]
    assert not queue.busy
