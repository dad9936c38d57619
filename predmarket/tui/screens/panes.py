"""The panes of the trading screen: their sizes, the hidden ones, and the maximised one.

Promises: the ladder is always visible; every visible pane is large enough to read, for any
requested sizes; the trader's changes are saved (layout.py), except which pane is maximised.
"""

from collections.abc import Callable
from typing import NamedTuple

from textual.geometry import Offset
from textual.screen import Screen

from predmarket.tui.layout import Layout

PANES = {
    "markets": "#left",
    "ladder": "#ladder",
    "chart": "#chart",
    "flow": "#flow",
    "lists": "#bottom",
}
_WIDTHS = {"markets": ("markets", 1), "ladder": ("ladder", 1), "chart": ("ladder", -1),
           "flow": ("ladder", -1)}  # fmt: skip
"""Which pane's width changes when another one is made wider, and which way."""
_HEIGHTS = {"markets": ("lists", -1), "ladder": ("lists", -1), "chart": ("flow", -1),
            "flow": ("flow", 1), "lists": ("lists", 1)}  # fmt: skip
_MARKETS, _LADDER, _RIGHT = 20, 28, 20
"""The fewest columns of each."""
_LISTS, _FLOW, _CHART, _BODY = 1, 4, 6, 10
"""The fewest rows of each."""
_FRAME = 3
"""Rows of header and foot."""
HIDDEN = "-hidden"


class Seam(NamedTuple):
    """The line between panes that was taken hold of: whose size it changes, and which way."""

    pane: str
    upright: bool
    sign: int
    at: Offset
    before: int


