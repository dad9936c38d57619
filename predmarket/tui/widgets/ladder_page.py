"""The ladder's page: the position of each line at a size, and the meaning of each cell.

From the top: sizes, titles, the summary above the window, prices, the summary below it, own totals,
and the effect of a click. On a short page the last of these are left out first, the prices never.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from predmarket.enums import Side
from predmarket.tui.state.axis import Axis
from predmarket.tui.state.formatting import size_text
from predmarket.tui.state.ladder import CancelAll, Intent, LadderView, Place
from predmarket.tui.state.ladder_text import beyond, describe, plain_lines, spread_text
from predmarket.tui.widgets.ladder_columns import Column, ColumnKind, bar_cells, columns
from predmarket.tui.widgets.ladder_lines import (
    BLANK,
    EdgeLine,
    FootLine,
    HeadLine,
    Line,
    TextLine,
    TitleLine,
    size_spans,
)
from predmarket.tui.widgets.ladder_rows import Marks, RowLines
from predmarket.units import Price, Qty

_HEAD_FROM, _TITLE_FROM, _FOOT_FROM, _EDGES_FROM, _HINT_FROM = 6, 4, 3, 8, 20
"""The heights from which each line has its place."""


class Pointer(NamedTuple):
    """Where the mouse is."""

    x: int
    y: int


class Spot(NamedTuple):
    """What a cell stands for: a price's column, a title (no price), or a size to choose."""

    y: int
    kind: ColumnKind
    price: Price | None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One size of the widget; its lines and its cells. ``kept`` has the rows of the last frame."""

    width: int
    height: int
    axis: Axis
    plain: bool = False
    kept: RowLines = field(default_factory=RowLines)

    @property
    def _before(self) -> int:
        return (self.height >= _HEAD_FROM) + (self.height >= _TITLE_FROM)

    @property
    def _after(self) -> int:
        return (self.height >= _FOOT_FROM) + (self.height >= _HINT_FROM)

    @property
    def _edges(self) -> bool:
        return self.height >= _EDGES_FROM and self._room < self.axis.count

    @property
    def _room(self) -> int:
        return max(0, self.height - self._before - self._after)

    @property
    def rows(self) -> int:
        """Return how many prices have room."""
        return self._room - 2 * self._edges

    @property
    def _first(self) -> int:
        return self._before + self._edges

    def spot(self, pointer: Pointer, sizes: tuple[Qty, ...]) -> Spot | None:
        """Return what the cell under the pointer stands for, None where there is nothing."""
        if self.plain:
            return None
        x, y = pointer
        if y == 0 and self.height >= _HEAD_FROM:
            for index, (start, cells) in enumerate(size_spans(sizes, self.width)):
                if start <= x < start + cells:
                    return Spot(y, ColumnKind.PRICE, None, index)
            return None
        kind = self._kind(x)
        if kind is None:
            return None
        if y == self._before - 1:
            return Spot(y, kind, None)
        row = y - self._first
        return Spot(y, kind, self.axis.price(row)) if 0 <= row < self.axis.shown else None

    def _kind(self, x: int) -> ColumnKind | None:
        for column in self._columns:
            if column.x <= x < column.x + column.width:
                return column.kind
        return None

    @property
    def _columns(self) -> tuple[Column, ...]:
        return columns(self.width, self.axis.tick)

    def lines(
        self,
        view: LadderView,
        cursor: Price | None,
        pointer: Pointer | None,
        *,
        focused: bool,
        note: str = "",
    ) -> list[Line]:
        """Return every line of the page as it should look now; ``note`` goes before the hint."""
        if self.plain:
            texts = plain_lines(view, cursor, self.height)
            words: list[Line] = [TextLine(text, "foot") for text in texts]
            return words + [BLANK] * (self.height - len(words))
        data = view.data
        spot = self.spot(pointer, data.sizes) if pointer else None
        hint = TextLine(self._hint(view, cursor if focused else None, spot), "hint")
        if note:
            hint = TextLine(note, "note")
        lines: list[Line] = []
        if self.height >= _HEAD_FROM:
            badge, role = _badge(view)
            lines.append(HeadLine(data.sizes, data.size, data.second, badge, role))
        if self.height >= _TITLE_FROM:
            hover = spot.kind if spot and spot.price is None and spot.size is None else None
            cumulative = view.cumulative
            lines.append(TitleLine(hover, cumulative, not data.live))
        if self._edges:
            lines.append(EdgeLine(beyond(view, self.axis, above=True), above=True))
        lines += self.kept.lines(view, self.axis, self._marks(view, cursor, spot))
        if self._edges:
            lines.append(EdgeLine(beyond(view, self.axis, above=False), above=False))
        if self.height >= _HINT_FROM:
            lines += [_foot(view), hint]
        elif self.height >= _FOOT_FROM:
            lines.append(hint if hint.text else _foot(view))
        return lines + [BLANK] * (self.height - len(lines))

    def _marks(self, view: LadderView, cursor: Price | None, spot: Spot | None) -> Marks:
        data = view.data
        over = (spot.price, spot.kind) if spot and spot.price is not None else None
        return Marks(
            cells=bar_cells(self.width, self.axis.tick),
            stale=not data.live or data.halted is not None,
            cursor=cursor,
            hover=over,
        )

    def _hint(self, view: LadderView, cursor: Price | None, spot: Spot | None) -> str:
        """Return what a click would do, else what the keys would, else why nothing does."""
        data = view.data
        if not data.live:
            return "no live data: entry stopped"
        if spot is not None and spot.size is not None:
            return f"size {size_text(data.sizes[spot.size])}: click first, right click second"
        text = ""
        if spot is not None and (side := spot.kind.side) is not None:
            intent: Intent | None
            if spot.price is None:
                intent = CancelAll(side) if view.ids(side) else None
            elif spot.kind.own:
                intent = view.cancel(side, spot.price)
            else:
                intent = Place(side, spot.price, 0)
            if isinstance(intent, Place):
                second = size_text(data.sizes[data.second])
                text = f"click {describe(intent, view)}, right {second}"
            elif intent is not None:
                text = f"click {describe(intent, view)}"
            if data.halted and isinstance(intent, Place):
                text = ""
        if not text and data.halted:
            return data.halted
        if not text and cursor is not None:
            size = size_text(data.sizes[data.size])
            text = f"b buy {size}  s sell {size}  x cancel"
        return text


def _badge(view: LadderView) -> tuple[str, str]:
    data = view.data
    if not data.live:
        return "STALE", "stopped"
    if data.halted:
        return "STOP", "stopped"
    return ("ARM", "arm") if data.armed else ("SAFE", "safe")


def _foot(view: LadderView) -> FootLine:
    buys, sells = view.working(Side.BUY), view.working(Side.SELL)
    return FootLine(f"{size_text(buys)} working", spread_text(view), f"{size_text(sells)} working")
