"""The portfolio screen: cash and total value, positions, orders, fills, statement."""

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import ContentSwitcher

from predmarket.client import calls, response_types
from predmarket.tui.screens.base import DeskScreen, start
from predmarket.tui.screens.frame import fill_foot, fill_header
from predmarket.tui.state import formatting, parse
from predmarket.tui.state.listing import EventKey
from predmarket.tui.state.pages import Pages
from predmarket.tui.widgets import tables
from predmarket.tui.widgets.footer import Foot
from predmarket.tui.widgets.header import Header
from predmarket.tui.widgets.panel import Span, line
from predmarket.tui.widgets.summary import Summary
from predmarket.tui.widgets.table import Row, Table
from predmarket.tui.widgets.table_columns import number, text
from predmarket.tui.widgets.tabs import Name, TabLine

_TABS = ("held", "working", "done", "statement")
_PAGE = 100
_HINTS = ("portfolio.back", "portfolio.tab", "portfolio.reload", "app.kill", "app.help")


class PortfolioScreen(DeskScreen[None]):
    """Opened over the trading screen."""

    AUTO_FOCUS = "#held"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f4,escape",
            "app.pop_screen",
            "Back",
            id="portfolio.back",
            tooltip="Back to trading.",
        ),
        Binding("t", "tab", "Next tab", id="portfolio.tab", tooltip="The next list."),
        Binding("u", "reload", "Update", id="portfolio.reload", tooltip="Load the statement anew."),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._statement: Pages[response_types.LedgerLine] = Pages(calls.statement(limit=_PAGE))
        self._fills: Pages[response_types.Fill] = Pages(calls.fills(limit=_PAGE))

    def compose(self) -> ComposeResult:
        state = self.trader.state
        yield Header(plain=self.trading.plain)
        yield Summary(id="worth")
        with Vertical(id="all"):
            yield TabLine(self._tabs, id="tabs")
            with ContentSwitcher(initial="held", id="lists"):
                yield tables.positions(state, id="held")
                yield tables.orders(state, id="working")
                yield tables.fills(state, older=self._fills, id="done")
                yield self._statement_table()
        yield Foot()

    def on_mount(self) -> None:
        self.action_reload()

    def feed_widgets(self) -> None:
        """Hand the state to the widgets."""
        fill_header(self.query_one(Header), self.trader)
        fill_foot(self.query_one(Foot), self, self.trader, _HINTS)
        state = self.trader.state
        value = cost = realized = 0
        for held in state.positions:
            value += held.value(state.markets.mark(held.market))
            cost += held.cost
            realized += held.realized
        returned = state.events.returned
        cash = state.balance.total if state.balance else 0
        self.query_one(Summary).parts = (
            line(
                Span("Total ", "dim"), Span(formatting.money(cash + value - returned), "strong"),
                Span("   cash ", "dim"), Span(formatting.money(cash)),
                Span("   positions ", "dim"), Span(formatting.money(value - returned)),
                *((Span("   returned ", "dim"), Span(formatting.money(returned)))
                  if returned else ()),
            ),
            line(
                Span("Profit ", "dim"), tables.money(value - cost + realized),
                Span("   unrealized ", "dim"), tables.money(value - cost),
                Span("   realized ", "dim"), tables.money(realized),
            ),
        )  # fmt: skip

    def _tabs(self) -> list[Name]:
        working = len(self.trader.state.orders)
        return [("Positions", None), ("Open orders", working), ("Fills", None), ("Statement", None)]

    def _statement_table(self) -> Table:
        def rows() -> list[Row]:
            return [
                Row(
                    each["id"],
                    (
                        Span(each["createdAt"][:19].replace("T", " "), "dim"),
                        Span(each["kind"]),
                        tables.money(parse.money(each["amount"])),
                        Span(each["marketSlug"] or formatting.NOTHING),
                        Span(each["reason"] or "", "dim"),
                    ),
                )
                for each in self._statement.items
            ]

        columns = [
            text("TIME", 5), text("KIND"), number("AMOUNT"), text("MARKET", 8, stretch=True),
            text("REASON", 3),
        ]  # fmt: skip
        return Table(
            columns,
            stamp=lambda: self._statement.version,
            rows=rows,
            empty="no movement",
            id="statement",
        )

    @on(TabLine.Chosen)
    def _chosen(self, event: TabLine.Chosen) -> None:
        self._show(event.index)

    @on(Table.Chosen, "#held")
    def _open(self, event: Table.Chosen) -> None:
        if isinstance(event.key, EventKey):
            self.trading.open_event(event.key.event)
        else:
            self.trading.open_market(int(str(event.key)))

    @on(Foot.Pressed)
    async def _pressed(self, event: Foot.Pressed) -> None:
        await self.run_action(event.action)

    @on(tables.OrdersTable.Cancel)
    def _cancel(self, event: tables.OrdersTable.Cancel) -> None:
        start(self, partial(self.trader.cancel, [event.order]))

    def action_tab(self) -> None:
        """Show the next list."""
        self._show((self.query_one(TabLine).chosen + 1) % len(_TABS))

    def action_reload(self) -> None:
        """Load the statement anew."""
        self._statement.restart()
        self._more_statement()

    @on(Table.NearEnd, "#statement")
    def _more_statement(self) -> None:
        start(self, partial(self.load, self._statement, "statement", "account statement"))

    @on(Table.NearEnd, "#done")
    def _more_fills(self) -> None:
        start(self, self._load_older_fills)

    async def _load_older_fills(self) -> None:
        """Load fills until there is one that the state does not have, if there is any."""
        last = self.trader.state.fills[-1].id if self.trader.state.fills else 0
        while await self.load(self._fills, "fills", "account fills"):
            if any(item["tradeId"] < last for item in self._fills.items[-_PAGE:]):
                return

    def _show(self, index: int) -> None:
        self.query_one(TabLine).chosen = index
        self.query_one(ContentSwitcher).current = _TABS[index]
        self.query_one(f"#{_TABS[index]}").focus()
