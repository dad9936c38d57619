"""Draws a grid as text: aligned columns, long text folded on a terminal, nothing ever cut."""

from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from predmarket.characters import clean
from predmarket.cli.grid import LEAST, Grid

_STYLES = {
    "BUY": "green",
    "SELL": "red",
    "OPEN": "green",
    "FILLED": "green",
    "REJECTED": "red",
    "HALTED": "yellow",
}
_SIGNS = {"▲": "green", "█": "green", "▼": "red", "▒": "red"}
"""Styles of figures by the sign before them, and of bars."""
_GAP = 2
"""Blanks between two columns."""
_SHORT = 20
"""Characters of a time: what is no longer is not folded where there is another way."""


def draw(grid: Grid, width: int | None, *, color: bool) -> tuple[str, list[str]]:
    """Return ``grid`` as text without trailing blanks, and the headings of columns that did not
    fit; a width of None means no terminal.

    No number is broken: if even the remaining columns are too wide, the text is wider.
    """
    left_out: list[str] = []
    if width and grid.headings:
        grid, left_out = grid.within(width, _GAP)
    cells = [[clean(cell) for cell in row] for row in grid.rows]
    whole, needed = _whole(grid, width) if width else ([True] * len(grid.numeric), 1_000_000)
    buffer = StringIO()
    console = Console(
        file=buffer,
        width=max(width or 0, needed),
        force_terminal=color,
        no_color=not color,
        color_system="standard" if color else None,
    )
    table = Table(
        box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_header=bool(grid.headings)
    )
    for (heading, numeric), unfolded in zip(grid.columns(), whole, strict=True):
        table.add_column(
            Text(heading, style="bold"),
            justify="right" if numeric else "left",
            no_wrap=unfolded,
            overflow="fold",
        )
    for row in cells:
        table.add_row(*(Text(cell, style=_style(cell)) for cell in row))
    console.print(table)
    lines = buffer.getvalue().splitlines()
    return "".join(line.rstrip() + "\n" for line in lines), left_out


def _style(cell: str) -> str:
    return _STYLES.get(cell) or _SIGNS.get(cell[:1], "")


def _whole(grid: Grid, width: int) -> tuple[list[bool], int]:
    """Say of each column whether its cells stay on one line, and how wide a table that needs:
    numbers do, and short texts if that leaves the others room.
    """
    rows = [grid.headings or [""] * len(grid.numeric), *grid.rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    short = [width <= _SHORT for width in widths]
    whole, needed = [*grid.numeric], 0
    for whole in (short, [*grid.numeric]):
        needed = _GAP * (len(widths) - 1) + sum(
            width if unfolded else min(width, LEAST)
            for width, unfolded in zip(widths, whole, strict=True)
        )
        if needed <= width:
            break
    return whole, needed
