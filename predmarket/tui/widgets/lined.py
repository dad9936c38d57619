"""The base of what draws its own lines: compare, paint what differs, keep what was painted.

A subclass says with values what its lines should show (wanted) and how one of them looks (paint).
tick() asks once a frame; a line whose value is on the screen already costs nothing more.
"""

from collections.abc import Sequence
from typing import Generic, TypeVar

from textual.cache import LRUCache
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

LineT = TypeVar("LineT")

_STRIPS = 1024


class Lined(Widget, Generic[LineT]):
    """Shows lines of ``LineT``, which compare and hash by what they show."""

    ALLOW_SELECT = False  # marking text with the mouse would repaint everything at every click

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.drawn = 0
        """Lines handed to the screen since the start: what the tests bound."""
        self._lines: Sequence[LineT] = ()
        self._strips: LRUCache[LineT, Strip] = LRUCache(_STRIPS)

    def wanted(self) -> Sequence[LineT]:
        """Return what every line of the widget should show now."""
        raise NotImplementedError

    def paint(self, line: LineT) -> Strip:
        """Return a line as a strip as wide as the widget."""
        raise NotImplementedError

    def changed(self, before: LineT, after: LineT) -> None:
        """Note that a line shows something else now."""

    def forget(self) -> None:
        """Drop what paint() has derived from the colours and the size."""

    def tick(self) -> None:
        """Repaint the lines that no longer say what is so."""
        if not self.size:
            return
        before, self._lines = self._lines, self.wanted()
        if len(before) != len(self._lines):
            self.refresh()
            return
        stale = []
        for y, (was, now) in enumerate(zip(before, self._lines, strict=True)):
            if was != now:
                self.changed(was, now)
                stale.append(Region(0, y, self.size.width, 1))
        if stale:
            self.refresh(*stale)

    def render_line(self, y: int) -> Strip:
        """Return a line as it was at the last tick."""
        if not self._lines:
            self.tick()
        self.drawn += 1
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        line = self._lines[y]
        strip = self._strips.get(line)
        if strip is None:
            strip = self._strips[line] = self.paint(line)
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
