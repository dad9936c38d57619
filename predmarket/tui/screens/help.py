"""The keys that work where help was asked for, straight from the bindings."""

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
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

[b]Lamp[/b]  Green is live, with the age of the data. Otherwise the ladder is grey and nothing can \
be entered until what is shown is true again. The kill switch works everywhere, and leaves SAFE."""


class HelpDialog(DeskDialog[None]):
    """``behind`` is the screen that help is about."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,f1,question_mark,q",
            "close",
            "Close",
            id="help.close",
            tooltip="Close the help.",
        ),
    ]

    def __init__(self, behind: Screen[object]) -> None:
        super().__init__()
        self._active = [*behind.active_bindings.values()]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog wide") as dialog:
            dialog.border_title = "Keys"
            dialog.border_subtitle = f"remap them in {self.trading.keys_file}"
            yield Static("\n".join(self._lines(min(96, self.app.size.width) - 10)))
            yield Static(_NOTES, id="notes")

    def action_close(self) -> None:
        """Close."""
        self.dismiss()

    def _lines(self, width: int) -> Iterator[str]:
        groups: dict[str, list[tuple[str, Binding]]] = {}
        for active in self._active:
            if active.binding.system or not active.binding.id:
                continue
            key = key_name(self, active.binding)
            groups.setdefault(_group(active), []).append((key, active.binding))
        for name, bindings in groups.items():
            yield f"[b $accent]{name}[/]"
            merged: dict[str, tuple[list[str], Binding]] = {}
            for key, binding in bindings:
                merged.setdefault(str(binding.id), ([], binding))[0].append(key)
            for keys, binding in merged.values():
                what = binding.tooltip or binding.description
                shown = _escape(fit(" ".join(keys), 12))
                named = f" [$text-faint]{fit(str(binding.id), 22)}[/]" if width > 80 else ""
                yield f"[b]{shown}[/b]{fit(what, width - 12 - 23 * bool(named))}{named}"
            yield ""


def _group(active: ActiveBinding) -> str:
    return str(active.binding.id).split(".", maxsplit=1)[0].capitalize()


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
