"""How the ladder's lines are painted, for one width, tick and palette."""

from collections.abc import Iterable, Iterator

from rich.segment import Segment
from textual.strip import Strip

from predmarket.enums import Side
from predmarket.tui.state.formatting import size_text
from predmarket.tui.widgets.ladder_cells import CellPainter, pad
from predmarket.tui.widgets.ladder_columns import Column, ColumnKind
from predmarket.tui.widgets.ladder_lines import (
    EdgeLine,
    FootLine,
    HeadLine,
    Line,
    RowLine,
    TextLine,
    TitleLine,
    size_spans,
)
from predmarket.tui.widgets.palette import Palette
from predmarket.units import Price


class Painter:
    """Paints any line."""

    def __init__(
        self, palette: Palette, placed: tuple[Column, ...], width: int, tick: Price
    ) -> None:
        self._palette = palette
        self._columns = placed
        self._width = width
        self._rows = CellPainter(palette, placed, tick)

    def paint(self, line: Line) -> Strip:
        """Return the line as a strip of exactly the width."""
        if isinstance(line, RowLine):
            strip = Strip(self._rows.paint(line), self._rows.width)
        else:
            strip = Strip(self._segments(line))
        return strip.adjust_cell_length(self._width, self._palette.style("foot"))

    def _segments(self, line: Line) -> Iterable[Segment]:
        match line:
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
            case RowLine():
                return self._rows.paint(line)

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
            if line.cumulative and column.kind in {ColumnKind.BID, ColumnKind.ASK}:
                name = f"Σ {name}"
            if column.kind in {ColumnKind.BID, ColumnKind.ASK}:
                text = pad(name, width, side or Side.SELL)
            elif column.kind is ColumnKind.VOLUME:
                text = " " + pad(name, width - 1, Side.SELL)
            elif column.kind is ColumnKind.PRICE:
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
        price = next(column for column in self._columns if column.kind is ColumnKind.PRICE)
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
        price = next(column for column in self._columns if column.kind is ColumnKind.PRICE)
        centre = price.x + price.width // 2
        at = max(len(line.left) + 1, centre - len(line.middle) // 2)
        asks = [column for column in self._columns if column.kind.side is Side.SELL]
        end = max(asks[-1].x + asks[-1].width, at + len(line.middle) + len(line.right) + 1)
        end = min(end, self._width)
        text = f"{line.left:<{at}}{line.middle}"
        text += f"{line.right:>{max(0, end - len(text))}}"
        yield Segment(text[: self._width], self._palette.style("foot"))
