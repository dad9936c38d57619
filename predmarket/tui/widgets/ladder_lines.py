"""The ladder's lines: what each says, as a value that can be compared, and how it is painted.

A line that equals the one on the screen is not painted again, so everything that its look depends
on (but for width and colours, which change all lines at once) is in its value.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from rich.segment import Segment
from textual.strip import Strip

from predmarket.terms import Side
from predmarket.tui.desk.figures import gain_text, price_text, size_text
from predmarket.tui.desk.ladder import FALLEN, RISEN, Row
from predmarket.tui.widgets.bars import bar
from predmarket.tui.widgets.columns import Column, Kind
from predmarket.tui.widgets.palette import Palette
from predmarket.units import Price, Qty

CURSOR = "▸"
UNKNOWN = "?"
"""Own orders whose place in the queue nobody told."""


class HeadLine(NamedTuple):
    """The sizes to choose from, and whether a click sends."""

    sizes: tuple[Qty, ...]
    size: int
    second: int
    badge: str
    role: str


class TitleLine(NamedTuple):
    """The columns' names."""

    hover: Kind | None
    cumulative: bool
    stale: bool


class EdgeLine(NamedTuple):
    """What lies beyond the window."""

    text: str
    above: bool


class RowLine(NamedTuple):
    """A price with the lengths of its bars in eighths of a cell."""

    row: Row
    bid_bar: int
    ask_bar: int
    volume_bar: int
    hover: Kind | None
    cursor: bool
    stale: bool


class FootLine(NamedTuple):
    """Own totals at both ends, the spread between them."""

    left: str
    middle: str
    right: str


class TextLine(NamedTuple):
    """A sentence."""

    text: str
    role: str


Line: TypeAlias = HeadLine | TitleLine | EdgeLine | RowLine | FootLine | TextLine

BLANK = TextLine("", "foot")


def size_spans(sizes: tuple[Qty, ...], width: int) -> list[tuple[int, int]]:
    """Return the first cell and the width of each size in the head line."""
    texts = [size_text(qty) for qty in sizes]
    x = 5 if sum(len(text) + 2 for text in texts) + 13 <= width else 0
    spans = []
    for text in texts:
        spans.append((x, len(text) + 2))
        x += len(text) + 2
    return spans


