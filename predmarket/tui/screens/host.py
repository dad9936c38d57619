"""What screens need of the application that shows them."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

from predmarket.tui.layout import Keeper, Layout
from predmarket.tui.place import Place
from predmarket.tui.state.brakes import Limits
from predmarket.tui.trader import Trader


class Host(Protocol):
    """The application, as its screens know it."""

    trader: Trader
    place: Place
    plain: bool
    layout: Layout
    keeper: Keeper

    @property
    def keys_file(self) -> Path:
        """Return where keys are remapped, and the sizes they choose."""

    @property
    def entered(self) -> Callable[[], Coroutine[Any, Any, None]]:
        """Return what goes trading once a session stands."""

    def limit(self, limits: Limits) -> None:
        """Hold orders to these limits from now on, those of the next user, too."""

    def open_market(self, market: int) -> None:
        """Go back to trading, in ``market``."""

    def key_of(self, name: str) -> str:
        """Return the first key of a binding, as it is shown."""

    def keys_of(self, name: str) -> list[str]:
        """Return the keys of a binding, as they are shown."""
