"""The base of widgets that draw their own lines: compares lines, and paints only changed ones.

A subclass returns the wanted lines as values (wanted) and paints one line (paint). tick() asks once
a frame. A line whose value is already on the screen costs nothing more.
"""

from collections.abc import Iterator, Sequence
from typing import Generic, Self, TypeVar

from rich.segment import Segment
from textual.cache import LRUCache
from textual.geometry import Region, Size, Spacing
from textual.strip import Strip
from textual.widget import Widget

from predmarket.characters import clean
from predmarket.tui.widgets.direct_paint import Direct
from predmarket.tui.widgets.palette import filtered

LineT = TypeVar("LineT")

_STRIPS = 256


class LineWidget(Widget, Generic[LineT]):
    """Shows lines of ``LineT``, which compare and hash by what they show.

    A border and padding may be laid around it, but nothing over its lines: no opacity, no tint.
    """

    ALLOW_SELECT = False  # selecting text with the mouse would repaint everything at every click

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        self._framed: dict[int, Strip] = {}
        """Whole lines, the border's too, by how far below the widget's corner they stand."""
        self._ends: tuple[Strip, Strip] | None = None
        """What the border and the padding put before and behind each of our lines."""
        super().__init__(id=id, classes=classes)
        self._direct = Direct(self)
        self.drawn = 0
        """Lines handed to the screen since the start: what the tests bound."""
        self.shown_lines: Sequence[LineT] = ()
        """What was wanted at the last tick."""
        self._strips: LRUCache[LineT, Strip] = LRUCache(_STRIPS)

    def wanted(self, size: Size) -> Sequence[LineT]:
        """Return what every line of the widget should show now, in so many cells."""
        raise NotImplementedError

    def paint(self, line: LineT) -> Strip:
        """Return a line as a strip as wide as the widget, in ``filtered`` styles."""
        raise NotImplementedError

    def changed(self, before: LineT, after: LineT) -> None:
        """Note that a line shows something else now."""

    def forget(self) -> None:
        """Drop what paint() has derived from the colours and the size."""

    def tick(self) -> None:
        """Repaint the lines that no longer say what is so."""
        size = self.size
        if not size:
            return
        before, self.shown_lines = self.shown_lines, self.wanted(size)
        if before is self.shown_lines:
            return
        if len(before) != len(self.shown_lines):
            self.refresh()
            return
        stale = []
        for y, (was, now) in enumerate(zip(before, self.shown_lines, strict=True)):
            if was is not now and was != now:
                self.changed(was, now)
                stale.append(y)
        if stale:
            self._show(stale, size.width)

    def _show(self, stale: Sequence[int], width: int) -> None:
        """Bring lines to the terminal, or have them brought where that is not for us to do."""
        gutter = self.styles.gutter
        places = [gutter.top + y for y in stale]
        for y in places:
            self._framed.pop(y, None)
        corner = self._direct.corner()
        if corner is None:
            self.refresh(*_runs(stale, width))
        else:
            outer = self.outer_size
            self._direct.write(corner, [(y, self._frame(y, outer, gutter)) for y in places])

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of ``crop``, which counts from the border's corner.

        Textual lays its styles anew around each line of a widget that changes; ours keep theirs.
        """
        framed, outer, gutter = self._framed, self.outer_size, self.styles.gutter
        strips = [framed.get(y) or self._frame(y, outer, gutter) for y in crop.line_range]
        if crop.column_span != (0, outer.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def _frame(self, y: int, outer: Size, gutter: Spacing) -> Strip:
        """Put a line between what Textual draws at its ends, and keep it until it changes.

        What is above and below the lines, the border with its titles, is Textual's alone.
        """
        if gutter.top <= y < outer.height - gutter.bottom:
            strip = self.render_line(y - gutter.top)
            strip = strip.adjust_cell_length(outer.width - gutter.width)
            if gutter.width:
                left, right = self._ends or self._draw_ends(y)
                strip = Strip.join((left, strip, right))
        else:
            strip = super().render_lines(Region(0, y, outer.width, 1))[0]
        self._framed[y] = strip
        return strip

    def _draw_ends(self, y: int) -> tuple[Strip, Strip]:
        width, gutter = self.outer_size.width, self.styles.gutter
        whole = super().render_lines(Region(0, y, width, 1))[0]
        left, right = whole.crop(0, gutter.left), whole.crop(width - gutter.right)
        self._ends = left, right
        return self._ends

    def render_line(self, y: int) -> Strip:
        """Return a line as it was at the last tick."""
        if not self.shown_lines:
            self.tick()
        self.drawn += 1
        if y >= len(self.shown_lines):
            return Strip.blank(self.size.width, filtered(self.rich_style, self))
        return self.painted(self.shown_lines[y])

    def painted(self, line: LineT) -> Strip:
        """Return a line's strip: lines move, as those of a list do, and come again."""
        strip = self._strips.get(line)
        if strip is None:
            strip = self._strips[line] = fit_to_be_shown(self.paint(line))
        return strip

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self.repaint())

    def on_resize(self) -> None:
        self.repaint()
        self.tick()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.repaint()

    def repaint(self) -> None:
        """Paint everything anew: the colours or the size are others."""
        self.forget()
        self._strips.clear()
        self.refresh()

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Ask for regions to be drawn anew; without one for everything, the border too."""
        if repaint and not regions:
            self._framed.clear()
            self._ends = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


def _runs(lines: Sequence[int], width: int) -> Iterator[Region]:
    """Yield ``lines`` as regions, those that follow one another as one."""
    first = 0
    for index in range(1, len(lines) + 1):
        if index == len(lines) or lines[index] != lines[index - 1] + 1:
            yield Region(0, lines[first], width, index - first)
            first = index


def fit_to_be_shown(strip: Strip) -> Strip:
    """Return a strip without characters that would act on the terminal, whoever wrote them."""
    if all(segment.text.isprintable() for segment in strip):
        return strip
    cleaned = [Segment(clean(text), style, control) for text, style, control in strip]
    return Strip(cleaned).adjust_cell_length(strip.cell_length)
