"""The page of seasons: their start and their end."""

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType

from predmarket.client import calls
from predmarket.client.response_types import Season
from predmarket.tui import admin_actions
from predmarket.tui.screens.admin.keys import SEASONS
from predmarket.tui.screens.admin.page import PAGE, AdminDesk, AdminPage
from predmarket.tui.screens.form import Field, FormDialog
from predmarket.tui.state import formatting, parse
from predmarket.tui.state.journal import Weight
from predmarket.tui.state.pages import Pages
from predmarket.tui.widgets.panel import Span
from predmarket.tui.widgets.table import Row, Table
from predmarket.tui.widgets.table_columns import number, text

_START = (
    Field("season", "Name", hint="Spring", needed=True),
    Field("credit", "Credit", hint="play money for every account"),
)


class SeasonsPage(AdminPage):
    """Every season, the newest first; one at most is running."""

    name_shown = "Seasons"
    first = "#all-seasons"
    hints = ("seasons.start", "seasons.end")
    BINDINGS: ClassVar[list[BindingType]] = SEASONS

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._seasons: Pages[Season] = Pages(calls.seasons(limit=PAGE))

    def compose(self) -> ComposeResult:
        def rows() -> list[Row]:
            return [_row(season) for season in self._seasons.items]

        columns = [
            number("ID", 4), text("SEASON", 10, stretch=True), text("STATE", 10),
            number("CREDIT", 8), text("STARTED", 7), text("ENDED", 7),
        ]  # fmt: skip
        yield Table(
            columns,
            stamp=lambda: self._seasons.version,
            rows=rows,
            empty="no season yet",
            id="all-seasons",
        )

    def opened(self) -> None:
        """Load the seasons anew."""
        self.reload(self._seasons, "seasons", "season list")

    @on(Table.NearEnd, "#all-seasons")
    def _more(self) -> None:
        self.more(self._seasons, "seasons", "season list")

    @work
    async def action_start(self) -> None:
        """Start a season, or go on with a start that stopped halfway."""
        text = "The leaderboard counts from now on. The credit goes to every account at once."
        form = FormDialog("Start a season", _START, text=text, act="Start")
        found = await self.app.push_screen_wait(form)
        if found is not None:
            credit = found["credit"] or None
            done = await self.perform(admin_actions.start_season(found["season"], credit))
            if done is not None and credit is not None:
                count = done.answer["accountsCredited"]
                who = "account" if count == 1 else "accounts"
                self.trader.say(
                    f"{done.answer['name']} runs: {count} {who} got the credit", Weight.GOOD
                )

    @work
    async def action_end(self) -> None:
        """End the running season."""
        newest = self._seasons.items[0] if self._seasons.items else None
        if newest is None or newest["endedAt"] is not None:
            self.trader.say("no season is running", Weight.WARNING)
            return
        text = (
            "This is final: its leaderboard stays as it is now. What is still held counts at its"
            " present price, so resolve the markets first."
        )
        form = FormDialog(f"End {newest['name']}", (), text=text, act="End it")
        if await self.app.push_screen_wait(form) is not None:
            await self.perform(admin_actions.end_season(newest["name"]))


def _row(season: Season) -> Row:
    credit = parse.money(season["credit"])
    if season["endedAt"] is not None:
        state = Span("ended", "dim")
    elif credit and season["creditedAt"] is None:
        state = Span("crediting", "warn")
    else:
        state = Span("running", "gain")
    return Row(
        season["id"],
        (
            Span(str(season["id"]), "dim"),
            Span(season["name"], "strong"),
            state,
            Span(formatting.money(credit) if credit else formatting.NOTHING),
            Span(formatting.minute(season["startedAt"])),
            Span(formatting.minute(season["endedAt"]) if season["endedAt"] else formatting.NOTHING),
        ),
    )
