"""The tape of trades: time, direction, price, size with a bar behind it, and how many in one.

▲ is a buying taker, ▼ a selling one. Columns have fixed positions. If there is too little room, the
count is left out first, then the time.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual.geometry import Size
from textual.strip import Strip

from predmarket.enums import Side
from predmarket.tui.state.formatting import SIZE_CELLS, decimals_of, price_text, size_text
from predmarket.tui.state.ladder import FALLEN, RISEN
from predmarket.tui.state.tape import Print, TapeData, clock_text, prints
from predmarket.tui.widgets.bars import bar, eighths, round_up
from predmarket.tui.widgets.line_widget import LineWidget
from predmarket.tui.widgets.palette import Palette
from predmarket.units import Price

_PREFIX = "tape--"
_TIME, _COUNT = 10, 6
_ROLES = ("time", "up", "down", "qty", "count", "stale", "up-bar", "down-bar", "stale-bar")


class Printed(NamedTuple):
    """A print and the length of its bar in eighths; None is an empty line."""

    print: Print | None
    length: int = 0
    live: bool = True
    tick: Price = 100
    offset_seconds: int = 0


class Tape(LineWidget[Printed | str], can_focus=True):
    """Draws ``data``; whoever owns it changes it and calls tick() once a frame."""

    FOCUS_ON_CLICK = False  # a click there must not take the order keys from the ladder

    DEFAULT_CSS = """
    Tape {
        background: $surface;
        color: $foreground;
        height: 1fr;

        & > .tape--time { color: $text-muted; }
        & > .tape--up { color: $text-success; }
        & > .tape--down { color: $text-error; }
        & > .tape--qty { color: $foreground; }
        & > .tape--count { color: $text-muted; }
        & > .tape--stale { color: $foreground 38%; }
        & > .tape--up-bar { background: $success 32%; }
        & > .tape--down-bar { background: $error 36%; }
        & > .tape--stale-bar { background: $foreground 8%; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {_PREFIX + role for role in _ROLES}

    def __init__(
        self,
        data: TapeData | None = None,
        *,
        plain: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.data = data or TapeData()
        self.plain = plain
        self._palette: Palette | None = None

    def wanted(self, size: Size) -> Sequence[Printed | str]:
        width, height = size
        if self.plain:
            shown = [spoken(each, self.data) for each in prints(self.data.trades, height)]
            return shown + [""] * (height - len(shown))
        return tape_lines(self.data, width, height)

    def forget(self) -> None:
        self._palette = None

    def paint(self, line: Printed | str) -> Strip:
        if self._palette is None:
            self._palette = Palette(self, _PREFIX)
        return paint(line, self.size.width, self._palette)


def spoken(each: Print, data: TapeData) -> str:
    """Return a print as a sentence."""
    text = f"{clock_text(each.at, data.offset_seconds)} {each.taker.lower()}"
    text += f" {size_text(each.qty)} at {price_text(each.price, data.tick)}"
    return text if each.trades == 1 else f"{text}, {each.trades} trades"


def tape_lines(data: TapeData, width: int, height: int) -> list[Printed | str]:
    """Return the newest prints, one a line, with bars on one scale."""
    shown = list(prints(data.trades, height))
    full = round_up(max((each.qty for each in shown), default=0))
    cells = _size_cells(width, data.tick)
    lines: list[Printed | str] = [
        Printed(each, eighths(each.qty, full, cells), data.live, data.tick, data.offset_seconds)
        for each in shown
    ]
    return lines + [Printed(None)] * (height - len(lines))


def paint(line: Printed | str, width: int, palette: Palette) -> Strip:
    """Return a line as a strip of exactly ``width`` cells."""
    if isinstance(line, str):
        segments = [Segment(line, palette.style("qty"))]
    else:
        segments = list(_segments(line, width, palette))
    return Strip(segments).adjust_cell_length(width, palette.style("time"))


def _shape(width: int, tick: Price) -> tuple[bool, bool]:
    """Return whether the time and the count have room."""
    least = decimals_of(tick) + 4 + SIZE_CELLS + 3
    return width >= least + _TIME, width >= least + _TIME + _COUNT


def _size_cells(width: int, tick: Price) -> int:
    time, count = _shape(width, tick)
    taken = _TIME * time + decimals_of(tick) + 4 + 3 + _COUNT * count
    return max(SIZE_CELLS, width - taken)


def _segments(line: Printed, width: int, palette: Palette) -> Iterator[Segment]:
    each = line.print
    if each is None:
        return
    time, count = _shape(width, line.tick)
    up = each.taker is Side.BUY
    name = "up" if up else "down"
    style = palette.style
    if time:
        text = f"{clock_text(each.at, line.offset_seconds):<{_TIME}}"
        yield Segment(text, style("time" if line.live else "stale"))
    text = f"{RISEN if up else FALLEN} {price_text(each.price, line.tick)}"
    yield Segment(text, style(name if line.live else "stale"))
    yield Segment(" × ", style("time" if line.live else "stale"))
    yield from bar(
        f"{size_text(each.qty):>{SIZE_CELLS}}".ljust(_size_cells(width, line.tick)),
        line.length,
        role="qty" if line.live else "stale",
        fill=f"{name}-bar" if line.live else "stale-bar",
        grounds=(),
        palette=palette,
    )
    if count:
        text = "" if each.trades == 1 else f"{min(each.trades, 9999)}×"
        yield Segment(f"{text:>{_COUNT}}", style("count" if line.live else "stale"))