class Painter:
    """Paints lines for one width, tick and palette."""

    def __init__(
        self, palette: Palette, placed: tuple[Column, ...], width: int, tick: Price
    ) -> None:
        self._palette = palette
        self._columns = placed
        self._width = width
        self._tick = tick

    def paint(self, line: Line) -> Strip:
        """Return the line as a strip of exactly the width."""
        return self._strip(self._segments(line))

    def _segments(self, line: Line) -> Iterable[Segment]:
        match line:
            case RowLine():
                return self._row(line)
            case HeadLine():
                return self._head(line)
            case TitleLine():
                return self._titles(line)
            case EdgeLine():
                return self._edge(line)
            case FootLine():
                return self._foot(line)
            case TextLine(text, role):
                return [Segment(text, self._palette.style(role))]

    def _strip(self, segments: Iterable[Segment]) -> Strip:
        strip = Strip(Segment.simplify(segments))
        return strip.adjust_cell_length(self._width, self._palette.style("foot"))

    def _row(self, line: RowLine) -> Iterator[Segment]:
        grounds: tuple[str, ...] = ()
        if line.row.inside and not line.stale:
            grounds += ("inside",)
        if line.hover is not None:
            grounds += ("hover",)
        if line.cursor:
            grounds += ("cursor",)
        for column in self._columns:
            aimed = line.hover is column.kind and _acts(column.kind, line.row)
            yield from self._cell(line, column, (*grounds, "target") if aimed else grounds)

    def _cell(self, line: RowLine, column: Column, grounds: tuple[str, ...]) -> Iterator[Segment]:
        row, width = line.row, column.width
        match column.kind:
            case Kind.BID:
                yield from self._size(line, Side.BUY, width, grounds)
            case Kind.ASK:
                yield from self._size(line, Side.SELL, width, grounds)
            case Kind.PRICE:
                yield from self._price(line, grounds)
            case Kind.VOLUME:
                yield self._text(" ", "volume", line, grounds)
                yield from bar(
                    _pad(size_text(row.traded) if row.traded else "", width - 1, Side.SELL),
                    line.volume_bar,
                    role="stale" if line.stale else "volume",
                    fill="stale-bar" if line.stale else "volume-bar",
                    grounds=grounds,
                    palette=self._palette,
                )
            case Kind.GAIN:
                text = "" if row.gain is None else gain_text(row.gain)
                role = {"+": "gain", "-": "loss"}.get(text[:1], "price")
                yield self._text(f"{text:>{width}}", role, line, grounds)
            case kind:
                yield self._own(line, kind, width, grounds)

    def _size(
        self, line: RowLine, side: Side, width: int, grounds: tuple[str, ...]
    ) -> Iterator[Segment]:
        row = line.row
        buys = side is Side.BUY
        name = "bid" if buys else "ask"
        best = row.best_bid if buys else row.best_ask
        qty, depth = row.resting(side), row.depth(side)
        shown = qty if depth is None or not qty else depth
        yield from bar(
            _pad(size_text(shown) if shown else "", width, side),
            line.bid_bar if buys else line.ask_bar,
            role="stale" if line.stale else f"best-{name}" if best else name,
            fill="stale-bar" if line.stale else f"{name}-bar",
            grounds=grounds,
            palette=self._palette,
            rightward=not buys,
        )

    def _own(self, line: RowLine, kind: Kind, width: int, grounds: tuple[str, ...]) -> Segment:
        side = kind.side
        assert side is not None  # the columns without a side are painted elsewhere
        mine, role, text = line.row.mine(side), "ahead", ""
        if mine and kind in {Kind.MINE_BID, Kind.MINE_ASK}:
            role, text = "mine", size_text(mine)
        elif mine:
            ahead = line.row.ahead(side)
            text = UNKNOWN if ahead is None else size_text(ahead)
        padded = f"{text:>{width - 1}} " if side is Side.BUY else f"{text:>{width}}"
        return self._text(padded, role, line, grounds)

    def _price(self, line: RowLine, grounds: tuple[str, ...]) -> Iterator[Segment]:
        row = line.row
        rule = "rule" if not line.stale else "stale"
        best = "best-bid" if row.best_bid else "best-ask" if row.best_ask else None
        last = {RISEN: "last-up", FALLEN: "last-down"}.get(row.mark, "last")
        role = best or (last if row.mark else "price")
        text = f"{CURSOR if line.cursor else ' '}{price_text(row.price, self._tick)}"
        left, right = ("best-bid" if row.best_bid else rule), ("best-ask" if row.best_ask else rule)
        yield self._text("┤" if row.best_bid else "│", left, line, grounds)
        yield self._text(text, role, line, grounds)
        yield self._text(row.mark or " ", last, line, grounds)
        yield self._text("├" if row.best_ask else "│", right, line, grounds)

    def _text(self, text: str, role: str, line: RowLine, grounds: tuple[str, ...]) -> Segment:
        return Segment(text, self._palette.style("stale" if line.stale else role, *grounds))

    def _head(self, line: HeadLine) -> Iterator[Segment]:
        style = self._palette.style
        spans = size_spans(line.sizes, self._width)
        if spans[0][0]:
            yield Segment("size ", style("head"))
        for index, qty in enumerate(line.sizes):
            text = size_text(qty)
            if index == line.size:
                yield Segment(f"[{text}]", style("size"))
            elif index == line.second:
                yield Segment(f"({text})", style("second"))
            else:
                yield Segment(f" {text} ", style("head"))
        used = spans[-1][0] + spans[-1][1]
        badge = f" {line.badge} "[: max(0, self._width - used)]
        yield Segment(" " * (self._width - used - len(badge)), style("head"))
        yield Segment(badge, style(line.role, line.role))

    def _titles(self, line: TitleLine) -> Iterator[Segment]:
        for column in self._columns:
            side, name, width = column.kind.side, column.kind.label, column.width
            if line.cumulative and column.kind in {Kind.BID, Kind.ASK}:
                name = f"Σ {name}"
            if column.kind in {Kind.BID, Kind.ASK}:
                text = _pad(name, width, side or Side.SELL)
            elif column.kind is Kind.VOLUME:
                text = " " + _pad(name, width - 1, Side.SELL)
            elif column.kind is Kind.PRICE:
                yield from self._ruled(f"{name:^{width - 2}}")
                continue
            elif side is Side.BUY:
                text = f"{name:>{width - 1}} "
            else:
                text = f"{name:>{width}}"
            aimed = line.hover is not None and line.hover.side is side and side is not None
            grounds = ("hover", "target") if aimed and line.hover is column.kind else ()
            yield Segment(text, self._palette.style("title", *grounds))

    def _ruled(self, text: str) -> Iterator[Segment]:
        rule = Segment("│", self._palette.style("rule"))
        yield rule
        yield Segment(text, self._palette.style("title"))
        yield rule

    def _edge(self, line: EdgeLine) -> Iterator[Segment]:
        """A rule that meets those beside the prices, and on it what lies beyond."""
        price = next(column for column in self._columns if column.kind is Kind.PRICE)
        rule = ["─"] * self._width
        for x in (price.x, price.x + price.width - 1):
            if x < self._width:
                rule[x] = "┼" if line.above else "┴"
        text = f" {line.text} "[: max(0, self._width - 3)] if line.text else ""
        yield Segment("".join(rule[:2]), self._palette.style("rule"))
        yield Segment(text, self._palette.style("edge"))
        yield Segment("".join(rule[2 + len(text) :]), self._palette.style("rule"))

    def _foot(self, line: FootLine) -> Iterator[Segment]:
        """The spread stands below the prices, or between the totals where these leave no room;
        where even that is little, its figure alone.
        """
        if len(line.left) + len(line.middle) + len(line.right) + 2 > self._width:
            line = line._replace(middle=line.middle.rpartition(" ")[2])
        price = next(column for column in self._columns if column.kind is Kind.PRICE)
        centre = price.x + price.width // 2
        at = max(len(line.left) + 1, centre - len(line.middle) // 2)
        asks = [column for column in self._columns if column.kind.side is Side.SELL]
        end = max(asks[-1].x + asks[-1].width, at + len(line.middle) + len(line.right) + 1)
        end = min(end, self._width)
        text = f"{line.left:<{at}}{line.middle}"
        text += f"{line.right:>{max(0, end - len(text))}}"
        yield Segment(text[: self._width], self._palette.style("foot"))


def _acts(kind: Kind, row: Row) -> bool:
    """Return whether a click on a row's column does anything."""
    side = kind.side
    return side is not None and (not kind.own or row.mine(side) > 0)


def _pad(text: str, width: int, side: Side) -> str:
    """Put a number next to the price: at the right end of a bid cell, at the left of another."""
    if side is Side.BUY:
        return f"{text:>{width - 1}} "
    return f"{text:>6}".ljust(width)
