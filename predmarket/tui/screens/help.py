"""The help dialog: the keys of the present screen and all others, read from the bindings."""

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from predmarket.tui.screens.base import DeskDialog
from predmarket.tui.screens.frame import key_name
from predmarket.tui.widgets.panel import fit

_NOTES = """\
[b]Ladder[/b]  A left click in a size column places there with the first size, a right click with \
the second; a click on an own order cancels it; a click on a column's head cancels that side. In \
SAFE nothing is sent: the line below shows what would be. What moved under a click is held.

[b]Event[/b]  In the grid a click on a bid or an ask places there, too, and one on MINE cancels. \
By key, Buy and Sell take the other side's best price. PAYS is what you are paid if that outcome \
comes true, PROFIT that less the cost.

[b]Lamp[/b]  Green is live, with the age of the data. Otherwise the ladder is grey and nothing can \
be entered until what is shown is true again. The kill switch works everywhere, and leaves SAFE."""


_KEYS, _ID = 12, 21
"""Cells for a binding's keys and for its id."""
_WIDEST, _EDGES = 110, 10
"""As wide as the dialog is in app.tcss, and what of it its edges take."""


class HelpDialog(DeskDialog[None]):
    """``behind`` is the screen that help is about; ``every`` has all bindings by their ids."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,f1,question_mark,q",
            "close",
            "Close",
            id="help.close",
            tooltip="Close the help.",
        ),
    ]

    def __init__(self, behind: Screen[object], every: Mapping[str, Binding]) -> None:
        super().__init__()
        self._active = [*behind.active_bindings.values()]
        self._every = every

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog wide") as dialog:
            dialog.border_title = "Keys"
            dialog.border_subtitle = f"remap them in {self.trading.keys_file}"
            yield Static("\n".join(self.lines(min(_WIDEST, self.app.size.width) - _EDGES)))
            yield Static(_NOTES, id="notes")

    def action_close(self) -> None:
        """Close."""
        self.dismiss()

    def lines(self, width: int) -> Iterator[str]:
        """Yield the lines of keys, in so many cells."""
        groups: dict[str, list[tuple[str, Binding]]] = {}
        for active in self._active:
            if active.binding.system or not active.binding.id:
                continue
            key = key_name(self, active.binding)
            groups.setdefault(_group(active.binding), []).append((key, active.binding))
        yield from self._grouped(groups, width)
        shown = {active.binding.id for active in self._active}
        groups = {}
        for binding in self._every.values():
            if binding.id not in shown:
                for key in self.trading.keys_of(str(binding.id)):
                    groups.setdefault(_group(binding), []).append((key, binding))
        yield "[b]On other screens and panes[/b]"
        yield ""
        yield from self._grouped(groups, width)

    def _grouped(self, groups: dict[str, list[tuple[str, Binding]]], width: int) -> Iterator[str]:
        for name, bindings in groups.items():
            yield f"[b $accent]{name}[/]"
            merged: dict[str, tuple[list[str], Binding]] = {}
            for key, binding in bindings:
                merged.setdefault(str(binding.id), ([], binding))[0].append(key)
            for keys, binding in merged.values():
                room = width - _KEYS - _ID - 2
                what, *more = wrap(binding.tooltip or binding.description, room)
                shown = _escape(fit(" ".join(keys), _KEYS))
                named = f" [$text-faint]{fit(str(binding.id), _ID)}[/]"
                yield f"[b]{shown}[/b] {_escape(fit(what, room))}{named}"
                yield from (" " * (_KEYS + 1) + _escape(line) for line in more)
            yield ""


def _group(binding: Binding) -> str:
    return str(binding.id).split(".", maxsplit=1)[0].capitalize()


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
