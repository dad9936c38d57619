"""What every screen of ours has: the trader, and one tick a frame for the widgets that draw."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar, cast, runtime_checkable

from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen

from predmarket.tui.trader import Trader

if TYPE_CHECKING:
    from predmarket.tui.app import TradingApp

R = TypeVar("R")


def start(
    node: DOMNode,
    work: Callable[[], Coroutine[Any, Any, object]],
    *,
    group: str = "default",
    exclusive: bool = False,
) -> None:
    """Do ``work`` beside the screen. A function, not a coroutine: one that never starts is none.

    An error that nobody foresaw is said by the application and ends only this piece of work.
    """
    typed = cast("Any", work)  # its own signature allows no coroutine that awaits
    node.run_worker(typed, group=group, exclusive=exclusive, exit_on_error=False)


@runtime_checkable
class Ticks(Protocol):
    """A widget that looks at its data once a frame."""

    def tick(self) -> None: ...


class _Ticking:
    """Ticks every widget below that has a tick; beforehand, ``feed_widgets`` hands them data."""

    _ready = False

    def on_mount(self) -> None:
        """Note that all the widgets are there."""
        self._ready = True

    def feed_widgets(self) -> None:
        """Hand the widgets what they show."""

    def tick(self) -> None:
        """Draw one frame."""
        if not self._ready:
            return
        screen = cast("Screen[object]", self)
        try:
            self.feed_widgets()
        except NoMatches:
            return  # on its way out, its widgets went first
        for widget in screen.walk_children():
            if isinstance(widget, Ticks) and widget.display:
                widget.tick()


# With priority: what was typed ahead goes to the field that has the focus when it is read.
_FOCUS: list[BindingType] = [
    Binding(
        "tab",
        "app.focus_next",
        "Next",
        False,
        id="focus.next",
        priority=True,
        tooltip="The next field or list.",
    ),
    Binding(
        "shift+tab",
        "app.focus_previous",
        "Before",
        False,
        id="focus.previous",
        priority=True,
        tooltip="The field or list before.",
    ),
]


class DeskScreen(_Ticking, Screen[R], Generic[R]):
    """A screen that fills the terminal."""

    BINDINGS: ClassVar[list[BindingType]] = _FOCUS

    @property
    def trading(self) -> "TradingApp":
        """Return the application."""
        return cast("TradingApp", self.app)

    @property
    def trader(self) -> Trader:
        """Return who acts."""
        return self.trading.trader


class DeskDialog(_Ticking, ModalScreen[R], Generic[R]):
    """A screen over another one, which stays visible and alive."""

    BINDINGS: ClassVar[list[BindingType]] = _FOCUS

    @property
    def trading(self) -> "TradingApp":
        """Return the application."""
        return cast("TradingApp", self.app)

    @property
    def trader(self) -> Trader:
        """Return who acts."""
        return self.trading.trader
