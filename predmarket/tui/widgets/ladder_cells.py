"""The cells of a price's row: their values, and how they are painted.

From one frame to the next a row changes in a cell or two. So a cell's painting depends on its value
alone and is cached, and a row is assembled from cached cells.
"""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from rich.segment import Segment

from predmarket.enums import Side
from predmarket.tui.state.formatting import gain_text, price_text, size_text
from predmarket.tui.state.ladder import FALLEN, RISEN, Row
from predmarket.tui.widgets.bars import bar
from predmarket.tui.widgets.ladder_columns import Column, ColumnKind
from predmarket.tui.widgets.ladder_lines import RowLine
from predmarket.tui.widgets.palette import Palette
from predmarket.units import Money, Price, Qty

CURSOR = "▸"
UNKNOWN = "?"
"""Own orders whose place in the queue nobody told."""
_KEPT = 4096


class Size(NamedTuple):
    """What rests at a price and, where that is shown, up to it; its bar in eighths of a cell."""

    qty: Qty
    depth: Qty | None
    bar: int
    best: bool


class Mine(NamedTuple):
    """One's own size."""

    qty: Qty


class Ahead(NamedTuple):
    """What stands before one's own orders, None where nobody knows or there are none."""

    qty: Qty | None
    mine: Qty


class Center(NamedTuple):
    """The price itself, between its rules."""

    price: Price
    mark: str
    best_bid: bool
    best_ask: bool
    cursor: bool


class Volume(NamedTuple):
    """What has traded, with its bar in eighths of a cell."""

    qty: Qty
    bar: int


class Gain(NamedTuple):
    """What closing the position here would gain, None without one."""

    gain: Money | None


Cell: TypeAlias = Size | Mine | Ahead | Center | Volume | Gain

_MADE_OF: dict[ColumnKind, tuple[Callable[..., Cell], tuple[str, ...]]] = {
    ColumnKind.MINE_BID: (Mine, ("row.mine_bid",)),
    ColumnKind.AHEAD_BID: (Ahead, ("row.ahead_bid", "row.mine_bid")),
    ColumnKind.BID: (Size, ("row.bid", "row.depth_bid", "bid_bar", "row.best_bid")),
    ColumnKind.PRICE: (Center, ("row.price", "row.mark", "row.best_bid", "row.best_ask", "cursor")),
    ColumnKind.ASK: (Size, ("row.ask", "row.depth_ask", "ask_bar", "row.best_ask")),
    ColumnKind.AHEAD_ASK: (Ahead, ("row.ahead_ask", "row.mine_ask")),
    ColumnKind.MINE_ASK: (Mine, ("row.mine_ask",)),
    ColumnKind.VOLUME: (Volume, ("row.traded", "volume_bar")),
    ColumnKind.GAIN: (Gain, ("row.gain",)),
}
"""The cell of each column, and what of a RowLine it is made of."""


class Look(NamedTuple):
    """What lies under a cell, and whether it is to be believed."""

    grounds: tuple[str, ...]
    stale: bool

    def role(self, name: str) -> str:
        """Return the role of letters that would have ``name``."""
        return "stale" if self.stale else name


class _Place:
    """A column with what its cells are made of."""

    __slots__ = ("_make", "column", "kind", "values", "x")

    def __init__(self, column: Column) -> None:
        self._make, names = _MADE_OF[column.kind]
        self.column = column
        self.kind = column.kind
        self.x = column.x
        self.values: Callable[[RowLine], object] = attrgetter(*names)

    def cell(self, values: object) -> Cell:
        """Return the cell of ``values``, which is bare where there is but one."""
        return self._make(*values) if isinstance(values, tuple) else self._make(values)


