"""The standings screen: who has gained most, in a season or since the beginning."""

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from predmarket.client import ClientError, calls
from predmarket.client.response_types import Leaderboard, Season, Standing
from predmarket.tui.screens.base import DeskScreen
from predmarket.tui.screens.frame import fill_foot, fill_header
from predmarket.tui.state import formatting, parse
from predmarket.tui.state.journal import Weight
from predmarket.tui.widgets import tables
from predmarket.tui.widgets.bars import EIGHTHS, eighths
from predmarket.tui.widgets.footer import Foot
from predmarket.tui.widgets.header import Header
from predmarket.tui.widgets.panel import Span, line
from predmarket.tui.widgets.summary import Summary
from predmarket.tui.widgets.table import Row, Table
from predmarket.tui.widgets.table_columns import number, text

_ASKED_EVERY_S = 3.0
_MOST = 100
_BAR = 16
_HINTS = ("standings.back", "standings.season", "standings.reload", "app.kill", "app.help")


class StandingsScreen(DeskScreen[None]):
    """Opened over the trading screen; begins with the running season, if there is one."""

    AUTO_FOCUS = "#standings"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "L,escape",
            "app.pop_screen",
            "Back",
            id="standings.back",
            tooltip="Back to trading.",
        ),
        Binding(
            "s",
            "season",
            "Season",
            id="standings.season",
            tooltip="The next season; after the last one, since the beginning.",
        ),
        Binding("u", "reload", "Update", id="standings.reload", tooltip="Load the standings anew."),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._seasons: list[Season] | None = None
        self._chosen = 0
        """The place of the season in the list; behind the last one, since the beginning."""
        self._board: Leaderboard | None = None
        self._wrong = ""

    def compose(self) -> ComposeResult:
        yield Header(plain=self.trading.plain)
        yield Summary(id="what-is-ranked")
        with Vertical(id="all"):
            yield self._table()
        yield Foot()

    def on_mount(self) -> None:
        self.set_interval(_ASKED_EVERY_S, self.action_reload)
        self.action_reload()

    def feed_widgets(self) -> None:
        """Hand the state to the widgets."""
        fill_header(self.query_one(Header), self.trader)
        fill_foot(self.query_one(Foot), self, self.trader, _HINTS)
        board = self._board
        if board is None:
            said = line(Span(self._wrong or "loading", "warn" if self._wrong else "dim"))
            self.query_one(Summary).parts = (said,)
            return
        season, own = board["season"], self._own()
        name = season["name"] if season is not None else "Since the beginning"
        mine = [Span("not ranked", "dim")]
        if own is not None:
            mine = [Span(f"{own['rank']}.  ", "strong"), tables.money(parse.money(own["profit"]))]
        self.query_one(Summary).parts = (
            line(
                Span(name, "strong"), Span(f"   {_when(season)}", "dim"),
                Span(f"   {board['total']} ranked", "dim"),
            ),
            line(Span("you  ", "dim"), *mine),
        )  # fmt: skip

    def _own(self) -> Standing | None:
        user = self.trader.user
        items = self._board["items"] if self._board is not None else []
        names = [] if user is None else [user["displayName"]]
        return next((one for one in items if one["displayName"] in names), None)

    def _table(self) -> Table:
        def rows() -> list[Row]:
            items, own = self._board["items"] if self._board is not None else [], self._own()
            most = max((abs(parse.money(one["profit"])) for one in items), default=0)
            return [_row(one, most, own=one is own) for one in items]

        columns = [
            number("RANK"), text("NAME", 9, stretch=True), number("PROFIT"), text("", 3),
            number("VALUE", 7), number("TRADES", 5),
        ]  # fmt: skip
        return Table(
            columns, stamp=lambda: id(self._board), rows=rows, empty="nobody yet", id="standings"
        )

    @on(Foot.Pressed)
    async def _pressed(self, event: Foot.Pressed) -> None:
        await self.run_action(event.action)

    def action_season(self) -> None:
        """Show the next season."""
        self._chosen = (self._chosen + 1) % (len(self._seasons or []) + 1)
        self.action_reload()

    @work(exclusive=True, group="standings")
    async def action_reload(self) -> None:
        """Ask for the standings, and the first time for the seasons."""
        send = self.trader.client.send
        try:
            if self._seasons is None:
                found = (await send(calls.seasons(limit=_MOST)))["items"]
                self._chosen = 0 if found and found[0]["endedAt"] is None else len(found)
                self._seasons = found
            chosen = self._seasons[self._chosen : self._chosen + 1]
            season = chosen[0]["id"] if chosen else None
            board = await send(calls.leaderboard(season=season, limit=_MOST))
        except ClientError as error:
            self._wrong = str(error)
            self.trader.say(f"no standings: {error}", Weight.WARNING)
        else:
            self._board = board


def _when(season: Season | None) -> str:
    if season is None:
        return "of each account"
    began = formatting.minute(season["startedAt"])
    if season["endedAt"] is None:
        return f"since {began}Z"
    return f"{began}Z to {formatting.minute(season['endedAt'])}Z, final"


def _row(one: Standing, most: int, *, own: bool) -> Row:
    profit = parse.money(one["profit"])
    whole, part = divmod(eighths(abs(profit), most, _BAR), 8)
    bar = ("█" * whole + EIGHTHS[part]).ljust(_BAR)
    return Row(
        one["displayName"],
        (
            Span(str(one["rank"]), "strong" if one["rank"] <= _PODIUM else "dim"),
            Span(one["displayName"], "accent" if own else "strong"),
            tables.money(profit),
            Span(bar, "gain" if profit > 0 else "loss"),
            Span(formatting.money(parse.money(one["value"]))),
            Span(str(one["trades"]), "dim"),
        ),
    )


_PODIUM = 3
