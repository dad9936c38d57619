"""The trading screen: markets, ladder, chart, tape, and the trader's positions, orders and fills.

Wide terminals show all parts. At 80 × 24 the ladder and the chart are above the tables, and the
list of markets covers them on request. Parts have fixed places: data moves nothing.
"""

from collections.abc import Hashable
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input

from predmarket.contracts.markets import Interval
from predmarket.enums import Side
from predmarket.tui.screens.base import start
from predmarket.tui.screens.frame import fill_foot, fill_header
from predmarket.tui.screens.order_entry import Aim, OrderEntry
from predmarket.tui.screens.pane_actions import PaneActions
from predmarket.tui.screens.panes import Panes
from predmarket.tui.screens.trading_keys import BINDINGS, EVENT, HINTS
from predmarket.tui.screens.widget_data import fill_chart, fill_flow, fill_ladder
from predmarket.tui.state import formatting
from predmarket.tui.state.journal import Weight
from predmarket.tui.state.listing import EventKey
from predmarket.tui.widgets import tables
from predmarket.tui.widgets.chart import Chart, ChartKind
from predmarket.tui.widgets.depth import Depth
from predmarket.tui.widgets.footer import Foot
from predmarket.tui.widgets.header import Header
from predmarket.tui.widgets.ladder import Ladder
from predmarket.tui.widgets.market_list import MarketList
from predmarket.tui.widgets.panel import Span
from predmarket.tui.widgets.table import Table
from predmarket.tui.widgets.tabs import Name, TabLine
from predmarket.tui.widgets.tape import Tape

_TABS = ("positions", "orders", "fills", "messages")


