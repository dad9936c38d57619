"""Tables are aligned at any width, and the cursor stays on its row."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from predmarket.tui.state import formatting
from predmarket.tui.state.trading_state import TradingState
from predmarket.tui.themes import FALLBACK
from predmarket.tui.widgets.market_list import MarketList
from predmarket.tui.widgets.panel import Span, fit
from predmarket.tui.widgets.table import Row, Table
from predmarket.tui.widgets.table_columns import number, text
from tests.tui.script import market

ROWS = [("rain-tomorrow", "0.61", "12"), ("snow", "0.08", "1250"), ("hail-日本", "-", "3")]


class Shown(App[None]):
    """A table alone on the screen."""

    CSS = "Table { height: 6; }"

    def __init__(self) -> None:
        super().__init__()
        self.rows = [*ROWS]
        self.version = 0
        self.chosen: list[object] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict.fromkeys(FALLBACK, "#808080")

    def compose(self) -> ComposeResult:
        columns = [text("MARKET", 10, stretch=True), number("LAST", 9), number("VOLUME", 2)]
        yield Table(columns, stamp=lambda: self.version, rows=self._rows, empty="nothing", id="t")

    def _rows(self) -> list[Row]:
        return [Row(row[0], tuple(Span(cell) for cell in row)) for row in self.rows]

    def on_table_chosen(self, event: Table.Chosen) -> None:
        self.chosen.append(event.key)

    def set(self, rows: list[tuple[str, str, str]]) -> list[str]:
        """Replace the rows; return the lines."""
        self.rows, self.version = rows, self.version + 1
        table = self.query_one(Table)
        table.tick()
        return table.shown().splitlines()


@asynccontextmanager
async def shown(width: int) -> AsyncIterator[tuple[Shown, Pilot[None]]]:
    """Return a table of the given width in cells."""
    app = Shown()
    async with app.run_test(size=(width, 8)) as pilot:
        yield app, pilot


async def test_columns_line_up() -> None:
    """Names align left and numbers right at any character width; cut names are marked."""
    async with shown(30) as (app, _):
        assert app.set(ROWS) == [
            "MARKET         LAST  VOLUME",
            "rain-tomorrow  0.61      12",
            "snow           0.08    1250",
            "hail-日本         -       3",
        ]


@pytest.mark.parametrize(
    ("width", "head"),
    [
        (27, "MARKET         LAST  VOLUME"),
        (26, "MARKET        LAST  VOLUME"),
        (25, "MARKET         LAST"),
        (17, "MARKET"),
    ],
)
async def test_the_least_column_goes_first(width: int, head: str) -> None:
    """The name is cut first, then columns are dropped by weight; no line is too wide."""
    async with shown(width) as (app, _):
        lines = app.set(ROWS)
        assert lines[0] == head
        assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize(
    ("width", "heads"),
    [
        (26, ["", "MARKET", "LAST "]),
        (44, ["", "MARKET", "LAST "]),
        (45, ["", "MARKET", "BID", "ASK", "LAST "]),
        (53, ["", "MARKET", "BID", "ASK", "LAST ", "24H"]),
        (60, ["", "MARKET", "BID", "ASK", "LAST ", "24H", "VOLUME"]),
    ],
)
def test_the_market_list_keeps_names_before_prices_but_the_last(
    width: int, heads: list[str]
) -> None:
    """Bid and ask appear together, once the names can be read."""
    desk = TradingState()
    name, price = "turnout-above-sixty-percent", "0.5000"
    found = market(1, name, tickSize="0.0010", bestBid=price, bestAsk=price, lastPrice=price)
    desk.markets.take([found])
    desk.markets.load_day(1, [])
    table = MarketList(desk, str, plain=False, id="markets")
    assert table.count == 1
    shown, widths = table.columns.layout(width)
    assert [table.columns.headings[i].text for i in shown] == heads
    assert sum(widths) + len(widths) - 1 == width


async def test_columns_never_shrink() -> None:
    """Shorter figures move no column."""
    async with shown(40) as (app, _):
        head = app.set(ROWS)[0]
        assert app.set([("snow", "1", "1")])[0] == head


async def test_the_cursor_stays_on_its_row() -> None:
    """New rows above keep the cursor on its row; a removed row leaves no cursor."""
    async with shown(40) as (app, pilot):
        table = app.query_one(Table)
        app.set(ROWS)
        await pilot.press("down")
        keys = [table.key]
        app.set([("fog", "1", "1"), *ROWS])
        keys.append(table.key)
        app.set([("fog", "1", "1"), ROWS[0], ROWS[2]])
        assert [*keys, table.key] == ["snow", "snow", None]
        await pilot.press("enter")
        assert app.chosen == []
        await pilot.press("up", "up", "enter")
        assert app.chosen == ["rain-tomorrow"]


async def test_a_long_table_scrolls() -> None:
    """Cursor and headings are always visible."""
    async with shown(40) as (app, pilot):
        rows = [(f"m{n}", "1", "1") for n in range(20)]
        app.set(rows)
        await pilot.press("end")
        app.query_one(Table).tick()
        lines = app.query_one(Table).shown().splitlines()
        assert (lines[0].split()[0], lines[-1].split()[0]) == ("MARKET", "m19")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (formatting.price(6100), "0.61"),
        (formatting.price(6150), "0.615"),
        (formatting.price(6100, 1), "0.6100"),
        (formatting.price(9_000, 1_000), "0.90"),
        (formatting.price(None), "-"),
        (formatting.average(605_000), "0.605"),
        (formatting.average(605_500), "0.606"),
        (formatting.average(543_215, 1), "0.54322"),
        (formatting.average(543_215, 10), "0.5432"),
        (formatting.average(605_000, 1_000), "0.605"),
        (formatting.change(400, 100), "+0.04"),
        (formatting.change(-5, 1), "-0.0005"),
        (formatting.change(0, 100), "0.00"),
        (formatting.change(None, 100), "-"),
        (formatting.qty(1000), "10"),
        (formatting.qty(1250), "12.50"),
        (formatting.compact(123_456_00), "123k"),
        (formatting.compact(12_345_67), "12.3k"),
        (formatting.compact(95_50), "95"),
        (formatting.compact(123_456_789_012_34), "123B"),
        (formatting.money(1_234_567_000), "1,234.57"),
        (formatting.money(-4_999), "0.00"),
        (formatting.money(-5_000), "-0.01"),
        (formatting.gain(350_000), "+0.35"),
        (formatting.gain(0), "0.00"),
        (formatting.span(18_720 * formatting.SECOND), "5 h 12 min"),
        (formatting.age(900_000), "<1 s"),
        (fit("日本", 3), "日…"),
        (fit("a\tb\x1b", 4), "a b\ufffd"),
        (fit("ab", 4, right=True), "  ab"),
    ],
)
def test_spelling(shown: str, expected: str) -> None:
    """Values are short, of equal width, and without control characters."""
    assert shown == expected