class CellPainter:
    """Paints rows for one tick and palette, in columns that are ``width`` cells together."""

    def __init__(self, palette: Palette, placed: tuple[Column, ...], tick: Price) -> None:
        self.width = sum(column.width for column in placed)
        self._palette = palette
        self._columns = [_Place(column) for column in placed]
        self._tick = tick
        self._kept: dict[tuple[int, Look, object], tuple[Segment, ...]] = {}

    def paint(self, line: RowLine) -> list[Segment]:
        """Return the row's segments."""
        look = under = Look(_grounds(line), line.stale)
        if line.hover is not None and _acts(line.hover, line.row):
            look = look._replace(grounds=(*look.grounds, "target"))
        kept, segments = self._kept, list[Segment]()
        for place in self._columns:
            key = (place.x, look if place.kind is line.hover else under, place.values(line))
            segments += kept.get(key) or self._paint(place, key)
        return segments

    def _paint(self, place: "_Place", key: tuple[int, Look, object]) -> tuple[Segment, ...]:
        if len(self._kept) >= _KEPT:
            self._kept.clear()  # one frame that paints it all is cheaper than keeping count
        segments = tuple(self._segments(place.column, key[1], place.cell(key[2])))
        self._kept[key] = segments
        return segments

    def _segments(self, column: Column, look: Look, cell: Cell) -> Iterator[Segment]:
        side, width = column.kind.side, column.width
        match cell:
            case Size():
                yield from self._size(cell, side or Side.SELL, width, look)
            case Mine(qty):
                yield self._text(_own(size_text(qty) if qty else "", side, width), "mine", look)
            case Ahead(qty, mine):
                text = "" if not mine else UNKNOWN if qty is None else size_text(qty)
                yield self._text(_own(text, side, width), "ahead", look)
            case Center():
                yield from self._center(cell, look)
            case Volume(qty, length):
                yield self._text(" ", "volume", look)
                yield from bar(
                    pad(size_text(qty) if qty else "", width - 1, Side.SELL),
                    length,
                    role=look.role("volume"),
                    fill="stale-bar" if look.stale else "volume-bar",
                    grounds=look.grounds,
                    palette=self._palette,
                )
            case Gain(gain):
                text = "" if gain is None else gain_text(gain)
                role = {"+": "gain", "-": "loss"}.get(text[:1], "price")
                yield self._text(f"{text:>{width}}", role, look)

    def _size(self, cell: Size, side: Side, width: int, look: Look) -> Iterator[Segment]:
        name = "bid" if side is Side.BUY else "ask"
        shown = cell.qty if cell.depth is None or not cell.qty else cell.depth
        yield from bar(
            pad(size_text(shown) if shown else "", width, side),
            cell.bar,
            role=look.role(f"best-{name}" if cell.best else name),
            fill="stale-bar" if look.stale else f"{name}-bar",
            grounds=look.grounds,
            palette=self._palette,
            rightward=side is Side.SELL,
        )

    def _center(self, cell: Center, look: Look) -> Iterator[Segment]:
        best = "best-bid" if cell.best_bid else "best-ask" if cell.best_ask else None
        last = {RISEN: "last-up", FALLEN: "last-down"}.get(cell.mark, "last")
        text = f"{CURSOR if cell.cursor else ' '}{price_text(cell.price, self._tick)}"
        role = best or (last if cell.mark else "price")
        rules = [("┤", "best-bid") if cell.best_bid else ("│", "rule")]
        rules += [("├", "best-ask") if cell.best_ask else ("│", "rule")]
        yield self._text(*rules[0], look)
        yield self._text(text if cell.mark else f"{text} ", role, look)
        if cell.mark:
            yield self._text(cell.mark, last, look)
        yield self._text(*rules[1], look)

    def _text(self, text: str, role: str, look: Look) -> Segment:
        return Segment(text, self._palette.style(look.role(role), *look.grounds))


def pad(text: str, width: int, side: Side) -> str:
    """Put a number next to the price: at the right end of a bid cell, at the left of another."""
    if side is Side.BUY:
        return f"{text:>{width - 1}} "
    return f"{text:>6}".ljust(width)


def _own(text: str, side: Side | None, width: int) -> str:
    return f"{text:>{width - 1}} " if side is Side.BUY else f"{text:>{width}}"


def _grounds(line: RowLine) -> tuple[str, ...]:
    grounds: tuple[str, ...] = ()
    if line.row.inside and not line.stale:
        grounds += ("inside",)
    if line.hover is not None:
        grounds += ("hover",)
    if line.cursor:
        grounds += ("cursor",)
    return grounds


def _acts(kind: ColumnKind, row: Row) -> bool:
    """Return whether a click on a row's column does anything."""
    side = kind.side
    return side is not None and (not kind.own or row.mine(side) > 0)
