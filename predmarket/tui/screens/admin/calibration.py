"""The page of the calibration: how right the prices of resolved markets were."""

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType

from predmarket.client import ClientError, calls
from predmarket.client.response_types import Calibration, CalibrationBin
from predmarket.tui.screens.admin.keys import CALIBRATION
from predmarket.tui.screens.admin.page import AdminDesk, AdminPage
from predmarket.tui.state.journal import Weight
from predmarket.tui.widgets.panel import Span, line
from predmarket.tui.widgets.summary import Summary
from predmarket.tui.widgets.table import Row, Table
from predmarket.tui.widgets.table_columns import number, text

_AHEAD = ("1d", "7d", "1h")
"""How long before a market closed its price is taken; the first one first."""
_SCALE = 20


class CalibrationPage(AdminPage):
    """The Brier score, and for each range of prices how often they came true."""

    name_shown = "Calibration"
    first = "#bins"
    hints = ("calibration.before", "calibration.reload")
    BINDINGS: ClassVar[list[BindingType]] = CALIBRATION

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._chosen = 0
        self._found: Calibration | None = None

    def compose(self) -> ComposeResult:
        def rows() -> list[Row]:
            return [] if self._found is None else [_row(one) for one in self._found["bins"]]

        columns = [
            text("PRICES", 10), number("MARKETS", 10), number("MEAN PRICE", 9),
            number("CAME TRUE", 10), text(f"0{'1':>{_SCALE}}", 8),
        ]  # fmt: skip
        yield Summary(id="score")
        yield Table(
            columns,
            stamp=lambda: id(self._found),
            rows=rows,
            empty="no resolved market had a price so early",
            id="bins",
        )

    def opened(self) -> None:
        """Load the calibration anew."""
        self.action_reload()

    def feed_widgets(self) -> None:
        """Sum the calibration up."""
        found = self._found
        if found is None:
            return
        more = "   the newest markets only" if found["more"] else ""
        self.query_one("#score", Summary).parts = (
            line(
                Span("Brier score ", "dim"), Span(_score(found["brierScore"]), "strong"),
                Span("   of "), Span(f"{found['markets']} resolved markets"),
                Span(f"   {found['before']} before they closed", "dim"), Span(more, "warn"),
            ),
            line(
                Span("base rate ", "dim"), Span(_score(found["baseRate"])),
                Span(f"   {found['unpriced']} without a trade so early", "dim"),
                Span("   │ mean price  ● came true", "dim"),
            ),
        )  # fmt: skip

    def action_before(self) -> None:
        """Take the prices of another time before the close."""
        self._chosen = (self._chosen + 1) % len(_AHEAD)
        self.action_reload()

    @work(exclusive=True)
    async def action_reload(self) -> None:
        """Ask for the calibration."""
        ahead = _AHEAD[self._chosen]
        self.trader.echo = f"predmarket calibration --before {ahead}"
        try:
            found = await self.trader.client.send(calls.calibration(before=ahead))
        except ClientError as error:
            self.trader.say(f"no calibration: {error}", Weight.WARNING)
        else:
            self._found = found


def _score(value: str | None) -> str:
    return "-" if value is None else value


def _row(one: CalibrationBin) -> Row:
    price, share = float(one["price"]), float(one["share"])
    return Row(
        one["above"],
        (
            Span(f"{one['above']} - {one['to']}"),
            Span(str(one["markets"]), "strong"),
            Span(one["price"]),
            Span(one["share"], "strong"),
            Span(_picture(price, share), "accent"),
        ),
    )


def _picture(price: float, share: float) -> str:
    """Return a line from 0 to 1 with the mean price and the share that came true."""
    cells = ["·"] * (_SCALE + 1)
    cells[round(price * _SCALE)] = "│"
    cells[round(share * _SCALE)] = "●"
    return "".join(cells)
