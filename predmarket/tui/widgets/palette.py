"""The colours of a widget that draws its own lines, mixed once for each theme.

A role is one of the widget's component classes. Its colour and text style are for letters. Its
background is a transparent layer that may lie on others (a bar on a highlighted row).
"""

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.widget import Widget


def filtered(style: Style, widget: Widget) -> Style:
    """Return a style as the application's filters leave it: without colour under NO_COLOR.

    They change styles, not letters; so what is painted in a style that went through them once need
    not go through them line by line.
    """
    segments = [Segment(" ", style)]
    for each in widget.get_line_filters():
        segments = each.apply(segments, widget.background_colors[1])
    return segments[0].style or Style.null()


class Palette:
    """Rich styles for the roles of one widget, as its theme has them now, filtered."""

    def __init__(self, widget: Widget, prefix: str) -> None:
        self._widget = widget
        self._prefix = prefix
        self._base = widget.background_colors[1]
        self._letters: dict[str, tuple[Color, Style, bool]] = {}
        self._grounds: dict[str, Color] = {}
        self._styles: dict[tuple[str, ...], Style] = {}
        self._edges: dict[tuple[str, bool, tuple[str, ...]], Style] = {}

    def style(self, role: str, *grounds: str) -> Style:
        """Return the style of a role's letters on these grounds, the lowest first."""
        key = (role, *grounds)
        style = self._styles.get(key)
        if style is None:
            ground = self._mix(grounds)
            colour, text, auto = self._role(role)
            if auto:  # the theme asks for whatever can be read on this ground
                colour = ground.get_contrast_text(colour.a)
            style = text + Style(color=(ground + colour).rich_color, bgcolor=ground.rich_color)
            style = self._styles[key] = filtered(style, self._widget)
        return style

    def edge(self, bar: str, grounds: tuple[str, ...], *, inverse: bool = False) -> Style:
        """Return the style of a block that is partly bar: in front of its ground, or inverse."""
        key = (bar, inverse, grounds)
        style = self._edges.get(key)
        if style is None:
            empty, full = self._mix(grounds), self._mix((*grounds, bar))
            if inverse:
                empty, full = full, empty
            style = Style(color=full.rich_color, bgcolor=empty.rich_color)
            style = self._edges[key] = filtered(style, self._widget)
        return style

    def _mix(self, grounds: tuple[str, ...]) -> Color:
        colour = self._base
        for ground in grounds:
            colour += self._ground(ground)
        return colour

    def _role(self, role: str) -> tuple[Color, Style, bool]:
        if role not in self._letters:
            styles = self._widget.get_component_styles(self._prefix + role)
            self._letters[role] = (styles.color, styles.text_style, styles.auto_color)
        return self._letters[role]

    def _ground(self, role: str) -> Color:
        if role not in self._grounds:
            styles = self._widget.get_component_styles(self._prefix + role)
            self._grounds[role] = styles.background
        return self._grounds[role]
