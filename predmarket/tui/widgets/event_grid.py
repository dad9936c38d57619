"""The grid of an event's outcomes, traded on with the mouse or the keyboard's cursor.

Each outcome keeps its row; struck ones are dimmed. A click in the columns of a side's best price
places an order there, as in the ladder; a click on own orders cancels them; keys act in the row of
the cursor. What changed less than 200 ms before is held (state/click_guard.py). Whether an order is
sent at all is the trader's business.
"""

import time
from collections.abc import Callable
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import BindingType

from predmarket.enums import Side
from predmarket.tui.state import formatting
from predmarket.tui.state.click_guard import ClickGuard, Hand, other_size
from predmarket.tui.state.outcomes import Outcome, outcomes
from predmarket.tui.state.trading_state import TradingState
from predmarket.tui.widgets.event_grid_keys import BINDINGS
from predmarket.tui.widgets.ladder_messages import LadderMessages
from predmarket.tui.widgets.market_list import way_of
from predmarket.tui.widgets.panel import Line, Span
from predmarket.tui.widgets.table import Row, Table
from predmarket.tui.widgets.table_columns import number, text
from predmarket.units import Money, Qty

LEFT, RIGHT = 1, 3
_NOBODY = -1
"""The key of NONE, which nobody trades."""


class Cell(NamedTuple):
    """What a click is on: a side of an outcome's book, or the trader's own orders there."""

    market: int
    side: Side
    own: bool


_COLUMNS = (
    text(" ", 11),
    text("OUTCOME", 10, stretch=True, roomy=16),
    number("DEPTH", 4),
    number("MINE", 8),
    number("SIZE", 6),
    number("BID", 9),
    number("ASK", 9),
    number("SIZE", 6),
    number("MINE", 8),
    number("DEPTH", 4),
    number("LAST ", 7),
    number("HELD", 8),
    number("PAYS", 8),
    number("PROFIT", 5),
    number("VOLUME", 3),
)
_CELLS = {
    3: (Side.BUY, True), 4: (Side.BUY, False), 5: (Side.BUY, False),
    6: (Side.SELL, False), 7: (Side.SELL, False), 8: (Side.SELL, True),
}  # fmt: skip
"""The columns that a click acts in: the side, and whether it shows the own orders."""