class TradingScreen(PaneActions, OrderEntry):
    """The trading screen."""

    CSS_PATH = "trading.tcss"
    AUTO_FOCUS = "Ladder"
    BINDINGS: ClassVar[list[BindingType]] = BINDINGS

    def compose(self) -> ComposeResult:
        state, plain = self.trader.state, self.trading.plain
        self.panes = Panes(self, self.trading.layout, self.trading.keeper.note)
        yield Header(plain=plain)
        with Horizontal(id="body"):
            with Vertical(id="left", classes="box"):
                yield Input(placeholder="/ search", id="search", compact=True)
                yield MarketList(state, self._search, plain=plain, id="markets")
            yield Ladder(plain=plain, id="ladder", classes="box")
            with Vertical(id="right"):
                yield Chart(id="chart", classes="box")
                with Horizontal(id="flow"):
                    yield Tape(plain=plain, id="tape", classes="box")
                    yield Depth(plain=plain, id="depth", classes="box")
        with Vertical(id="bottom"):
            yield TabLine(self._tabs, self._cash, id="tabs")
            with ContentSwitcher(initial="positions", id="lists"):
                yield tables.positions(state, id="positions")
                yield tables.orders(state, id="orders")
                yield tables.fills(state, id="fills")
                yield tables.messages(state, id="messages")
        yield Foot()

    def on_mount(self) -> None:
        self.panes.apply()
        self.query_one("#left").border_title = "Markets"
        self.query_one("#ladder").border_title = "Ladder"
        self.query_one("#tape").border_title = "Tape"
        self.query_one("#depth").border_title = "Depth"
        chart = self.query_one(Chart).data
        chart.plain, chart.colourless = self.trading.plain, self.app.no_color

    # what is drawn

    def feed_widgets(self) -> None:
        """Hand the state to the widgets."""
        trader, ladder = self.trader, self.query_one(Ladder)
        fill_header(self.query_one(Header), trader)
        market = trader.state.market
        without = () if market is not None and market.event is not None else (EVENT,)
        fill_foot(self.query_one(Foot), self, trader, [h for h in HINTS if h not in without])
        fill_ladder(ladder.data, trader, trader.state.selected)
        fill_chart(self.query_one(Chart), trader)
        fill_flow(self.query_one(Tape).data, self.query_one(Depth).data, trader)

    def _search(self) -> str:
        return self.query_one("#search", Input).value

    def _tabs(self) -> list[Name]:
        state = self.trader.state
        return [
            ("Positions", len(state.positions.held())),
            ("Open orders", len(state.orders)),
            ("Fills", None),
            ("Messages", None),
        ]

    def _cash(self) -> list[Span]:
        balance = self.trader.state.balance
        if balance is None:
            return []
        state = self.trader.state
        held = state.positions.held()
        marks = [state.markets.mark(each.market) for each in held]
        profit = sum(each.unrealized(mark) for each, mark in zip(held, marks, strict=True))
        without = marks.count(None)
        return [
            Span(" unrealized "), tables.money(profit),
            *([Span(f" ({without} without a mark)", "warn")] if without else []),
            Span("  locked "), Span(formatting.money(balance.locked)),
            Span("  available "), Span(formatting.money(balance.available), "strong"),
        ]  # fmt: skip

    # lists

    @on(Table.Chosen, "#markets")
    def _open(self, event: Table.Chosen) -> None:
        self._choose(event.key)

    @on(Table.Chosen, "#positions")
    def _open_held(self, event: Table.Chosen) -> None:
        self._choose(event.key)

    def _choose(self, key: Hashable) -> None:
        """Open what a row stands for: a market or an event."""
        if isinstance(key, EventKey):
            self.trading.open_event(key.event)
        elif isinstance(key, int):
            self.open_market(key)

    @on(Input.Submitted, "#search")
    def _found(self) -> None:
        self._choose(self.query_one("#markets", Table).key)

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        if not self.panes.dragged:
            self.show_tab(event.index)

    def open_market(self, market: int) -> None:
        """Open a market and go to its ladder."""
        start(self, partial(self.trader.open, market), exclusive=True, group="open")
        self.action_home()

    def show_tab(self, index: int) -> None:
        """Show a list, and put the keyboard there when it was on another one."""
        lists = self.query_one(ContentSwitcher)
        there = self.focused is not None and lists in self.focused.ancestors
        self.panes.show("lists")
        self.query_one(TabLine).chosen = index
        lists.current = _TABS[index]
        if there:
            self.query_one(f"#{_TABS[index]}").focus()

    # keys

    def aim(self) -> Aim:
        """Return the open market, and the price under the ladder's cursor."""
        return Aim(self.trader.state.market, self.query_one(Ladder).cursor)

    def action_event(self) -> None:
        """Show the event of the market under the cursor of the list, else of the open one."""
        table, state = self.query_one("#markets", Table), self.trader.state
        key = table.key if table.has_focus else state.selected
        market = state.markets.get(key) if isinstance(key, int) else None
        event = market.event if market is not None else None
        if isinstance(key, EventKey):
            event = key.event
        if event is None:
            self.trader.say("this market belongs to no event", Weight.WARNING)
        else:
            self.trading.open_event(event)

    def action_markets(self) -> None:
        """Go to the markets or back."""
        target: Widget = self.query_one("#markets")
        if self.has_class("-choosing") or self.focused is target:
            self.action_home()
            return
        self.add_class("-choosing")
        self.panes.fill(None)
        target.focus()

    def action_search(self) -> None:
        """Go to the search."""
        self.add_class("-choosing")
        self.panes.fill(None)
        self.set_focus(self.query_one("#search"))

    def action_home(self) -> None:
        """Go back to the ladder."""
        self.remove_class("-choosing")
        if self.trading.plain:
            self.remove_class("-chart", "-tape", "-depth")
        self.panes.fill(None)
        self.query_one("#search", Input).value = ""
        self.query_one(Ladder).focus()

    def action_interval(self, name: str | None = None) -> None:
        """Choose the chart's interval, or the next one."""
        every = [*Interval]
        now = self.trader.state.candles.interval
        chosen = every[(every.index(now) + 1) % len(every)] if name is None else Interval(name)
        start(self, partial(self.trader.load_candles, chosen), exclusive=True, group="candles")

    def action_kind(self) -> None:
        """Draw candles or a line."""
        data = self.query_one(Chart).data
        data.kind = ChartKind.LINE if data.kind is ChartKind.CANDLES else ChartKind.CANDLES

    def action_tab(self, by: int) -> None:
        """Show the next list."""
        self.show_tab((self.query_one(TabLine).chosen + by) % len(_TABS))

    def action_part(self) -> None:
        """Show the next of chart, tape and depth where there is no room for all."""
        if self.trading.plain:
            parts = ["", "-chart", "-tape", "-depth"]
        else:
            parts = ["", "-tape", "-depth"] if self.has_class("-low") else ["-tape", "-depth"]
        now = next((part for part in parts if part and self.has_class(part)), parts[0])
        after = parts[(parts.index(now) + 1) % len(parts)]
        for part in ("-chart", "-tape", "-depth"):
            self.set_class(part == after, part)

    def action_side(self, side: str) -> None:
        """Cancel a side of the open market."""
        start(self, partial(self.trader.cancel_side, Side(side)))
