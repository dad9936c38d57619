"""The interface of the application that screens need."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Protocol

from predmarket.tui.layout import Keeper, Layout
from predmarket.tui.place import ScreenOrigin
from predmarket.tui.state.brakes import TradingLimits
from predmarket.tui.trader import Trader


class Host(Protocol):
    """The application's interface for its screens."""

    trader: Trader
    place: ScreenOrigin
    plain: bool
    layout: Layout
    keeper: Keeper

    @property
    def keys_file(self) -> Path:
        """Return the path of the file with remapped keys and sizes."""

    @property
    def entered(self) -> Callable[[], Coroutine[object, object, None]]:
        """Return the function that shows the trading screen after a login."""

    def limit(self, limits: TradingLimits) -> None:
        """Apply these limits to orders from now on, also for the next user."""

    def open_market(self, market: int) -> None:
        """Return to the trading screen, in ``market``."""

    def open_event(self, event: int) -> None:
        """Show an event over the trading screen."""

    def key_of(self, name: str) -> str:
        """Return the first key of a binding, as it is shown."""

    def keys_of(self, name: str) -> list[str]:
        """Return the keys of a binding, as they are shown."""
