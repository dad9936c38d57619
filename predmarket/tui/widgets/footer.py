"""The footer: the last message with the equivalent command, and the keys.

Keys come from the bindings, so the footer also shows remapped keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.message import Message

from predmarket.tui.state.journal import Weight
from predmarket.tui.widgets.panel import Line, Panel, Span, fit

_TONES = {
    Weight.PLAIN: "plain",
    Weight.GOOD: "gain",
    Weight.WARNING: "warn",
    Weight.BAD: "loss",
}


@dataclass(frozen=True, slots=True)
class Hint:
    """A key, what it does, and the action that a click on it runs."""

    key: str
    text: str
    action: str


class Foot(Panel):
    """Two lines, always there, so that nothing above them ever moves."""

    DEFAULT_CSS = """
    Foot { height: 2; background: $panel; dock: bottom; }
    """

    class Pressed(Message):
        """A hint was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.echo = ""
        self.said: tuple[str, Weight] = ("", Weight.PLAIN)
        self.flash = False
        """Whether the message is highlighted: a fill or a payout has just come."""
        self.hints: Sequence[Hint] = ()
        self.bound: object = None
        """What the hints were made of, for whoever makes them to compare."""
        self._spots: list[tuple[int, int, str]] = []

    def stamp(self) -> object:
        return (self.echo, self.said, self.flash, tuple(self.hints))

    def lines(self, width: int, _height: int) -> list[Line]:
        return [self._words(width), self._keys(width)]

    def on_click(self, event: events.Click) -> None:
        """Run what the hint under the pointer names."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y != 1:
            return
        for start, end, action in self._spots:
            if start <= offset.x < end:
                self.post_message(self.Pressed(action))

    def _words(self, width: int) -> Line:
        text, weight = self.said
        echo = f"$ {self.echo}" if self.echo else ""
        room = width - 2
        spoken = fit(text, min(cell_len(text), room))
        tone = "gaintag" if self.flash else _TONES[weight]
        left = room - cell_len(spoken) - 3
        if echo and left > 16:
            gap = " " * max(3, room - cell_len(spoken) - cell_len(echo))
            return Line(
                (
                    Span(" "),
                    Span(spoken, tone),
                    Span(gap),
                    Span(fit(echo, min(left, cell_len(echo))), "dim"),
                )
            )
        return Line((Span(" "), Span(spoken, tone)))

    def _keys(self, width: int) -> Line:
        spans: list[Span] = [Span(" ")]
        self._spots = []
        x = 1
        for hint in self.hints:
            long = cell_len(hint.key) + 1 + cell_len(hint.text)
            if x + long > width:
                break
            spans += [Span(hint.key, "accent"), Span(" "), Span(hint.text, "dim"), Span("  ")]
            self._spots.append((x, x + long, hint.action))
            x += long + 2
        return Line(tuple(spans))
