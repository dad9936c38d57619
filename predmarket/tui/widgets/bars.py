"""Bars behind numbers, an eighth of a cell fine.

A bar is the background of its cells, so a number on it stays readable. If its end falls into a
cell, a block of one to seven eighths is drawn, unless the cell has a digit.
"""

from collections.abc import Iterator

from rich.segment import Segment
from rich.style import Style

from predmarket.tui.widgets.palette import Palette
from predmarket.units import Qty

EIGHTHS = " ▏▎▍▌▋▊▉"
_STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100)
_FROM_RIGHT = {1: "▕", 4: "▐"}


def eighths(value: int, full: int, cells: int) -> int:
    """Return how long the bar of ``value`` is where ``full`` fills ``cells``; at least 1 if any."""
    if value <= 0 or full <= 0:
        return 0
    return max(1, min(value, full) * cells * 8 // full)


def round_up(qty: Qty) -> Qty:
    """Return a round size of two digits, at least ``qty``: a scale that seldom changes."""
    power: int = 10 ** max(0, len(str(qty)) - 2)
    return next(step * power for step in _STEPS if step * power >= qty)


def bar(
    text: str,
    length: int,
    *,
    role: str,
    fill: str,
    grounds: tuple[str, ...],
    palette: Palette,
    rightward: bool = True,
) -> Iterator[Segment]:
    """Yield ``text`` with a bar of ``length`` eighths behind it, from its left or right end."""
    cells, rest = divmod(min(length, len(text) * 8), 8)
    at = cells if rightward else len(text) - cells - 1
    blank = rest > 0 and text[at] == " "
    if rest >= 4 and not blank:
        cells += 1
    on, off = palette.style(role, *grounds, fill), palette.style(role, *grounds)
    if rightward:
        yield from _some(text[:cells], on)
        if blank:
            yield Segment(EIGHTHS[rest], palette.edge(fill, grounds))
        yield from _some(text[cells + blank :], off)
    else:
        cut = len(text) - cells
        yield from _some(text[: cut - blank], off)
        if blank and rest in _FROM_RIGHT:
            yield Segment(_FROM_RIGHT[rest], palette.edge(fill, grounds))
        elif blank:  # other blocks grow from the left alone: the empty part of the cell is drawn
            yield Segment(EIGHTHS[8 - rest], palette.edge(fill, grounds, inverse=True))
        yield from _some(text[cut:], on)


def _some(text: str, style: Style) -> Iterator[Segment]:
    if text:
        yield Segment(text, style)
