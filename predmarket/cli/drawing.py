"""Draws a grid as text: aligned columns, long text folded on a terminal, nothing ever cut."""

from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from predmarket.characters import clean
from predmarket.cli.grid import Grid

_STYLES = {
    "BUY": "green",
    "SELL": "red",
    "OPEN": "green",
    "FILLED": "green",
    "REJECTED": "red",
    "HALTED": "yellow",
}
_GAP = 2
"""Blanks between two columns."""
_SHORT = 20
"""Characters of a time: what is no longer is not folded where there is another way."""
_LEAST = 12
"""Characters that a folded column wants."""


def draw(grid: Grid, width: int | None, *, color: bool) -> str:
    """Return ``grid`` as text, its trailing blanks cut; a width of None is no terminal."""
    buffer = StringIO()
    console = Console(
        file=buffer,
        width=width or 1_000_000,
        force_terminal=color,
        no_color=not color,
        color_system="standard" if color else None,
    )
    if width and grid.headings:
        grid = grid.within(width, _GAP)
    table = Table(
        box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_header=bool(grid.headings)
    )
    whole = _whole(grid, width) if width else [True] * len(grid.numeric)
    for (heading, numeric), unfolded in zip(grid.columns(), whole, strict=True):
        table.add_column(
            Text(heading, style="bold"),
            justify="right" if numeric else "left",
            no_wrap=unfolded,
            overflow="fold",
        )
    for row in grid.rows:
        table.add_row(*(Text(clean(cell), style=_STYLES.get(cell, "")) for cell in row))
    console.print(table)
    return "".join(line.rstrip() + "\n" for line in buffer.getvalue().splitlines())


def _whole(grid: Grid, width: int) -> list[bool]:
    """Say of each column whether its cells stay on one line: short ones and numbers if that leaves
    the others room, else numbers, else none. A column that may not fold would be cut.
    """
    rows = [grid.headings or [""] * len(grid.numeric), *grid.rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    short = [width <= _SHORT for width in widths]
    gaps = _GAP * (len(widths) - 1)
    for whole in (short, grid.numeric):
        needed = [
            width if unfolded else min(width, _LEAST)
            for width, unfolded in zip(widths, whole, strict=True)
        ]
        if sum(needed) + gaps <= width:
            return [*whole]
    return [False] * len(widths)
