"""The lists of the trading state as tables: their columns, and the text of a row."""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from predmarket.client.response_types import Fill
from predmarket.enums import MarketStatus, Side
from predmarket.tui.state import formatting
from predmarket.tui.state.journal import Weight
from predmarket.tui.state.ladder import FALLEN, RISEN
from predmarket.tui.state.markets import Market
from predmarket.tui.state.pages import Pages
from predmarket.tui.state.positions import Position
from predmarket.tui.state.trading_state import OwnFill, TradingState, own_fill
from predmarket.tui.widgets.panel import Span
from predmarket.tui.widgets.table import Column, Row, Table, number, text
from predmarket.units import Money

_WEIGHTS = {
    Weight.PLAIN: "plain",
    Weight.GOOD: "gain",
    Weight.WARNING: "warn",
    Weight.BAD: "loss",
}
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


def markets(state: TradingState, search: Callable[[], str], *, plain: bool, id: str) -> Table:
    """Markets that match a search; the open one is marked."""

    def rows() -> list[Row]:
        return [_market(each, state, plain=plain) for each in state.markets.listed(search())]

    columns = [
        text("", 11),
        text("MARKET", 10, fill=True, roomy=_SLUG),
        number("BID", 7),
        number("ASK", 7),
        number("LAST ", 9),
        number("24H", 5),
        number("VOLUME", 2),
    ]
    return Table(
        columns,
        stamp=lambda: (state.markets.version, state.selected, search()),
        rows=rows,
        empty="no market matches",
        click_chooses=True,
        best_first=search,
        gap=1,
        id=id,
    )


def _market(market: Market, state: TradingState, *, plain: bool) -> Row:
    open_here = market.id == state.selected
    mark = Span("▸", "accent") if open_here else _MARKS[market.status]
    if plain:
        mark = Span(">" if open_here else " " if market.trading else str(market.status)[0])
    tone = "strong" if open_here else "plain" if market.trading else "dim"
    fine, change = market.tick, market.change
    arrow, way = (_SPOKEN_WAYS if plain else _WAYS)[market.rising]
    return Row(
        market.id,
        (
            mark,
            Span(market.slug, tone),
            Span(formatting.price(market.bid, fine)),
            Span(formatting.price(market.ask, fine)),
            Span(formatting.price(market.last, fine) + arrow, way),
            Span(formatting.change(change, fine), _tone_of(change or 0)),
            Span(formatting.compact(market.volume), "dim"),
        ),
    )


def _tone_of(value: int) -> str:
    return "gain" if value > 0 else "loss" if value < 0 else "plain"


def positions(state: TradingState, *, id: str) -> Table:
    """What is held, at the live mark."""

    def rows() -> list[Row]:
        return [_position(each, state) for each in state.positions.held()]

    columns = [
        text("MARKET", 10, stretch=True), number("YES"), number("NO"), number("AVG", 7),
        number("MARK", 6), number("UNREALIZED"), number("REALIZED", 5),
        number("IF YES", 8), number("IF NO", 8),
    ]  # fmt: skip
    return Table(
        columns,
        stamp=lambda: (state.positions.version, state.markets.version),
        rows=rows,
        empty="no positions",
        id=id,
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


def orders(state: TradingState, *, id: str) -> OrdersTable:
    """Open orders in all markets, the newest first."""

    def rows() -> list[Row]:
        now = sorted(state.orders, key=lambda order: -order.id)
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
