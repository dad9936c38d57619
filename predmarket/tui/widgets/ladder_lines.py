"""The ladder's lines as values that can be compared.

A line that equals the one on the screen is not painted again. So its value holds everything that
its look depends on, except width and colours, which change all lines at once.
"""

from typing import NamedTuple, TypeAlias

from predmarket.tui.state.formatting import size_text
from predmarket.tui.state.ladder import Row
from predmarket.tui.widgets.ladder_columns import ColumnKind
from predmarket.units import Qty


class HeadLine(NamedTuple):
    """The sizes to choose from, and whether a click sends."""

    sizes: tuple[Qty, ...]
    size: int
    second: int
    badge: str
    role: str


class TitleLine(NamedTuple):
    """The columns' names."""

    hover: ColumnKind | None
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
    hover: ColumnKind | None
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
