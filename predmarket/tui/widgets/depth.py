"""The depth chart: bids rise to the left of the middle, asks to the right.

Above the drawing are the sums of both sides, below it the prices. The pointer shows the resting
size from the best price to its position.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.strip import Strip

from predmarket.enums import Side
from predmarket.tui.state.depth import REACHES, Cell, DepthData, DepthView, plain_lines
from predmarket.tui.state.formatting import price_text, size_text
from predmarket.tui.widgets.bars import round_up
from predmarket.tui.widgets.line_widget import LineWidget
from predmarket.tui.widgets.palette import Palette
from predmarket.units import Qty

_BLOCKS = " ▁▂▃▄▅▆▇█"
_AXIS_FROM, _HEAD_FROM = 3, 4
_PREFIX = "depth--"


class Run(NamedTuple):
    """Some cells in one role."""

    text: str
    role: str


class Depth(LineWidget[tuple[Run, ...]], can_focus=True):
    """Draws ``data``; whoever owns it changes it and calls tick() once a frame."""

    DEFAULT_CSS = """
    Depth {
        background: $surface;
        color: $foreground;
        height: 1fr;

        & > .depth--bids { color: $success 70%; }
        & > .depth--asks { color: $error 70%; }
        & > .depth--best-bid { color: $text-success; text-style: bold; }
        & > .depth--best-ask { color: $text-error; text-style: bold; }
        & > .depth--head { color: $text-muted; }
        & > .depth--axis { color: $text-muted; }
        & > .depth--rule { color: $foreground 25%; }
        & > .depth--stale { color: $foreground 38%; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        _PREFIX + role
        for role in ("bids", "asks", "best-bid", "best-ask", "head", "axis", "rule", "stale")
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("z", "reach", "Reach", id="depth.reach", tooltip="Look closer, or at it all."),
    ]

    def __init__(
        self,
        data: DepthData | None = None,
        *,
        plain: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.data = data or DepthData()
        self.plain = plain
        self._reach = 0
        self._pointer: int | None = None
        self._palette: Palette | None = None

    def cycle_reach(self) -> None:
        """Look closer at the middle; after the closest, at the whole book again."""
        self._reach = (self._reach + 1) % len(REACHES)
        self.tick()

    def action_reach(self) -> None:
        self.cycle_reach()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        offset = event.get_content_offset(self)
        self._pointer = None if offset is None else offset.x

    def on_leave(self) -> None:
        self._pointer = None

    def wanted(self, size: Size) -> Sequence[tuple[Run, ...]]:
        width, height = size
        reach = max(REACHES[self._reach], 2 * self.data.tick)
        view = DepthView(self.data, min(reach, 5_000))
        if self.plain:
            texts = plain_lines(view, height)
            return [(Run(text, "head"),) for text in texts] + [()] * (height - len(texts))
        return list(depth_lines(view, width, height, self._pointer))

    def forget(self) -> None:
        self._palette = None

    def paint(self, line: tuple[Run, ...]) -> Strip:
        if self._palette is None:
            self._palette = Palette(self, _PREFIX)
        return paint(line, self.size.width, self._palette)


def paint(line: tuple[Run, ...], width: int, palette: Palette) -> Strip:
    """Return runs as a strip of exactly ``width`` cells."""
    segments = [Segment(run.text, palette.style(run.role)) for run in line]
    return Strip(segments).adjust_cell_length(width, palette.style("head"))


def depth_lines(
    view: DepthView, width: int, height: int, pointer: int | None
) -> Iterator[tuple[Run, ...]]:
    """Yield the lines of the drawing, from the top."""
    cells = list(view.cells(width))
    head, axis = height >= _HEAD_FROM, height >= _AXIS_FROM
    rows = height - head - axis
    full = round_up(max((cell.depth for cell in cells), default=0))
    if head:
        at = None if pointer is None or not 0 <= pointer < width else cells[pointer]
        yield tuple(_head(view, cells, at, width))
    for row in range(rows):
        yield tuple(_row(view, cells, full, rows, row))
    if axis:
        yield tuple(_axis(view, width))


def _head(view: DepthView, cells: list[Cell], at: Cell | None, width: int) -> Iterator[Run]:
    """The sums at both ends; between them the spread, or what the pointer is on."""
    sums = [max((cell.depth for cell in cells if cell.side is side), default=0) for side in Side]
    left, right = texts = [size_text(qty) for qty in sums]
    if sum(map(len, texts)) + len(" bids  asks") <= width:
        left, right = f"{left} bids", f"{right} asks"
    middle = "no book"
    if at is not None:
        middle = view.words(at.price, at.side)
    elif view.best_bid is not None and view.best_ask is not None:
        middle = f"spread {price_text(view.best_ask - view.best_bid, view.data.tick)}"
    elif view.best_bid is not None or view.best_ask is not None:
        middle = "one side"
    live = view.data.live
    room = width - len(left) - len(right)
    if room < len(middle) + 2:
        middle = ""
    yield Run(left, "best-bid" if live else "stale")
    yield Run(f"{middle if live else 'no live data':^{max(0, room)}}", "head")
    yield Run(right, "best-ask" if live else "stale")


def _row(view: DepthView, cells: Iterable[Cell], full: Qty, rows: int, row: int) -> Iterator[Run]:
    """One row of blocks; a side that has anything shows at least an eighth at the bottom."""

    def look(cell: Cell) -> tuple[str, str]:
        steps = cell.depth * rows * 8 // full if full else 0
        steps = max(steps, 1) if cell.depth else 0
        block = _BLOCKS[max(0, min(8, steps - (rows - 1 - row) * 8))]
        role = "bids" if cell.side is Side.BUY else "asks"
        return block, role if view.data.live else "stale"

    looks = [look(cell) for cell in cells]
    for role, group in groupby(looks, key=lambda pair: pair[1]):
        yield Run("".join(block for block, _ in group), role)


def _axis(view: DepthView, width: int) -> Iterator[Run]:
    """The lowest and the highest price at the ends, the best ones where they are."""
    data = view.data
    text = [" "] * width
    roles = ["axis"] * width

    def put(price: int, role: str) -> None:
        label = price_text(price, data.tick)
        span = view.high - view.low
        x = (price - view.low) * width // span - len(label) // 2
        x = max(0, min(x, width - len(label)))
        around = text[max(0, x - 1) : x + len(label) + 1]
        if view.low <= price <= view.high and not "".join(around).strip():
            text[x : x + len(label)] = label
            roles[x : x + len(label)] = [role if data.live else "stale"] * len(label)

    if view.best_bid is not None:
        put(view.best_bid, "best-bid")
    if view.best_ask is not None:
        put(view.best_ask, "best-ask")
    quarter = (view.high - view.low) // 4
    for price in (view.low, view.low + quarter):
        put(-(-price // data.tick) * data.tick, "axis")
    for price in (view.high, view.high - quarter):
        put(price // data.tick * data.tick, "axis")
    for role, group in groupby(zip(text, roles, strict=True), key=lambda pair: pair[1]):
        yield Run("".join(char for char, _ in group), role)
