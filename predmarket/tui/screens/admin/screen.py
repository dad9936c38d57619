"""The admin screen: the overview of all markets, and a page for each thing that admins keep."""

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import ContentSwitcher

from predmarket.client import ClientError, calls
from predmarket.tui.screens.admin import overview
from predmarket.tui.screens.admin.accounts import AccountsPage
from predmarket.tui.screens.admin.calibration import CalibrationPage
from predmarket.tui.screens.admin.groups import GroupsPage
from predmarket.tui.screens.admin.invitations import InvitationsPage
from predmarket.tui.screens.admin.keys import BINDINGS, HINTS
from predmarket.tui.screens.admin.markets import MarketsPage
from predmarket.tui.screens.admin.page import AdminDesk, AdminPage
from predmarket.tui.screens.admin.seasons import SeasonsPage
from predmarket.tui.screens.frame import fill_foot, fill_header
from predmarket.tui.state.journal import Weight
from predmarket.tui.widgets.footer import Foot
from predmarket.tui.widgets.header import Header
from predmarket.tui.widgets.summary import Summary
from predmarket.tui.widgets.tabs import Name, TabLine

PAGES: tuple[type[AdminPage], ...] = (
    MarketsPage,
    AccountsPage,
    InvitationsPage,
    GroupsPage,
    SeasonsPage,
    CalibrationPage,
)
_OVERVIEW_EVERY_S = 15.0


class AdminScreen(AdminDesk):
    """Opened over the trading screen, for admins; one page is in sight."""

    AUTO_FOCUS = MarketsPage.first
    BINDINGS: ClassVar[list[BindingType]] = BINDINGS

    def __init__(self) -> None:
        super().__init__()
        self._pages: tuple[AdminPage, ...] = ()

    def compose(self) -> ComposeResult:
        self._pages = tuple(page(self) for page in PAGES)
        yield Header(plain=self.trading.plain)
        yield Summary(id="overview")
        yield TabLine(self._tabs)
        with ContentSwitcher(initial=MarketsPage.__name__, id="pages"):
            yield from self._pages
        yield Foot()

    def on_mount(self) -> None:
        self.set_interval(_OVERVIEW_EVERY_S, self.look_over)
        self.page.opened()
        self.look_over()

    @property
    def page(self) -> AdminPage:
        """Return the page in sight."""
        return self._pages[self.query_one(TabLine).chosen]

    def feed_widgets(self) -> None:
        """Hand the state to the widgets."""
        fill_header(self.query_one(Header), self.trader)
        fill_foot(self.query_one(Foot), self, self.trader, (HINTS[0], *self.page.hints, *HINTS[1:]))
        if self.overview is not None:
            summary = self.query_one(Summary)
            summary.parts = overview.lines(self.overview, self.trader.clock())
        self.page.feed_widgets()

    def _tabs(self) -> list[Name]:
        return [(page.name_shown, None) for page in PAGES]

    @work(exclusive=True, group="overview")
    async def look_over(self) -> None:
        """Ask for the overview."""
        try:
            found = await self.trader.client.send(calls.overview())
        except ClientError as error:
            self.trader.say(f"no overview: {error}", Weight.WARNING)
        else:
            self.overview = found

    @on(TabLine.Chosen)
    def _chosen(self, event: TabLine.Chosen) -> None:
        self._show(event.index)

    @on(Foot.Pressed)
    async def _pressed(self, event: Foot.Pressed) -> None:
        await self.page.run_action(event.action)

    def action_tab(self, step: int) -> None:
        """Show the next page, or the one before."""
        self._show((self.query_one(TabLine).chosen + step) % len(PAGES))

    def _show(self, index: int) -> None:
        self.query_one(TabLine).chosen = index
        self.query_one(ContentSwitcher).current = PAGES[index].__name__
        self.page.query_one(PAGES[index].first).focus()
        self.page.opened()
