"""The login screen: log in, open an account, or choose a password with a one-time code."""

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label, Static

from predmarket.client import ApiError, ClientError
from predmarket.tui.screens.base import DeskScreen, start
from predmarket.tui.widgets.untrusted_text import foreign


class LoginScreen(DeskScreen[None]):
    """Asks for e-mail and password, and calls the application back once logged in.

    ``why`` is the shown reason.
    """

    AUTO_FOCUS = "#email"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "go_on",
            "Go on",
            False,
            id="login.go-on",
            priority=True,
            tooltip="To the password, then in.",
        ),
        Binding(
            "ctrl+r",
            "register",
            "Open an account",
            id="login.register",
            tooltip="Open an account with what stands here; a code is its invitation.",
        ),
    ]

    def __init__(self, why: str = "") -> None:
        super().__init__()
        self._why = why

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "predmarket"
            yield Static(foreign(str(self.trading.place), "$text-faint"), id="where")
            yield Horizontal(Label("E-mail"), Input(id="email", compact=True), classes="field")
            yield Horizontal(
                Label("Password"),
                Input(password=True, id="password", compact=True),
                classes="field",
            )
            yield Horizontal(
                Label("Code"),
                Input(id="code", placeholder="if an admin gave you one", compact=True),
                classes="field",
            )
            yield Static(foreign(self._why or " "), id="preview")
            with Horizontal(classes="buttons"):
                yield Button("Log in", id="enter", variant="primary", compact=True)
                yield Button("Open an account", id="register", compact=True)
                yield Button("Quit", id="quit", compact=True)

    def action_go_on(self) -> None:
        """Do the action of Enter for the focused field; at once, for typing ahead."""
        match self.focused:
            case Button() as button:
                button.press()
            case Input(id="email"):
                self.set_focus(self.query_one("#password"))
            case _:
                self._enter()

    @on(Button.Pressed, "#enter")
    def _enter(self) -> None:
        start(self, partial(self._go, register=False), exclusive=True)

    @on(Button.Pressed, "#register")
    def action_register(self) -> None:
        """Open an account."""
        start(self, partial(self._go, register=True), exclusive=True)

    @on(Button.Pressed, "#quit")
    def _quit(self) -> None:
        self.app.exit()

    async def _go(self, *, register: bool) -> None:
        email = self.query_one("#email", Input).value.strip()
        password = self.query_one("#password", Input).value
        code = self.query_one("#code", Input).value.strip()
        if not password or not (email or (code and not register)):
            self._show("e-mail and password are needed, or a code and a password", "$warning")
            return
        self._show("one moment …", "$text-faint")
        try:
            if register:
                await self.trader.register(email, password, code or None)
            elif code:
                await self.trader.claim(code, password)
            else:
                await self.trader.log_in(email, password)
        except ClientError as error:
            self._show(_reason(error), "$error")
            return
        # a worker of the application: this screen's workers end with the screen
        start(self.app, self.trading.entered)

    def _show(self, text: str, tone: str) -> None:
        self.query_one("#preview", Static).update(foreign(text, tone))


def _reason(error: ClientError) -> str:
    """Return the reason in one line; for several fields, that of the first."""
    if isinstance(error, ApiError):
        details = error.details
        if isinstance(details, list) and details and isinstance(details[0], dict):
            return f"{details[0].get('path')}: {details[0].get('message')}"
        return error.message
    return str(error)
