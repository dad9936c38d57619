"""The base of all screens: the trader, and one tick a frame for the drawing widgets."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar, cast

from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Static

from predmarket.client import ClientError
from predmarket.tui.screens.host import Host
from predmarket.tui.state.journal import Weight
from predmarket.tui.state.pages import Pages
from predmarket.tui.trader import Trader
from predmarket.tui.widgets.line_widget import LineWidget
from predmarket.tui.widgets.untrusted_text import foreign

R = TypeVar("R")


def start(
    node: DOMNode,
    work: Callable[[], Coroutine[object, object, object]],
    *,
    group: str = "default",
    exclusive: bool = False,
) -> None:
    """Run ``work`` in the background. It is a function, so that no coroutine is left unstarted.

    The application reports an unexpected error, which ends only this piece of work.
    """
    typed = cast("Any", work)  # its own signature allows no coroutine that awaits
    node.run_worker(typed, group=group, exclusive=exclusive, exit_on_error=False)


class _Ticking:
    """Ticks every widget below that draws its own lines; beforehand, ``feed_widgets`` hands them
    data. All of them are there from the start.
    """

    ready = False
    """Whether all the widgets are there."""
    _drawing: tuple[LineWidget[Any], ...] = ()
    rebound = 0
    """Moves when other keys are bound than before."""

    def on_mount(self) -> None:
        """Note that all the widgets are there."""
        screen = cast("Screen[object]", self)
        self._drawing = tuple(screen.query(LineWidget))
        screen.bindings_updated_signal.subscribe(screen, self._note_keys)
        self.ready = True

    def _note_keys(self, _screen: object) -> None:
        self.rebound += 1

    def feed_widgets(self) -> None:
        """Hand the widgets what they show."""

    def tick(self) -> None:
        """Draw one frame."""
        if not self.ready:
            return
        try:
            self.feed_widgets()
        except NoMatches:
            return  # it is closing, and its widgets are gone
        for widget in self._drawing:
            if widget.display:
                widget.tick()


# With priority: keys typed ahead go to the field that has the focus when they are read.
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
    """A screen that fills the terminal. ``urgent`` names the bindings that overtake other keys."""

    urgent: tuple[str, ...] = ()
    BINDINGS: ClassVar[list[BindingType]] = _FOCUS

    @property
    def trading(self) -> Host:
        """Return the application."""
        return cast("Host", self.app)

    @property
    def trader(self) -> Trader:
        """Return the trader."""
        return self.trading.trader

    async def load(self, pages: Pages[Any], name: str, command: str) -> bool:
        """Load the next page of a list; tell whether there was one. ``command`` lists all."""
        try:
            loaded = await pages.load(self.trader.client.send)
        except ClientError as error:
            self.trader.say(f"no {name}: {error}", Weight.WARNING)
            return False
        if pages.full:
            count = len(pages.items)
            self.trader.say(f"these are the newest {count:,}; all: predmarket {command} --all")
        return loaded


class DeskDialog(_Ticking, ModalScreen[R], Generic[R]):
    """A screen over another one, which stays visible and alive.

    Promises: it is dismissed once; it sends nothing else while it waits for an answer.
    """

    BINDINGS: ClassVar[list[BindingType]] = _FOCUS
    _sending = False
    _over = False

    @property
    def trading(self) -> Host:
        """Return the application."""
        return cast("Host", self.app)

    @property
    def trader(self) -> Trader:
        """Return the trader."""
        return self.trading.trader

    def close(self, result: R | None = None) -> None:
        """Dismiss the dialog, unless it is on its way out already."""
        if not self._over:
            self._over = True
            self.dismiss(result)

    def tell(self, text: str, tone: str = "") -> None:
        """Say something under the fields; ``tone`` is a style such as "$error"."""
        if not self._over:
            self.query_one("#preview", Static).update(foreign(text, tone))

    def send(self, work: Callable[[], Coroutine[object, object, str]]) -> None:
        """Run ``work``, which sends something, and close; if it returns a reason, show that
        instead."""
        if self._sending or self._over:
            return
        self._sending = True
        self.query_one("#send", Button).disabled = True
        # a task of the application: it waits for the answer even if the dialog is closed
        start(self.app, partial(self._sent, work))

    async def _sent(self, work: Callable[[], Coroutine[object, object, str]]) -> None:
        try:
            why = await work()
        finally:
            self._sending = False
            if not self._over:
                self.query_one("#send", Button).disabled = False
        if why:
            self.tell(why, "$error")
        else:
            self.close()
