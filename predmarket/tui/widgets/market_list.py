"""The list of markets: events fold their markets away, and show the sums of their prices."""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from predmarket.enums import MarketStatus
from predmarket.tui.state import formatting
from predmarket.tui.state.ladder import FALLEN, RISEN
from predmarket.tui.state.listing import EventKey, Fold, listing
from predmarket.tui.state.markets import Market
from predmarket.tui.state.outcomes import sums
from predmarket.tui.state.trading_state import TradingState
from predmarket.tui.widgets.panel import Span
from predmarket.tui.widgets.table import MANY, Row, Table
from predmarket.tui.widgets.table_columns import number, text

_MARKS = {
    MarketStatus.OPEN: Span(" "),
    MarketStatus.HALTED: Span("‖", "warn"),
    MarketStatus.CLOSED: Span("■", "dim"),
    MarketStatus.DRAFT: Span("◦", "dim"),
    MarketStatus.RESOLVED: Span("✓", "dim"),
    MarketStatus.VOIDED: Span("∅", "dim"),
}
_WAYS = {True: (RISEN, "gain"), False: (FALLEN, "loss"), None: (" ", "plain")}
_SPOKEN_WAYS = {True: ("+", "gain"), False: ("-", "loss"), None: (" ", "plain")}
"""The sign of a last price by which way it went, and its tone."""
_SLUG = 24
"""As much of a market's name as is shown before bid, ask, 24h change and volume have room."""
_APART = _SLUG + 20
"""The width from which an event's sums have the columns of bids and asks, and do not share one."""
_OUT = Span("✕", "dim")
_PROPOSED = Span("?", "warn")


class MarketList(Table):
    """Markets and events that match a search; the open market is marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "right",
            "fold(False)",
            "Unfold",
            False,
            id="markets.unfold",
            tooltip="Show the markets of the event under the cursor.",
        ),
        Binding(
            "left",
            "fold(True)",
            "Fold",
            False,
            id="markets.fold",
            tooltip="Put the markets of the event under the cursor away.",
        ),
    ]

    def __init__(
        self, state: TradingState, search: Callable[[], str], *, plain: bool, id: str
    ) -> None:
        self._state = state
        self._search = search
        self._in_words = plain
        self._unfolded: set[int] = set()
        self._folds = 0
        super().__init__(
            [
                text("", 11),
                text("MARKET", 10, fill=True, roomy=_SLUG),
                number("BID", 7),
                number("ASK", 7),
                number("LAST ", 9),
                number("24H", 5),
                number("VOLUME", 2),
            ],
            stamp=lambda: (
                state.markets.version,
                state.events.version,
                state.selected,
                search(),
                self._folds,
                self._sums_apart(),
            ),
            rows=self._listed,
            empty="no market matches",
            click_chooses=True,
            best_first=search,
            gap=1,
            id=id,
        )

    def costly(self) -> bool:
        return len(self._state.markets) > MANY  # folded ones count, too

    def _sums_apart(self) -> bool:
        """Tell whether bids and asks have columns of their own."""
        return not self.size.width or self.size.width >= _APART

    def _listed(self) -> list[Row]:
        state, plain, apart = self._state, self._in_words, self._sums_apart()
        shown = listing(state.markets, state.events, self._search(), self._unfolded)
        return [
            _fold(each, state, plain=plain, apart=apart)
            if isinstance(each, Fold)
            else _market(each, state, plain=plain)
            for each in shown
        ]

    def action_fold(self, away: bool) -> None:
        """Fold or unfold the event under the cursor."""
        key = self.key
        market = self._state.markets.get(key) if isinstance(key, int) else None
        event = market.event if market is not None else None
        if isinstance(key, EventKey):
            event = key.event
        if event is None:
            return
        self._fold_event(event, away=away)
        if away:
            self.put(EventKey(event))

    def _fold_event(self, event: int, *, away: bool) -> None:
        (self._unfolded.discard if away else self._unfolded.add)(event)
        self._folds += 1

    def on_click(self, event: events.Click) -> None:
        """A click on an event's sign folds or unfolds it; elsewhere it is a table's."""
        cell = self.cell_at(event)
        key = None if cell is None else self.key_at(cell[0])
        if cell is not None and cell[1] == 0 and isinstance(key, EventKey):
            event.prevent_default()
            self._fold_event(key.event, away=key.event in self._unfolded)
            self.put(key)


def _fold(fold: Fold, state: TradingState, *, plain: bool, apart: bool) -> Row:
    event, markets = fold.event, fold.markets
    inside = any(market.id == state.selected for market in markets)
    mark = Span("-" if fold.open else "+", "accent" if inside and not fold.open else "plain")
    if event.final and not plain:
        mark = _MARKS[event.status]
    tone = "strong" if inside else "plain" if event.trading else "dim"
    every = state.markets.of_event(event.id)
    bids, asks = sums(every)
    both = f"{bids}/{asks} "
    return Row(
        EventKey(event.id),
        (
            mark,
            Span(event.title if event.proposal is None else f"? {event.title}", tone),
            Span(bids),
            Span(asks),
            Span("" if event.final or apart else both, "dim"),
            Span(""),
            Span(formatting.compact(sum(market.volume for market in every)), "dim"),
        ),
    )


def _market(market: Market, state: TradingState, *, plain: bool) -> Row:
    open_here = market.id == state.selected
    out = market.event is not None and market.final and not market.settlement
    mark = Span("▸", "accent") if open_here else _OUT if out else _MARKS[market.status]
    if market.proposal is not None and not open_here:
        mark = _PROPOSED
    if plain:
        sign = "P" if market.proposal is not None else str(market.status)[0]
        mark = Span(">" if open_here else " " if market.trading else sign)
    tone = "strong" if open_here else "plain" if market.trading else "dim"
    known = state.events.get(market.event)
    name = market.slug if known is None else f"  {market.label}"
    fine, change = market.tick, market.change
    arrow, way = way_of(market, plain=plain)
    return Row(
        market.id,
        (
            mark,
            Span(name, tone),
            Span(formatting.price(market.bid, fine)),
            Span(formatting.price(market.ask, fine)),
            Span(formatting.price(market.last, fine) + arrow, way),
            Span(formatting.change(change, fine), _tone_of(change or 0)),
            Span(formatting.compact(market.volume), "dim"),
        ),
    )


def way_of(market: Market, *, plain: bool) -> tuple[str, str]:
    """Return the sign behind a market's last price, which tells which way it went, and its tone."""
    return (_SPOKEN_WAYS if plain else _WAYS)[market.rising]


def _tone_of(value: int) -> str:
    return "gain" if value > 0 else "loss" if value < 0 else "plain"
