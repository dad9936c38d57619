"""The columns of a table: which are shown in so much room, and how wide each is.

Columns are as wide as their widest content so far and never shrink, so that changing numbers move
nothing. If there is too little room, the least important columns are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from predmarket.tui.widgets.panel import Line, Span, fit

LEAST = 12
ESSENTIAL = 8


@dataclass(frozen=True, slots=True)
class Column:
    """``weight`` decides which goes first when room lacks: the lowest. ``stretch`` is cut before
    any goes, to ``roomy`` cells before those under ESSENTIAL go, which go with all others of their
    weight, and to ``LEAST`` before the others; ``fill`` takes the rest of the line."""

    heading: str
    numeric: bool = False
    weight: int = 9
    stretch: bool = False
    fill: bool = False
    roomy: int = LEAST


def number(heading: str, weight: int = 9) -> Column:
    """Return a column whose cells stand to the right."""
    return Column(heading, True, weight)


def text(
    heading: str, weight: int = 9, *, stretch: bool = False, fill: bool = False, roomy: int = LEAST
) -> Column:
    """Return a column whose cells stand to the left."""
    return Column(heading, False, weight, stretch or fill, fill, roomy)


class Columns:
    """The columns of one table with their widths; ``gap`` cells stand between two."""

    def __init__(self, columns: Sequence[Column], gap: int) -> None:
        self.columns = columns
        self._gap = gap
        self._widths = [cell_len(column.heading) for column in columns]

    @property
    def headings(self) -> list[Span]:
        """Return the cells of the heading."""
        return [Span(each.heading, "head") for each in self.columns]

    def widen(self, cells: Sequence[Span]) -> None:
        """Make room for the cells of a row."""
        for i, cell in enumerate(cells):
            self._widths[i] = max(self._widths[i], cell_len(cell.text))

    def at(self, x: int, width: int) -> int:
        """Return the number of the column at a place of a line of this width."""
        shown, widths = self.layout(width)
        left, column = 0, shown[0]
        for i, wide in zip(shown, widths, strict=True):
            if x >= left:
                column = i
            left += wide + self._gap
        return column

    def layout(self, width: int) -> tuple[list[int], list[int]]:
        """Return which columns are shown and how wide each is."""
        shown = [*range(len(self.columns))]
        least = sorted(shown, key=lambda i: (self.columns[i].weight, i))

        def needed(*, roomy: bool = False) -> int:
            cells = sum(self._least(i, roomy=roomy) for i in shown)
            return cells + self._gap * (len(shown) - 1)

        gone = 0
        for i in least:
            weight = self.columns[i].weight
            if weight < ESSENTIAL:
                leaves = weight == gone or needed(roomy=True) > width
            else:
                leaves = needed() > width
            if leaves and len(shown) > 1:
                gone = weight
                shown.remove(i)
        widths = [self._least(i) for i in shown]
        spare = width - needed()
        for n, i in enumerate(shown):
            if self.columns[i].stretch and spare > 0:
                more = spare if self.columns[i].fill else min(spare, self._widths[i] - widths[n])
                widths[n] += more
                spare -= more
        return shown, widths

    def _least(self, i: int, *, roomy: bool = False) -> int:
        column, widest = self.columns[i], self._widths[i]
        if not column.stretch:
            return widest
        return min(widest, column.roomy if roomy else LEAST)

    def line(self, cells: Sequence[Span], shown: list[int], widths: list[int]) -> Line:
        """Return a row's cells as a line of these columns."""
        spans: list[Span] = []
        for n, i in enumerate(shown):
            if n:
                spans.append(Span(" " * self._gap))
            right = self.columns[i].numeric
            spans.append(Span(fit(cells[i].text, widths[n], right=right), cells[i].tone))
        return Line(tuple(spans))
