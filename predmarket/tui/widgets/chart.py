"""The chart of a market's price: candles or a line, drawn in cells of our own.

A candle is a column of box characters, two steps a cell; the line is dots of braille, four a cell.
The price axis stands on the right, where the newest price is; the last price is marked on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from predmarket.contracts.markets import Interval
from predmarket.tui.state import formatting, plot
from predmarket.tui.state.candles import Candle
from predmarket.tui.state.ladder import FALLEN, RISEN
from predmarket.tui.state.plot import Scale, Slots
from predmarket.tui.widgets.panel import Line, Panel, Span, fit
from predmarket.units import Micros, Price

_CANDLE = " ╷╻╵│╽╹╿┃"
"""By what the upper and the lower half of a cell hold: nothing, wick or body, 3 × upper + lower."""
_FALLING = " ╷▖╵│▖▘▘▌"
"""Likewise, for a candle that fell where no colour tells: its body is broader."""
_BARS = " ▁▂▃▄▅▆▇█"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of braille, by row and column."""
_NONE, _WICK, _BODY = 0, 1, 2
_VOLUME_FROM = 12
"""Rows from which there is room for volume."""


class ChartKind(Enum):
    """How prices are drawn."""

    CANDLES = "candles"
    LINE = "line"


@dataclass(slots=True)
class ChartData:
    """What a chart shows. ``version`` moves with the candles; ``now`` is read when drawn."""

    tick: Price = 100
    interval: Interval = Interval.QUARTER
    kind: ChartKind = ChartKind.CANDLES
    candles: Sequence[Candle] = ()
    version: int = 0
    last: Price | None = None
    rising: bool | None = None
    now: Micros = 0
    plain: bool = False
    colourless: bool = False
    note: str = ""
    """Shown in place of the chart, such as "loading"."""

    def slot_now(self) -> Micros:
        """Return the interval that holds now, in intervals since 1970."""
        return self.now // self.interval.micros


@dataclass(slots=True)
class _Sheet:
    """Cells to draw on, each a character and a tone."""

    width: int
    height: int
    chars: list[list[str]] = field(default_factory=list)
    tones: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chars = [[" "] * self.width for _ in range(self.height)]
        self.tones = [["plain"] * self.width for _ in range(self.height)]

    def put(self, x: int, y: int, text: str, tone: str) -> None:
        for i, char in enumerate(text):
            if 0 <= x + i < self.width and 0 <= y < self.height:
                self.chars[y][x + i] = char
                self.tones[y][x + i] = tone

    def lines(self) -> list[Line]:
        return [
            Line(tuple(_runs(chars, tones)))
            for chars, tones in zip(self.chars, self.tones, strict=True)
        ]


def _runs(chars: Sequence[str], tones: Sequence[str]) -> list[Span]:
    spans: list[Span] = []
    start = 0
    for i in range(1, len(chars) + 1):
        if i == len(chars) or tones[i] != tones[start]:
            spans.append(Span("".join(chars[start:i]), tones[start]))
            start = i
    return spans


def draw(data: ChartData, width: int, height: int) -> list[Line]:
    """Return the chart in ``width`` × ``height`` cells."""
    labels = 3 + (2 if data.tick >= 100 else 3 if data.tick >= 10 else 4)
    columns = width - labels - 1
    if height < 4 or columns < 8:
        return [Line((Span(fit("too small", width), "dim"),))]
    cut = plot.slots(data.candles, data.interval, columns, data.now)
    prices = [each for candle in cut.candles if candle for each in (candle.low, candle.high)]
    prices += [price for price in (data.last, *cut.closes) if price is not None]
    if data.note or not prices:
        return _notice(data.note or "no trades yet", width, height)
    volume = 2 if height >= _VOLUME_FROM else 0
    rows = height - 1 - volume
    scale = plot.scale(min(prices), max(prices), data.tick, rows)
    sheet = _Sheet(width, height)
    _axes(sheet, data, scale, cut, rows, columns)
    if data.kind is ChartKind.CANDLES:
        _candles(sheet, cut, scale, rows, _FALLING if data.colourless else _CANDLE)
    else:
        _line(sheet, cut, scale, rows)
    if volume:
        _volume(sheet, cut, rows, volume)
    _mark(sheet, data, scale, rows, columns)
    return sheet.lines()


