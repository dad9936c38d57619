"""The dialog that shows a code, which is shown once."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from predmarket.tui.screens.base import DeskDialog
from predmarket.tui.widgets.untrusted_text import foreign


class CodeDialog(DeskDialog[None]):
    """A code, and ``text`` on how it is used; a key copies it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape", "close", "Close", id="code.close", tooltip="Close; it is not shown again."
        ),
        Binding("c", "copy", "Copy", id="code.copy", tooltip="Copy the code."),
    ]

    def __init__(self, title: str, code: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._code = code
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Static(foreign(self._code, "b"), id="code")
            yield Static(foreign(self._text), id="what")
            yield Static("It is not shown again.", id="preview")
            with Horizontal(classes="buttons"):
                yield Button("Copy", id="copy", variant="primary", compact=True)
                yield Button("Close", id="close", compact=True)

    @on(Button.Pressed, "#copy")
    def action_copy(self) -> None:
        """Copy the code."""
        self.app.copy_to_clipboard(self._code)
        self.tell("Copied. It is not shown again.")

    @on(Button.Pressed, "#close")
    def action_close(self) -> None:
        """Close."""
        self.close()
