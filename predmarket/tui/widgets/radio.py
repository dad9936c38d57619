"""One of a few words, chosen with the arrow keys, a letter or a click; two for yes and no."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from predmarket.tui.widgets.panel import Line, Panel, Span


class Choice(Panel, can_focus=True):
    """``value`` is the chosen word."""

    DEFAULT_CSS = """
    Choice { height: 1; width: auto; min-width: 12; }
    Choice:focus { background: $cursor; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "Before", False, id="choice.before", tooltip="The one before."),
        Binding("right,space", "move(1)", "Next", False, id="choice.next", tooltip="The next one."),
    ]

    class Changed(Message):
        """Another word was chosen."""

        def __init__(self, choice: "Choice", value: str) -> None:
            super().__init__()
            self.choice = choice
            self.value = value

        @property
        def control(self) -> "Choice":
            return self.choice

    def __init__(self, words: Sequence[str], value: str | None = None, *, id: str) -> None:
        super().__init__(id=id)
        self.words = words
        self.value = value or words[0]
        self.tones: dict[str, str] = {}

    def get_content_width(self, *_: object) -> int:
        return sum(len(word) + 2 for word in self.words)

    def stamp(self) -> object:
        return (self.value, self.has_focus)

    def lines(self, _width: int, _height: int) -> list[Line]:
        chosen = {word: self.tones.get(word, "tag") for word in self.words}
        return [
            Line(
                tuple(
                    Span(f"[{word}]", chosen[word])
                    if word == self.value
                    else Span(f" {word} ", "dim")
                    for word in self.words
                )
            )
        ]

    def choose(self, word: str) -> None:
        """Choose a word."""
        if word != self.value:
            self.value = word
            self.tick()
            self.post_message(self.Changed(self, word))

    def action_move(self, by: int) -> None:
        """Choose a neighbour; after the last comes the first."""
        at = self.words.index(self.value)
        self.choose(self.words[(at + by) % len(self.words)])

    def on_click(self, event: events.Click) -> None:
        """Choose the word under the pointer."""
        offset = event.get_content_offset(self)
        x = 0
        for word in self.words:
            if offset is not None and x <= offset.x < x + len(word) + 2:
                self.choose(word)
            x += len(word) + 2
