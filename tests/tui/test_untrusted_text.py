"""Texts of other users on the screen: without control characters, and never markup."""

from pathlib import Path

from rich.segment import Segment
from textual.strip import Strip

from predmarket.client import ApiError
from predmarket.tui.screens.login import LoginScreen
from predmarket.tui.widgets.line_widget import fit_to_be_shown
from predmarket.tui.widgets.untrusted_text import foreign
from tests.support.http_exchange import ON_ONE_DATABASE, PASSWORD, Exchange
from tests.tui.screens import trading


def test_markup_is_text() -> None:
    """Brackets stay, and control characters are marked."""
    assert foreign("[/x] [b]a\u202eb[/b]\n\u2028", "$error").plain == "[/x] [b]a\ufffdb[/b]\n\ufffd"


def test_a_painted_line_is_clean() -> None:
    """Every widget's lines are clean and keep their width."""
    strip = Strip([Segment("ok "), Segment("a\u202eb\x1b[31m\u2066")])
    shown = fit_to_be_shown(strip)
    assert shown.text.startswith("ok a\ufffdb\ufffd[3")
    assert shown.cell_length == strip.cell_length
    plain = Strip([Segment("plain")])
    assert fit_to_be_shown(plain) is plain


@ON_ONE_DATABASE
async def test_a_refusal_with_markup_is_shown(exchange: Exchange, tmp_path: Path) -> None:
    """A refusal with markup is shown as text, at the log-in and in a toast."""
    async with trading(exchange, None, tmp_path) as desktop:
        await desktop.until(lambda: isinstance(desktop.app.screen, LoginScreen))

        async def refuse(*_: object) -> None:
            raise ApiError(401, "INVALID_CREDENTIALS", "no [/x] entry\u202e")

        desktop.app.trader.log_in = refuse  # type: ignore[method-assign, assignment]
        await desktop.type("ann@example.com")
        await desktop.press("enter")
        await desktop.type(PASSWORD)
        await desktop.press("enter")
        await desktop.sees("no [/x] entry\ufffd")
        desktop.app.notify("toast [/y]\u2066", title="[/z]")
        await desktop.sees("toast [/y]\ufffd")
