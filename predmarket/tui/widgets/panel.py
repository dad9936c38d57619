"""Lines of spans: the base of the lists, the chart and the lines of text.

A line is a list of spans, each with a text and a tone. A tone is a component class, so themes
define the look of "gain". Without colours, tones differ by weight.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip

from predmarket.characters import clean
from predmarket.tui.widgets.line_widget import LineWidget
from predmarket.tui.widgets.palette import filtered

TONES = (
    "plain", "dim", "strong", "buy", "sell", "gain", "loss", "accent", "warn", "head", "cursor",
    "tag", "gaintag", "losstag", "warntag", "grid", "volume", "buytag", "selltag",
)  # fmt: skip


class Span(NamedTuple):
    """A piece of a line."""

    text: str
    tone: str = "plain"


class Line(NamedTuple):
    """One line: its spans, and the tone of what lies behind them."""

    spans: tuple[Span, ...] = ()
    ground: str = ""

    @property
    def text(self) -> str:
        """Return the line without its tones."""
        return "".join(span.text for span in self.spans)


def line(*parts: Span | str, ground: str = "") -> Line:
    """Return a line of ``parts``, plain texts among them."""
    return Line(tuple(Span(part) if isinstance(part, str) else part for part in parts), ground)


def fit(text: str, width: int, *, right: bool = False, more: str = "…") -> str:
    """Return ``text`` in exactly ``width`` cells; what is cut is marked."""
    text = clean(text)
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, max(0, width - len(more))) + more if width > 0 else ""
    return " " * (width - size) + text if right else text + " " * (width - size)


class Panel(LineWidget[Line]):
    """A widget that shows ``lines``. Subclasses say what those are and when to look again."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"panel--{tone}" for tone in TONES}
    DEFAULT_CSS = """
    Panel {
        & .panel--plain { color: $foreground; }
        & .panel--dim { color: $text-faint; }
        & .panel--strong { color: $foreground; text-style: bold; }
        & .panel--buy { color: $buy; }
        & .panel--sell { color: $sell; }
        & .panel--gain { color: $gain; }
        & .panel--loss { color: $loss; }
        & .panel--accent { color: $accent; text-style: bold; }
        & .panel--warn { color: $warning; text-style: bold; }
        & .panel--head { color: $text-faint; text-style: bold; }
        & .panel--cursor { background: $cursor; }
        & .panel--tag { color: $background; background: $accent; text-style: bold; }
        & .panel--gaintag { color: $background; background: $gain; text-style: bold; }
        & .panel--losstag { color: $background; background: $loss; text-style: bold; }
        & .panel--warntag { color: $background; background: $warning; text-style: bold; }
        & .panel--buytag { color: $background; background: $buy; text-style: bold; }
        & .panel--selltag { color: $background; background: $sell; text-style: bold; }
        & .panel--grid { color: $grid; }
        & .panel--volume { color: $volume; }
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._wanted: list[Line] = []
        self._seen: object = None
        self._styles: dict[tuple[str, ...], Style] = {}

    def stamp(self) -> object:
        """Return what, when it is equal to before, means that the lines are as before."""
        raise NotImplementedError

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return what to show in so many cells; what is over ``height`` is not shown."""
        raise NotImplementedError

    def wanted(self, size: Size) -> Sequence[Line]:
        width, height = size
        seen = (width, height, self.stamp())
        if seen != self._seen:
            self._seen = seen
            lines = [*self.lines(width, height)][:height]
            self._wanted = lines + [Line()] * (height - len(lines))
        return self._wanted

    def shown(self) -> str:
        """Return what is shown, as text."""
        return "\n".join(each.text.rstrip() for each in self._wanted).rstrip()

    def paint(self, line: Line) -> Strip:
        ground = line.ground
        segments = [Segment(span.text, self._style(span.tone, ground)) for span in line.spans]
        return Strip(segments).adjust_cell_length(self.size.width, self._style("", ground))

    def forget(self) -> None:
        self._styles.clear()

    def _style(self, *tones: str) -> Style:
        """Return the style of letters in the first tone on the ground of the second."""
        style = self._styles.get(tones)
        if style is None:
            style = self.rich_style
            for tone in reversed(tones):
                if tone:
                    style += self.get_component_rich_style(f"panel--{tone}", partial=True)
            style = self._styles[tones] = filtered(style, self)
        return style


def join(parts: Iterable[Sequence[Span]], gap: str = "  ") -> tuple[Span, ...]:
    """Return groups of spans as one, ``gap`` between them."""
    spans: list[Span] = []
    for part in parts:
        if spans:
            spans.append(Span(gap))
        spans.extend(part)
    return tuple(spans)
