"""Describes the ladder in words: the effect of a click, the hidden part, and all of it as lines.

The lines are for a screen reader: one fact each, without columns and colours, and without facts
that only a position shows.
"""

from collections.abc import Iterator

from predmarket.enums import Side
from predmarket.tui.state.axis import Axis
from predmarket.tui.state.formatting import gain_text, price_text, size_text
from predmarket.tui.state.ladder import (
    FALLEN,
    RISEN,
    Cancel,
    CancelAll,
    Intent,
    LadderData,
    LadderView,
    Move,
    Place,
    Row,
    gain_at,
)
from predmarket.units import Price, Qty


def describe(intent: Intent, view: LadderView) -> str:
    """Return an intent's effect: "BUY 10 at 0.60", "cancel BUY 25 at 0.58"."""
    match intent:
        case Place(side, price, index):
            verb = " takes" if view.row(price).takes(side) else ""
            size = size_text(size_of(view.data, index))
            return f"{side} {size} at {price_text(price, view.data.tick)}{verb}"
        case Cancel(side, price, ids):
            mine = size_text(view.row(price).mine(side))
            text = f"cancel {side} {mine} at {price_text(price, view.data.tick)}"
            return text if len(ids) == 1 else f"{text} ({len(ids)} orders)"
        case Move(side, price, _, to):
            mine, tick = size_text(view.row(price).mine(side)), view.data.tick
            return f"move {side} {mine} from {price_text(price, tick)} to {price_text(to, tick)}"
        case CancelAll(side):
            count = len(view.ids(side))
            orders = "1 order" if count == 1 else f"{count} orders"
            return f"cancel all {side} ({orders}, {size_text(view.working(side))})"


def size_of(data: LadderData, index: int) -> Qty:
    """Return the first (0) or second (1) size."""
    return data.sizes[data.second if index else data.size]


def spread_text(view: LadderView) -> str:
    """Return "spread 0.01", or that there is none."""
    return f"spread {'-' if view.spread is None else price_text(view.spread, view.data.tick)}"


def beyond(view: LadderView, axis: Axis, *, above: bool) -> str:
    """Return the best prices and own orders above or below the window; may be empty."""
    tick = axis.tick

    def out(price: Price | None) -> bool:
        if price is None:
            return False
        return price > axis.highest if above else price < axis.lowest

    parts = []
    for name, price in (("ask", view.best_ask), ("bid", view.best_bid), ("last", view.data.last)):
        if price is not None and out(price):
            parts.append(f"{name} {price_text(price, tick)}")
    mine = sum(order.remaining for order in view.data.own if out(order.price))
    if mine:
        parts.append(f"mine {size_text(mine)}")
    return f"{RISEN if above else FALLEN} {' · '.join(parts)}" if parts else ""


def plain_lines(view: LadderView, cursor: Price | None, room: int) -> list[str]:
    """Return the ladder as at most ``room`` lines, the most needed first."""
    lines = list(_summary(view, cursor))
    each = max(1, (room - len(lines) - 2) // 2)
    for name, side in (("asks", Side.SELL), ("bids", Side.BUY)):
        levels = [price for price, _ in view.levels(side)]
        rest = f", {len(levels) - each} more beyond" if len(levels) > each else ""
        lines.append(f"{len(levels)} {name}, best first{rest}")
        lines += [_level(view.row(price), side, view.data.tick) for price in levels[:each]]
    return lines[:room]


def _summary(view: LadderView, cursor: Price | None) -> Iterator[str]:
    data, tick = view.data, view.data.tick
    if not data.live:
        yield "no live data: nothing can be sent"
    if data.halted:
        yield data.halted
    yield "armed: keys and clicks send" if data.armed else "safe: nothing is sent"
    yield f"size {size_text(size_of(data, 0))}, second {size_text(size_of(data, 1))}"
    for name, price, book in (("bid", view.best_bid, data.bids), ("ask", view.best_ask, data.asks)):
        best = (
            "none" if price is None else f"{price_text(price, tick)} for {size_text(book[price])}"
        )
        yield f"best {name} {best}"
    yield spread_text(view)
    if data.last is not None:
        way = {True: ", up", False: ", down", None: ""}[data.last_up]
        yield f"last {price_text(data.last, tick)}{way}"
    buys, sells = view.working(Side.BUY), view.working(Side.SELL)
    yield f"working: buy {size_text(buys)}, sell {size_text(sells)}"
    if data.position_yes or data.position_no:
        yield f"holding: YES {size_text(data.position_yes)}, NO {size_text(data.position_no)}"
    if cursor is not None:
        gain = gain_at(data, cursor)
        closing = "" if gain is None else f", closing there {gain_text(gain)}"
        yield f"cursor {price_text(cursor, tick)}{closing}"


def _level(row: Row, side: Side, tick: Price) -> str:
    text = f"{price_text(row.price, tick)} for {size_text(row.resting(side))}"
    if row.mine(side):
        text += f", mine {size_text(row.mine(side))}"
        ahead = row.ahead(side)
        text += "" if ahead is None else f" behind {size_text(ahead)}"
    return text
