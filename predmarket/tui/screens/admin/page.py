"""The base of the admin screen's pages: their lists, and how they carry actions out."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from textual.containers import Vertical

from predmarket.client.response_types import Overview
from predmarket.tui.actions import Action, Done
from predmarket.tui.screens.base import DeskScreen, start
from predmarket.tui.screens.field_parsing import Wrong
from predmarket.tui.state.journal import Weight
from predmarket.tui.state.pages import Pages
from predmarket.tui.trader import Trader
from predmarket.tui.widgets.table import Table

T = TypeVar("T")
PAGE = 100
"""Rows that a list asks for at once."""


class AdminDesk(DeskScreen[None]):
    """What the pages need of the admin screen."""

    overview: Overview | None = None

    def look_over(self) -> object:
        """Ask for the overview."""
        raise NotImplementedError


class AdminPage(Vertical):
    """A page of the admin screen. ``first`` is the widget that has the keyboard when it opens."""

    name_shown: ClassVar[str]
    hints: ClassVar[tuple[str, ...]]
    """The ids of its bindings in the footer, the most needed first."""
    first: ClassVar[str]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(id=type(self).__name__)
        self.desk = desk

    @property
    def trader(self) -> Trader:
        """Return the trader."""
        return self.desk.trader

    def opened(self) -> None:
        """Load what the page shows, anew."""

    def feed_widgets(self) -> None:
        """Hand the widgets what they show; called for each frame in which the page is in sight."""

    def reload(self, pages: Pages[Any], name: str, command: str) -> None:
        """Load a list anew."""
        pages.restart()
        self.more(pages, name, command)

    def more(self, pages: Pages[Any], name: str, command: str) -> None:
        """Load the next page of a list."""

        async def load() -> None:
            await self.desk.load(pages, name, command)

        start(self, load)

    def under_cursor(self, table: str, pages: Pages[T], key_of: Callable[[T], int]) -> T | None:
        """Return the row of a list that a table's cursor is on."""
        key = self.query_one(table, Table).key
        return next((row for row in pages.items if key_of(row) == key), None)

    async def perform(self, action: Action[T], *, reload: bool = True) -> Done[T] | None:
        """Carry an action out, say so, and load what it changed."""
        done = await self.trader.attempt(action)
        if done is not None:
            self.trader.say(f"done: {action.words}", Weight.GOOD)
            if reload:
                self.opened()
        return done

    def refuse(self, why: Wrong) -> None:
        """Say why nothing was sent."""
        self.trader.say(str(why), Weight.BAD)
