"""A line of tabs for the tables below it, with the balance on its right."""

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from textual import events
from textual.message import Message

from predmarket.tui.widgets.panel import Line, Panel, Span

Name = tuple[str, int | None]
"""A tab's name and how many there are behind it; None where that says nothing."""


class TabLine(Panel):
    """``names`` and ``aside`` are asked each frame; ``chosen`` is changed by whoever shows them."""

    DEFAULT_CSS = """
    TabLine { height: 1; background: $panel; }
    """

    class Chosen(Message):
        """A name was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(
        self,
        names: Callable[[], Sequence[Name]],
        aside: Callable[[], Sequence[Span]] = tuple,
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._names = names
        self._aside = aside
        self.chosen = 0
        self._spots: list[tuple[int, int]] = []

    def stamp(self) -> object:
        return (tuple(self._names()), tuple(self._aside()), self.chosen)

    def lines(self, width: int, _height: int) -> list[Line]:
        spans: list[Span] = []
        self._spots = []
        x = 0
        for index, (name, count) in enumerate(self._names()):
            text = f" {name} " if count is None else f" {name} {count} "
            spans.append(Span(text, "tag" if index == self.chosen else "dim"))
            self._spots.append((x, x + cell_len(text)))
            x += cell_len(text)
        aside = [*self._aside()]
        while aside and x + _length(aside) + 2 > width:
            aside.pop(0)
        gap = width - x - _length(aside) - 1
        return [Line((*spans, Span(" " * max(1, gap)), *aside, Span(" ")))]

    def on_click(self, event: events.Click) -> None:
        """Choose the name under the pointer."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        for index, (start, end) in enumerate(self._spots):
            if start <= offset.x < end:
                self.post_message(self.Chosen(index))


def _length(spans: Sequence[Span]) -> int:
    return sum(cell_len(span.text) for span in spans)
