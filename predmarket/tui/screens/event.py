"""The event view: all outcomes of an event in a grid, and ladders of some of them beside it.

There are as many ladders as have room. They show the outcomes with the highest prices until the
trader puts others there; nothing else changes which market a ladder shows. The books of the
outcomes in sight are followed while the view is open.
"""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from predmarket.characters import clean
from predmarket.tui.screens.base import start
from predmarket.tui.screens.event_keys import BINDINGS, HINTS, KILL
from predmarket.tui.screens.frame import fill_foot, fill_header
from predmarket.tui.screens.order_entry import Aim, OrderEntry
from predmarket.tui.screens.widget_data import fill_ladder
from predmarket.tui.state import formatting
from predmarket.tui.state.connection_status import Light
from predmarket.tui.state.events import Event
from predmarket.tui.state.outcomes import leaders
from predmarket.tui.state.trading_state import Watched
from predmarket.tui.widgets import tables
from predmarket.tui.widgets.event_facts import EventFacts
from predmarket.tui.widgets.event_grid import EventGrid
from predmarket.tui.widgets.footer import Foot
from predmarket.tui.widgets.header import Header
from predmarket.tui.widgets.ladder import Ladder
from predmarket.tui.widgets.table import Table
from predmarket.tui.widgets.untrusted_text import foreign

MOST_LADDERS = 4
_GRID, _LADDER = 84, 36
"""The fewest columns of the grid, and those of a ladder."""


class EventScreen(OrderEntry):
    """Opened over the trading screen, for one event."""

    CSS_PATH = "event.tcss"
    AUTO_FOCUS = "EventGrid"
    BINDINGS: ClassVar[list[BindingType]] = BINDINGS
    urgent = (KILL,)

    def __init__(self, event: int) -> None:
        super().__init__()
        self.event = event
        self._slots: list[int] = []
        """The markets of the ladders, from the left."""
        self._next_slot = 0

    def compose(self) -> ComposeResult:
        state, plain = self.trader.state, self.trading.plain
        yield Header(plain=plain)
        with Horizontal(id="body"):
            with Vertical(id="board"):
                with Vertical(id="outcomes", classes="box"):
                    yield EventFacts(self.trader, self.event, id="facts")
                    yield EventGrid(state, self.event, self._live, plain=plain, id="grid")
                with Vertical(id="working", classes="box"):
                    yield tables.orders(state, event=self.event, id="orders")
            for place in range(MOST_LADDERS):
                yield Ladder(plain=plain, id=f"ladder-{place}", classes="box event-ladder")
        yield Foot()

    def on_mount(self) -> None:
        self.query_one("#outcomes").border_title = "Outcomes"
        self.query_one("#working").border_title = "Open orders in this event"
        self._fit()
        start(self, lambda: self.trader.lists.load_event(self.event))

    def on_unmount(self) -> None:
        """Follow no more than the open market."""
        self.trader.watch(Watched())

    def on_resize(self) -> None:
        self._fit()

    # what is drawn

    def feed_widgets(self) -> None:
        """Hand the state to the widgets, and follow the markets in sight."""
        trader, event = self.trader, self._event()
        fill_header(self.query_one(Header), trader, event)
        fill_foot(self.query_one(Foot), self, trader, HINTS)
        shown = self._ladders()
        if len(shown) != self._room():
            self._fit()
        self._choose(len(shown))
        for ladder, market in zip(shown, self._slots, strict=False):
            fill_ladder(ladder.data, trader, market)
            self._entitle(ladder, market)
        self._watch(self._slots[: len(shown)])

    def _event(self) -> Event | None:
        return self.trader.state.events.get(self.event)

    def _live(self) -> bool:
        return self.trader.light() is Light.LIVE

    def _fit(self) -> None:
        """Show as many ladders as have room."""
        count = self._room()
        for place, ladder in enumerate(self.query(Ladder)):
            ladder.display = place < count

    def _room(self) -> int:
        """Return how many ladders have room, and a market."""
        if self.trading.plain:
            return 0
        markets = self.trader.state.markets.of_event(self.event)
        room = (self.app.size.width - _GRID) // _LADDER
        return max(0, min(MOST_LADDERS, room, sum(not market.final for market in markets)))

    def _ladders(self) -> list[Ladder]:
        return [ladder for ladder in self.query(Ladder) if ladder.display]

    def _choose(self, count: int) -> None:
        """Give ladders that have no market yet the outcomes with the highest prices."""
        if len(self._slots) < count:
            markets = self.trader.state.markets.of_event(self.event)
            first = [each for each in leaders(markets, count) if each not in self._slots]
            self._slots += first[: count - len(self._slots)]

    def _entitle(self, ladder: Ladder, market: int) -> None:
        known = self.trader.state.markets.get(market)
        title = "" if known is None else known.label
        if clean(title) != str(ladder.border_title):
            ladder.border_title = foreign(title)

    def _watch(self, ladders: list[int]) -> None:
        """Follow the books of the markets in sight, and the trades of those in ladders."""
        books = {*self.query_one(EventGrid).markets_in_sight(), *ladders}
        wanted = Watched(self.event, frozenset(books), frozenset(ladders))
        if self.trader.state.watched != wanted:  # also by a view that has closed meanwhile
            self.trader.watch(wanted)

    # lists and ladders

    def aim(self) -> Aim:
        """Return the market of the ladder that has the keyboard, else that of the row."""
        markets, focused = self.trader.state.markets, self.focused
        if isinstance(focused, Ladder):
            return Aim(markets.get(focused.data.market), focused.cursor)
        return Aim(markets.get(self.query_one(EventGrid).market))

    def ladder_ends(self) -> Callable[[], int]:
        outcomes = self.query_one("#outcomes")
        return lambda: outcomes.region.right

    @on(Table.Chosen, "#grid")
    def _open(self, event: Table.Chosen) -> None:
        market = self.query_one(EventGrid).market
        if market is not None:
            self.trading.open_market(market)

    def action_pin(self) -> None:
        """Put the outcome under the cursor into the next ladder."""
        market, shown = self.query_one(EventGrid).market, self._ladders()
        if not shown:
            self.trader.say("there is no room for a ladder here; Enter opens the market")
        elif market is not None and market not in self._slots[: len(shown)]:
            place = self._next_slot % len(shown)
            self._slots[place] = market
            self._next_slot = place + 1

    def action_kill_event(self) -> None:
        """Cancel everything in this event."""
        start(self.app, self._kill, group="kill-event", exclusive=True)

    async def _kill(self) -> None:
        count = await self.trader.kill_event(self.event)
        if count is None:
            self.app.notify(
                self.trader.said[0], title="CANCEL EVENT FAILED", severity="error", timeout=10
            )
        else:
            text = f"{formatting.orders(count)} cancelled"
            self.app.notify(text, title="CANCEL EVENT", severity="warning", timeout=6)
