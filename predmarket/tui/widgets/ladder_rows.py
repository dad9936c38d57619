"""The ladder's rows as lines with bars; unchanged lines are reused.

Most frames change a few prices. So a row is rebuilt only if one of its facts has changed, and a
line only if its row, the scale of its bars or its marks have changed.
"""

from collections.abc import Iterable
from typing import NamedTuple

from predmarket.tui.state.axis import Axis
from predmarket.tui.state.ladder import Facts, LadderView, Row
from predmarket.tui.widgets.bars import eighths, round_up
from predmarket.tui.widgets.ladder_columns import ColumnKind
from predmarket.tui.widgets.ladder_lines import RowLine
from predmarket.units import Price, Qty


class Marks(NamedTuple):
    """What all the lines share, and the rows that stand out from them."""

    cells: tuple[int, int, int]
    """The widths of the columns that have bars: bid, ask, volume; 0 where one is missing."""
    stale: bool
    cursor: Price | None
    hover: tuple[Price, ColumnKind] | None


class RowLines:
    """The lines of one ladder as they were at the last frame, the highest price first."""

    def __init__(self) -> None:
        self._of: object = None
        self._look: object = None
        self._facts: list[Facts] = []
        self._rows: list[Row] = []
        self._depths: list[Qty] = []
        """What the longer bar of each row stands for."""
        self._lines: list[RowLine] = []

    def lines(self, view: LadderView, axis: Axis, marks: Marks) -> list[RowLine]:
        """Return a line for each price in sight."""
        changed = self._take(view, axis.prices())
        scales = (
            round_up(max(self._depths, default=0)),
            round_up(max([row.traded for row in self._rows], default=0)),
        )
        look = (scales, marks)
        if look != self._look or len(self._lines) != len(self._rows):
            self._look = look
            self._lines = [_line(row, scales, marks) for row in self._rows]
        else:
            for index in changed:
                self._lines[index] = _line(self._rows[index], scales, marks)
        return self._lines

    def _take(self, view: LadderView, prices: range) -> Iterable[int]:
        """Make the rows anew that are no longer as they were; return which."""
        facts = view.facts(prices)
        before, self._facts = self._facts, facts
        if self._of != (view.common, prices):
            self._of = (view.common, prices)
            self._rows = [*map(view.row_of, prices, facts)]
            self._depths = [*map(_depth, self._rows)]
            return range(len(facts))
        changed = [index for index, each in enumerate(facts) if each != before[index]]
        for index in changed:
            row = self._rows[index] = view.row_of(prices[index], facts[index])
            self._depths[index] = _depth(row)
        return changed


def _line(row: Row, scales: tuple[Qty, Qty], marks: Marks) -> RowLine:
    (full, traded), (bid_cells, ask_cells, volume_cells) = scales, marks.cells
    bid = row.bid if row.depth_bid is None else row.depth_bid
    ask = row.ask if row.depth_ask is None else row.depth_ask
    over = marks.hover is not None and marks.hover[0] == row.price
    return RowLine(
        row,
        eighths(bid, full, bid_cells),
        eighths(ask, full, ask_cells),
        eighths(row.traded, traded, volume_cells),
        marks.hover[1] if over and marks.hover else None,
        row.price == marks.cursor,
        marks.stale,
    )


def _depth(row: Row) -> Qty:
    bid = row.bid if row.depth_bid is None else row.depth_bid
    ask = row.ask if row.depth_ask is None else row.depth_ask
    return max(bid, ask)