class Panes:
    """Lays the panes of ``screen`` out; ``keep`` is called when the layout is another one."""

    def __init__(self, screen: Screen[None], layout: Layout, keep: Callable[[], None]) -> None:
        self._screen = screen
        self._layout = layout
        self._keep = keep
        self._filling: str | None = None
        self._seam: Seam | None = None
        self.dragged = False
        """Whether the pointer moved a seam since a button went down: then it was no click."""

    @property
    def filling(self) -> str | None:
        """Return the pane that fills the screen."""
        return self._filling

    def focused(self) -> str | None:
        """Return the pane that has the keyboard."""
        focused = self._screen.focused
        within = {each.id for each in focused.ancestors_with_self} if focused else set()
        return next((pane for pane, name in PANES.items() if name[1:] in within), None)

    def titled(self, at: Offset) -> str | None:
        """Return the pane whose first line, its title, is at a place of the screen."""
        for pane, name in PANES.items():
            region = self._screen.query_one(name).region
            if region.contains_point(at) and at.y == region.y:
                return pane
        return None

    # what the trader wants

    def grow(self, pane: str, columns: int, rows: int) -> bool:
        """Make a pane larger, or smaller; tell whether its size can be changed that way."""
        knob, sign = (_WIDTHS if columns else _HEIGHTS).get(pane, ("", 0))
        if not knob:
            return False
        upright = bool(columns)
        self._resize(knob, upright, self._cells(knob, upright=upright) + sign * (columns or rows))
        self._keep()
        return True

    def hide(self, pane: str) -> None:
        """Hide a pane, for good."""
        self._layout.hidden.add(pane)
        self._filling = None
        self._keep()
        self.apply()

    def show(self, pane: str) -> None:
        """Show a pane that was hidden or lies under one that fills the screen."""
        if pane in self._layout.hidden:
            self._layout.hidden.discard(pane)
            self._keep()
        self.fill(None)

    def fill(self, pane: str | None) -> None:
        """Let a pane fill the screen; None: all of them are back."""
        self._filling = pane
        self.apply()

    def standard(self) -> None:
        """Show all panes in their usual sizes."""
        self._layout.hidden.clear()
        self._layout.sizes.clear()
        self._filling = None
        self._keep()
        self.apply()

    # the pointer

    def take_hold(self, at: Offset) -> bool:
        """Take hold of the seam at a place of the screen; tell whether there is one."""
        self.dragged = False
        self._seam = None
        if self._filling is not None:
            return False
        for pane, upright, sign in (
            ("markets", True, 1), ("ladder", True, 1), ("lists", False, -1), ("flow", False, -1)
        ):  # fmt: skip
            region = self._screen.query_one(PANES[pane]).region
            if not region or (upright and region.right >= self._screen.size.width):
                continue
            near = at.x - region.right if upright else at.y - region.y
            along = region.y <= at.y < region.bottom if upright else region.x <= at.x < region.right
            # the borders of both neighbours; of the lists the pane has none of its own
            if along and near in ((-1, 0) if upright or pane == "flow" else (-1,)):
                before = self._cells(pane, upright=upright)
                self._seam = Seam(pane, upright, sign, at, before)
                return True
        return False

    def drag(self, to: Offset) -> None:
        """Move the seam that was taken hold of."""
        seam = self._seam
        if seam is None:
            return
        moved = to.x - seam.at.x if seam.upright else to.y - seam.at.y
        if moved or self.dragged:
            self.dragged = True
            self._resize(seam.pane, seam.upright, seam.before + seam.sign * moved)

    def let_go(self) -> None:
        """Let the seam be where it is."""
        if self._seam is not None and self.dragged:
            self._keep()
        self._seam = None

    # how it is laid out

    def apply(self) -> None:
        """Lay the panes out."""
        screen, filling = self._screen, self._filling
        choosing = screen.has_class("-choosing")
        for pane, name in PANES.items():
            hidden = pane in self._layout.hidden and not (pane == "markets" and choosing)
            if filling is not None:
                hidden = pane != filling
            screen.query_one(name).set_class(hidden, HIDDEN)
        shown = {pane for pane, name in PANES.items()
                 if not screen.query_one(name).has_class(HIDDEN)}  # fmt: skip
        screen.query_one("#right").set_class(not shown & {"chart", "flow"}, HIDDEN)
        screen.query_one("#body").set_class(shown == {"lists"}, HIDDEN)
        alone = not shown & {"chart", "flow"}
        self._set("markets", "100%" if filling == "markets" else self._wanted("markets"))
        self._set("ladder", "1fr" if alone else self._wanted("ladder"))
        self._set("lists", "1fr" if filling == "lists" else self._wanted("lists"))
        self._set("flow", "1fr" if "chart" not in shown else self._wanted("flow"))

    def _set(self, pane: str, size: int | str | None) -> None:
        """Set the size that CSS leaves to us; None gives it back to CSS."""
        styles = self._screen.query_one(PANES[pane]).styles
        if pane in ("markets", "ladder"):
            styles.width = size
            # narrow terminals bound the ladder's width
            styles.max_width = None if size is None or pane == "markets" else "100%"
        else:
            styles.height = size

    def _resize(self, pane: str, upright: bool, cells: int) -> None:
        least, most = self._bounds(pane)
        self._layout.resize(self._terminal(upright=upright), pane, max(least, min(most, cells)))
        self.apply()

    def _wanted(self, pane: str) -> int | None:
        """Return the size wanted of a pane, as far as there is room; None: the usual one."""
        cells = self._layout.size(self._terminal(upright=pane in ("markets", "ladder")), pane)
        if cells is None:
            return None
        least, most = self._bounds(pane)
        return max(least, min(most, cells))

    def _bounds(self, pane: str) -> tuple[int, int]:
        """Return the fewest and the most cells that a pane may have beside its neighbours."""
        width, height = self._screen.size
        match pane:
            case "markets":
                ladder = self._layout.size(self._terminal(upright=True), "ladder") or _LADDER
                return _MARKETS, max(_MARKETS, width - min(ladder, width // 2) - _RIGHT)
            case "ladder":
                left = self._screen.query_one(PANES["markets"]).outer_size.width
                return _LADDER, max(_LADDER, width - left - _RIGHT)
            case "lists":
                return _LISTS, max(_LISTS, height - _FRAME - _BODY)
            case _:
                lists = self._screen.query_one(PANES["lists"]).outer_size.height
                return _FLOW, max(_FLOW, height - _FRAME - lists - _CHART)

    def _cells(self, pane: str, *, upright: bool) -> int:
        size = self._screen.query_one(PANES[pane]).outer_size
        return size.width if upright else size.height

    def _terminal(self, *, upright: bool) -> str:
        """Return the terminal's class of widths or heights."""
        names = ("-vast", "-huge", "-wide") if upright else ("-high", "-tall")
        usual = "narrow" if upright else "low"
        return next((name[1:] for name in names if self._screen.has_class(name)), usual)
