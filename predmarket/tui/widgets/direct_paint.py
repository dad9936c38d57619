"""Writes changed lines directly to the terminal, without Textual's compositor.

For one changed line the compositor asks every visible widget for all of its lines and layers them.
That, with the messages and the timer before it, takes most of a frame. If nothing covers a widget,
the terminal shows exactly its lines, so they are written directly. Textual draws everything else as
usual, and draws the same lines: only the widget's position is kept here.

In a version of Textual without these internals, Textual draws everything.

Textual has no public interface for this. So this module uses private ones: the widgets' positions
in the compositor, the suspension of updates, and the writing. No other file does
(tests/tui/test_private_names.py), and pyproject.toml allows the versions that were tested.
tests/tui/test_direct_paint.py compares the result with Textual's own drawing.
"""

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from textual._compositor import CompositorUpdate
from textual.geometry import Offset, Region
from textual.strip import Strip
from textual.widget import Widget


class Direct:
    """The way of one widget's lines."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._laid: object = None
        """The compositor's map of what is in sight: another one after every change of layout."""
        self._corner: Offset | None = None

    def corner(self) -> Offset | None:
        """Return where the widget's corner stands in the terminal, None where the way is barred:
        it is not in sight as a whole, or updates are held back.
        """
        app = self._widget.app
        try:
            laid = app.screen._compositor.visible_widgets  # noqa: SLF001  (see above, as below)
            held_back = app._batch_count or app._display is None  # noqa: SLF001
        except AttributeError:
            return None
        if laid is not self._laid:
            self._laid, self._corner = laid, _corner(self._widget, laid)
        return None if held_back else self._corner

    def write(self, corner: Offset, lines: Iterable[tuple[int, Strip]]) -> None:
        """Write whole lines of the widget, each by how far below its corner it stands."""
        app, (x, top) = self._widget.app, corner
        update: Any = _Lines([(x, top + y, strip) for y, strip in lines])
        app._display(app.screen, update)  # noqa: SLF001


class _Lines(CompositorUpdate):
    """Strips with the column and line that each begins at."""

    def __init__(self, placed: list[tuple[int, int, Strip]]) -> None:
        self._placed = placed

    def render_segments(self, console: Console) -> str:
        return "".join(
            [f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for x, y, strip in self._placed]
        )


def _corner(widget: Widget, laid: dict[Widget, tuple[Region, Region]]) -> Offset | None:
    """Return where a widget begins if the terminal shows all of it: ``laid`` has each widget's
    region and what of the terminal it may use, the uppermost first.
    """
    if widget not in laid:
        return None
    region, clip = laid[widget]
    if not clip.contains_region(region):
        return None
    for other, (its_region, its_clip) in laid.items():
        if other is widget:
            break
        if its_region.intersection(its_clip).overlaps(region):
            return None
    return region.offset