def _notice(text: str, width: int, height: int) -> list[Line]:
    lines = [Line((Span(" " * width),)) for _ in range(height)]
    lines[height // 2] = Line((Span(text.center(width), "dim"),))
    return lines


def _axes(
    sheet: _Sheet, data: ChartData, scale: Scale, cut: Slots, rows: int, columns: int
) -> None:
    finest = min(data.tick, scale.step)
    for price in scale.labels():
        y = scale.place(price, rows)
        sheet.put(0, y, "┈" * columns, "grid")
        sheet.put(columns + 1, y, " " + formatting.price(price, finest), "dim")
    for slot, label in plot.time_labels(cut.starts, data.interval, 10):
        for y in range(rows):
            if sheet.chars[y][slot] == " ":
                sheet.put(slot, y, "┊", "grid")
        sheet.put(slot, sheet.height - 1, label, "dim")


def _candles(sheet: _Sheet, cut: Slots, scale: Scale, rows: int, falling: str) -> None:
    for x, candle in enumerate(cut.candles):
        if candle is None:
            continue
        halves = [_NONE] * (2 * rows)
        for part, top, bottom in (
            (_WICK, candle.high, candle.low),
            (_BODY, max(candle.open, candle.close), min(candle.open, candle.close)),
        ):
            first, last = scale.place(top, 2 * rows), scale.place(bottom, 2 * rows)
            halves[first : last + 1] = [part] * (last + 1 - first)
        tone, shapes = ("gain", _CANDLE) if candle.rising else ("loss", falling)
        for y in range(rows):
            char = shapes[3 * halves[2 * y] + halves[2 * y + 1]]
            if char != " ":
                sheet.put(x, y, char, tone)


def _line(sheet: _Sheet, cut: Slots, scale: Scale, rows: int) -> None:
    bits: dict[tuple[int, int], int] = {}
    before: tuple[int, int] | None = None
    for slot, close in enumerate(cut.closes):
        if close is None:
            continue
        x, y = 2 * slot + 1, scale.place(close, 4 * rows)
        for dot_x, dot_y in _path(before or (x - 1, y), (x, y)):
            cell = (dot_x // 2, dot_y // 4)
            bits[cell] = bits.get(cell, 0) | _DOTS[dot_y % 4][dot_x % 2]
        before = (x, y)
    for (x, y), dots in bits.items():
        sheet.put(x, y, chr(0x2800 + dots), "accent")


def _path(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the dots from one to another, both included."""
    (x, y), (to_x, to_y) = start, end
    steps = max(abs(to_x - x), abs(to_y - y), 1)
    return [
        (x + (2 * (to_x - x) * i + steps) // (2 * steps), y + _rounded((to_y - y) * i, steps))
        for i in range(steps + 1)
    ]


def _rounded(value: int, by: int) -> int:
    return (2 * value + by) // (2 * by)


def _volume(sheet: _Sheet, cut: Slots, top: int, rows: int) -> None:
    most = max((candle.volume for candle in cut.candles if candle), default=0)
    for x, candle in enumerate(cut.candles):
        if candle is None:
            continue
        eighths = max(1, candle.volume * rows * 8 // most)
        for y in range(rows):
            filled = max(0, min(8, eighths - 8 * (rows - 1 - y)))
            if filled:
                sheet.put(x, top + y, _BARS[filled], "volume")


def _mark(sheet: _Sheet, data: ChartData, scale: Scale, rows: int, columns: int) -> None:
    if data.last is None:
        return
    y = scale.place(data.last, rows)
    for x in range(columns):
        if sheet.chars[y][x] in " ┈┊":
            sheet.put(x, y, "╌", "dim")
    tone = {True: "gaintag", False: "losstag", None: "tag"}[data.rising]
    arrow = {True: RISEN, False: FALLEN, None: " "}[data.rising]
    text = f"{arrow}{formatting.price(data.last, data.tick)} "
    sheet.put(columns, y, fit(text, sheet.width - columns), tone)


def describe(data: ChartData, width: int, height: int) -> list[Line]:
    """Return the newest candles in words, for those who hear the screen instead of seeing it."""
    lines = [Line((Span(fit(f"Prices by {data.interval}, newest first", width), "strong"),))]
    for candle in reversed(data.candles[-max(0, height - 1) :]):
        parts = [f"{name} {formatting.price(getattr(candle, name), data.tick)}" for name in _NAMES]
        parts.append(f"volume {formatting.qty(candle.volume)}")
        text = f"{formatting.clock(candle.start)[:5]} {' '.join(parts)}"
        lines.append(Line((Span(fit(text, width)),)))
    return lines[:height]


_NAMES = ("open", "high", "low", "close")


class Chart(Panel, can_focus=True):
    """The chart; ``data`` is changed or replaced between ticks."""

    FOCUS_ON_CLICK = False  # a click there must not take the order keys from the ladder

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.data = ChartData()
        self._names = ("", "")

    def name_box(self, title: str, subtitle: str) -> None:
        """Write on the border. It draws the whole box anew, so only where it says another thing."""
        if (title, subtitle) != self._names:
            self._names = (title, subtitle)
            self.border_title, self.border_subtitle = title, subtitle

    def stamp(self) -> object:
        data = self.data
        return (
            id(data.candles), data.version, data.last, data.rising, data.interval, data.kind,
            data.tick, data.plain, data.colourless, data.note, data.slot_now(),
        )  # fmt: skip

    def lines(self, width: int, height: int) -> list[Line]:
        return (describe if self.data.plain else draw)(self.data, width, height)
