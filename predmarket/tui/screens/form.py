"""A small form of named fields, and a question that is answered by typing a word."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

from predmarket.tui.screens.base import DeskDialog
from predmarket.tui.widgets.radio import Choice
from predmarket.tui.widgets.untrusted_text import foreign


@dataclass(frozen=True, slots=True)
class Field:
    """One field: a choice among ``words``, or without them a line to type."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    words: Sequence[str] = ()
    needed: bool = False


class FormDialog(DeskDialog[dict[str, str] | None]):
    """A form. It returns the fields' texts, or None if it is cancelled. With ``confirm`` that word
    must be typed first, so that a wrong key does nothing final. ``check`` returns the reason why
    fields are invalid.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="form.close", tooltip="Close; nothing is sent."),
    ]

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        *,
        text: str = "",
        confirm: str = "",
        act: str = "Send",
        check: Callable[[dict[str, str]], str] | None = None,
    ) -> None:
        super().__init__()
        self._title = title
        self._fields = fields
        self._text = text
        self._confirm = confirm
        self._act = act
        self._check = check

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = foreign(self._title)
            if self._text:
                yield Static(foreign(self._text), id="what")
            for field in self._fields:
                yield _row(field)
            if self._confirm:
                ask = Content.assemble("Type ", foreign(self._confirm, "b"), " to go on")
                yield Static(ask, id="ask")
                yield Horizontal(Label(""), Input(id="confirm", compact=True), classes="field")
            yield Static("", id="preview")
            with Horizontal(classes="buttons"):
                yield Button(
                    self._act,
                    id="send",
                    variant="error" if self._confirm else "primary",
                    compact=True,
                )
                yield Button("Close", id="close", compact=True)

    @on(Input.Submitted)
    @on(Button.Pressed, "#send")
    def action_send(self) -> None:
        """Return the fields, if all required ones are there."""
        values = {field.name: self._value(field) for field in self._fields}
        for field in self._fields:
            if field.needed and not values[field.name]:
                self.tell(f"{field.label.lower()} is needed", "$error")
                self.query_one(f"#{field.name}").focus()
                return
        if self._confirm and self.query_one("#confirm", Input).value.strip() != self._confirm:
            self.tell(f"type {self._confirm} to go on", "$error")
            self.query_one("#confirm").focus()
            return
        why = self._check(values) if self._check is not None else ""
        if why:
            self.tell(why, "$error")
        else:
            self.close(values)

    @on(Button.Pressed, "#close")
    def action_close(self) -> None:
        """Cancel the form."""
        self.close()

    def _value(self, field: Field) -> str:
        if field.words:
            return self.query_one(f"#{field.name}", Choice).value
        return self.query_one(f"#{field.name}", Input).value.strip()


def _row(field: Field) -> Horizontal:
    if field.words:
        line: Choice | Input = Choice(field.words, field.value or None, id=field.name)
    else:
        line = Input(field.value, placeholder=field.hint, id=field.name, compact=True)
    return Horizontal(Label(field.label), line, classes="field")
