"""The lists of the trading state as tables: their columns, and the text of a row."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from predmarket.client.response_types import Fill
from predmarket.enums import Side
from predmarket.tui.state import formatting
from predmarket.tui.state.journal import Weight
from predmarket.tui.state.listing import EventKey
from predmarket.tui.state.pages import Pages
from predmarket.tui.state.positions import Position
from predmarket.tui.state.records import OwnFill, own_fill
from predmarket.tui.state.trading_state import TradingState
from predmarket.tui.state.whole_sets import WholeSets, held
from predmarket.tui.widgets.panel import Span
from predmarket.tui.widgets.table import Row, Table
from predmarket.tui.widgets.table_columns import Column, number, text
from predmarket.units import MONEY_ONE, QTY_ONE, Money

_WEIGHTS = {
    Weight.PLAIN: "plain",
    Weight.GOOD: "gain",
    Weight.WARNING: "warn",
    Weight.BAD: "loss",
}


def positions(state: TradingState, *, id: str) -> Table:
    """What is held, at the live mark; complete sets of an event as one line."""

    def rows() -> list[Row]:
        return [
            _whole_sets(each) if isinstance(each, WholeSets) else _position(each, state)
            for each in held(state)
        ]

    columns = [
        text("MARKET", 10, stretch=True), number("YES"), number("NO"), number("AVG", 7),
        number("MARK", 6), number("UNREALIZED"), number("REALIZED", 5),
        number("IF YES", 8), number("IF NO", 8),
    ]  # fmt: skip
    return Table(
        columns,
        stamp=lambda: (state.positions.version, state.markets.version, state.events.version),
        rows=rows,
        empty="no positions",
        id=id,
    )


def _whole_sets(sets: WholeSets) -> Row:
    return Row(
        EventKey(sets.event),
        (
            Span(f"{sets.slug}: whole sets", "strong"),
            Span(formatting.qty(sets.qty), "buy"),
            Span(formatting.NOTHING, "dim"),
            Span(formatting.average(sets.cost // sets.qty * QTY_ONE)),
            Span(formatting.average(MONEY_ONE)),
            money(sets.profit),
            Span(formatting.NOTHING, "dim"),
            money(sets.profit),
            money(sets.profit),
        ),
    )


def _position(held: Position, state: TradingState) -> Row:
    mark, fine = state.markets.mark(held.market), state.tick(held.market)
    return Row(
        held.market,
        (
            Span(held.slug, "strong"),
            Span(
                formatting.qty(held.yes) if held.yes else formatting.NOTHING,
                "buy" if held.yes else "dim",
            ),
            Span(
                formatting.qty(held.no) if held.no else formatting.NOTHING,
                "sell" if held.no else "dim",
            ),
            Span(formatting.average(held.average, fine)),
            Span(formatting.average(None if mark is None else mark * 50, fine)),
            money(held.unrealized(mark)),
            money(held.realized),
            money(held.if_yes),
            money(held.if_no),
        ),
    )


def money(value: Money) -> Span:
    """Return a gain or a loss in its tone."""
    words = formatting.gain(value)
    return Span(words, "gain" if words[0] == "+" else "loss" if words[0] == "-" else "plain")


def side(value: Side) -> Span:
    """Return a side in its tone."""
    return Span(str(value), "buy" if value is Side.BUY else "sell")


class OrdersTable(Table):
    """Open orders, which can be amended and cancelled where they stand."""

    class Cancel(Message):
        """The order under the cursor is to be cancelled."""

        def __init__(self, order: int) -> None:
            super().__init__()
            self.order = order

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "choose", "Amend", id="table.amend", tooltip="Change price or quantity."),
        Binding("x", "cancel", "Cancel", id="table.cancel", tooltip="Cancel the order."),
    ]

    def action_cancel(self) -> None:
        """Ask for the order under the cursor to be cancelled."""
        if isinstance(self.key, int):
            self.post_message(self.Cancel(self.key))
        elif self.count:
            self.post_message(self.Held("the order under the cursor has gone"))


def orders(state: TradingState, *, event: int | None = None, id: str) -> OrdersTable:
    """Open orders, the newest first: in all markets, or in those of an event."""

    def rows() -> list[Row]:
        within = {each.id for each in state.markets.of_event(event)} if event is not None else None
        now = [order for order in state.orders if within is None or order.market in within]
        now.sort(key=lambda order: -order.id)
        return [
            Row(
                order.id,
                (
                    Span(str(order.id), "dim"),
                    Span(order.slug, "strong" if order.market == state.selected else "plain"),
                    side(order.side),
                    Span(formatting.price(order.price, state.tick(order.market))),
                    Span(formatting.qty(order.remaining)),
                    Span(formatting.qty(order.filled), "plain" if order.filled else "dim"),
                    Span(
                        formatting.NOTHING if order.ahead is None else formatting.qty(order.ahead),
                        "dim",
                    ),
                    Span(str(order.tif), "dim"),
                    Span(formatting.clock(order.created_at), "dim"),
                ),
            )
            for order in now
        ]

    columns = [
        number("ID", 5), text("MARKET", 9, stretch=True), text("SIDE"), number("PRICE"),
        number("LEFT"), number("FILLED", 7), number("AHEAD", 8), text("TIF", 3), text("PLACED", 4),
    ]  # fmt: skip
    return OrdersTable(
        columns,
        stamp=lambda: (state.orders.version, state.selected),
        rows=rows,
        empty="no open orders",
        id=id,
    )


def fills(state: TradingState, *, older: Pages[Fill] | None = None, id: str) -> Table:
    """Own executions, the newest first; behind those of the state, what of ``older`` it lacks."""

    def all_fills() -> Iterator[OwnFill]:
        yield from state.fills
        if older is not None and older.items:
            known = {(fill.id, fill.order) for fill in state.fills}
            yield from (fill for fill in map(own_fill, older.items)
                        if (fill.id, fill.order) not in known)  # fmt: skip

    def rows() -> list[Row]:
        return [
            Row(
                (fill.id, fill.order),
                (
                    Span(formatting.clock(fill.at), "dim"),
                    Span(fill.slug),
                    side(fill.side),
                    Span(formatting.price(fill.price, state.tick(fill.market))),
                    Span(formatting.qty(fill.qty)),
                    Span(formatting.average(fill.fee) if fill.fee else formatting.NOTHING, "dim"),
                    Span("maker" if fill.maker else "taker", "dim"),
                    Span(str(fill.order), "dim"),
                ),
            )
            for fill in all_fills()
        ]

    columns = [
        text("TIME"), text("MARKET", 9, stretch=True), text("SIDE"), number("PRICE"), number("QTY"),
        number("FEE", 5), text("AS", 4), number("ORDER", 3),
    ]  # fmt: skip
    return Table(
        columns,
        stamp=lambda: (state.fills_version, older and older.version),
        rows=rows,
        empty="no fills",
        id=id,
    )


def messages(state: TradingState, *, id: str) -> Table:
    """What happened, the newest first."""

    def rows() -> list[Row]:
        return [
            Row(n, (Span(formatting.clock(note.at), "dim"), Span(note.text, _WEIGHTS[note.weight])))
            for n, note in enumerate(state.journal.notes)
        ]

    columns: Sequence[Column] = [text("TIME"), text("MESSAGE", stretch=True)]
    return Table(
        columns, stamp=lambda: state.journal.version, rows=rows, empty="nothing yet", id=id
    )