class EventGrid(Table):
    """The outcomes of ``event``; ``live`` tells whether what they show is current."""

    BINDINGS: ClassVar[list[BindingType]] = BINDINGS

    def __init__(
        self,
        state: TradingState,
        event: int,
        live: Callable[[], bool],
        *,
        clock: Callable[[], float] = time.monotonic,
        plain: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        self._state = state
        self._event = event
        self._is_live = live
        self._in_words = plain
        self._guard = ClickGuard(clock)
        self._hand = Hand()
        self._pressed: tuple[Cell, str | None] | None = None
        self._shown: dict[int, Outcome] = {}
        super().__init__(
            _COLUMNS,
            stamp=self._versions,
            rows=self._outcomes,
            empty="no outcomes yet",
            gap=1,
            clock=clock,
            id=id,
            classes=classes,
        )

    @property
    def market(self) -> int | None:
        """Return the market under the cursor; None on NONE."""
        key = self.key
        return key if isinstance(key, int) and key != _NOBODY else None

    def markets_in_sight(self) -> list[int]:
        """Return the markets that there is room for now."""
        return [row.key for row in self.in_sight() if isinstance(row.key, int) and row.key >= 0]

    def costly(self) -> bool:
        return False  # orders are placed on what it shows

    # what is shown

    def _versions(self) -> object:
        state = self._state
        books = sum(book.version for book in state.books.values())
        return (
            state.markets.version, state.events.version, state.orders.version,
            state.positions.version, len(state.books), books, self._is_live(),
        )  # fmt: skip

    def _outcomes(self) -> list[Row]:
        event = self._state.events.get(self._event)
        if event is None:
            return []
        found, live = outcomes(self._state, event), self._is_live()
        now = {each.market.id: each for each in found if each.market is not None}
        for market, outcome in now.items():
            before = self._shown.get(market)
            if before is not None and before is not outcome:
                self._note(market, before, outcome)
        self._shown = now
        return [self._row(each, live=live) for each in found]

    def _note(self, market: int, before: Outcome, now: Outcome) -> None:
        """Note what cells of a row mean something else now."""
        for side in Side:
            moved = before.best(side) != now.best(side)
            if moved or other_size(_theirs(before, side), _theirs(now, side)):
                self._guard.changed(side, market, own=False)
            if bool(before.mine(side)) != bool(now.mine(side)):
                self._guard.changed(side, market, own=True)

    def _row(self, outcome: Outcome, *, live: bool) -> Row:
        market, top = outcome.market, outcome.top
        if market is None:
            cells = [*self._named(outcome), *[Span("")] * 10, *self._worth(outcome), Span("")]
            return Row(_NOBODY, tuple(cells))
        fine, final = market.tick, market.final
        last = market.settlement if final and market.settlement is not None else market.last
        arrow, way = (" ", "plain") if final else way_of(market, plain=self._in_words)
        cells = [
            *self._named(outcome),
            _size_cell(top.bids, "dim"),
            _size_cell(outcome.mine_bid, "accent"),
            _size_cell(top.bid_size, "dim"),
            Span("" if final else formatting.price(top.bid, fine), "buy"),
            Span("" if final else formatting.price(top.ask, fine), "sell"),
            _size_cell(top.ask_size, "dim"),
            _size_cell(outcome.mine_ask, "accent"),
            _size_cell(top.asks, "dim"),
            Span(formatting.price(last, fine) + arrow, way),
            _held(outcome.net),
            *self._worth(outcome),
            Span(formatting.compact(market.volume), "dim"),
        ]
        if outcome.struck or not live:
            cells = [Span(each.text, "dim") for each in cells]
        return Row(market.id, tuple(cells))

    def _named(self, outcome: Outcome) -> list[Span]:
        market = outcome.market
        if market is None:
            return [Span(""), Span(outcome.label, "dim")]
        if outcome.struck:
            return [Span("✕"), Span(f"{outcome.label} (out)")]
        if market.final:
            won = bool(market.settlement)
            return [Span("✓" if won else " ", "accent"),
                    Span(outcome.label, "strong" if won else "dim")]  # fmt: skip
        mark = "" if market.trading else "‖"
        return [Span(mark, "warn"), Span(outcome.label, "plain" if market.trading else "dim")]

    def _worth(self, outcome: Outcome) -> list[Span]:
        if outcome.struck or outcome.pays is None:
            return [Span(""), Span("")]
        return [Span(_paid(outcome.pays), "strong"), _gain(outcome.profit)]

    # keys

    def on_key(self, event: events.Key) -> None:
        self._hand.pressed(event.key, event.time)  # its action comes later

    def action_take(self, side: str, qty_index: int) -> None:
        """Place an order at the best price of the other side, which it takes."""
        wanted = Side(side)
        opposite = Side.SELL if wanted is Side.BUY else Side.BUY
        self._enter(wanted, opposite, lambda outcome: outcome.best(opposite), qty_index)

    def action_rest(self, side: str, better: int) -> None:
        """Place an order at a side's best price, improved by ``better`` ticks, where it rests."""
        wanted = Side(side)
        self._enter(wanted, wanted, lambda outcome: outcome.resting(wanted, better), 0)

    def _enter(
        self, side: Side, of: Side, price_of: Callable[[Outcome], int | None], qty_index: int
    ) -> None:
        """Place an order in the row of the cursor at a price that ``of`` has, unless it is held."""
        outcome = self._at_cursor()
        if outcome is None or outcome.market is None:
            return
        price = price_of(outcome)
        why = self._hand.reason() or self._reason(Cell(outcome.market.id, of, own=False))
        if why is not None:
            self.post_message(self.Held(why))
        elif price is None:
            text = f"{outcome.label}: there is no price for a {side} there"
            self.post_message(LadderMessages.Note(text))
        else:
            self.post_message(LadderMessages.Place(side, price, qty_index, outcome.market.id))

    def action_cancel(self) -> None:
        """Cancel the orders in the row of the cursor."""
        outcome = self._at_cursor()
        if outcome is not None and outcome.market is not None:
            sides = [side for side in Side if outcome.mine(side)]
            self._cancel(outcome.market.id, sides or ([] if self._is_live() else [*Side]))

    def _cancel(self, market: int, sides: list[Side]) -> None:
        for side in sides:
            why = self._reason(Cell(market, side, own=True))
            if why is not None:
                self.post_message(self.Held(why))
            else:
                self.post_message(LadderMessages.CancelSide(side, market))
        if not sides:
            self.post_message(LadderMessages.Note("no order of yours there"))

    def _at_cursor(self) -> Outcome | None:
        market = self.market
        if market is None:
            self.post_message(LadderMessages.Note("there is no outcome to trade under the cursor"))
            return None
        return self._shown.get(market)

    def _reason(self, cell: Cell, *, pointer: bool = False) -> str | None:
        """Return why a click or key is held: what has changed since the last frame counts, too."""
        self.tick()
        return self._guard.reason(cell.side, cell.market, own=cell.own, pointer=pointer)

    def lines(self, width: int, height: int) -> list[Line]:
        before, lines = self.top, super().lines(width, height)
        if self.top != before:
            self._guard.axis_moved()
        return lines

    # pointer

    def _cell(self, event: events.MouseEvent) -> Cell | None:
        found = self.cell_at(event)
        if found is None or found[1] not in _CELLS:
            return None
        key = self.key_at(found[0])
        side, own = _CELLS[found[1]]
        return Cell(key, side, own) if isinstance(key, int) and key != _NOBODY else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Remember what the button went down on: a click means that, or nothing."""
        cell = self._cell(event)
        self._pressed = None if cell is None else (cell, self._reason(cell, pointer=True))

    def on_click(self, event: events.Click) -> None:
        """Place or cancel where a click is on a price or on own orders; else move the cursor."""
        pressed, self._pressed = self._pressed, None
        cell = self._cell(event)
        if cell is None:
            return  # the table's
        event.prevent_default()
        self.put(cell.market)
        outcome = self._shown.get(cell.market)
        if pressed is None or pressed[0] != cell or event.button not in {LEFT, RIGHT}:
            return
        why = pressed[1] or self._reason(cell, pointer=True)
        if why is not None:
            self.post_message(self.Held(why))
        elif outcome is None:
            return
        elif cell.own:
            self._cancel(cell.market, [cell.side] if outcome.mine(cell.side) else [])
        elif (price := outcome.best(cell.side)) is None:
            self.post_message(LadderMessages.Note(f"{outcome.label}: there is no price yet"))
        else:
            second = int(event.button == RIGHT)
            self.post_message(LadderMessages.Place(cell.side, price, second, cell.market))


def _theirs(outcome: Outcome, side: Side) -> Qty:
    """Return the size at the best price; own orders there come and go without holding a click."""
    return max(0, outcome.others(side) - outcome.mine(side))


def _size_cell(qty: Qty, tone: str) -> Span:
    return Span(formatting.size_text(qty) if qty else "", tone)


def _held(net: Qty) -> Span:
    if not net:
        return Span("")
    sign, tone = ("+", "buy") if net > 0 else ("-", "sell")
    return Span(sign + formatting.size_text(abs(net)), tone)


def _paid(value: Money) -> str:
    return formatting.gain_text(value).removeprefix("+") if value else "0.00"


def _gain(value: Money | None) -> Span:
    if value is None:
        return Span("")
    words = formatting.gain_text(value)
    return Span(words, "gain" if words[0] == "+" else "loss" if words[0] == "-" else "plain")
