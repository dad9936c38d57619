"""Command: tui."""

import gc
import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from predmarket.cli import complete, context, failure
from predmarket.cli.context import Line

if TYPE_CHECKING:
    from predmarket.client.settings import Settings
    from predmarket.tui.app import TradingApp


def tui(
    ctx: typer.Context,
    market: Annotated[
        str | None,
        typer.Argument(
            metavar="[M]",
            help="The market to open: its id or slug (default: the most active one).",
            autocompletion=complete.markets,
        ),
    ] = None,
    *,
    plain: Annotated[
        bool, typer.Option("--plain", help="Words instead of lines and bars, for screen readers.")
    ] = False,
    light: Annotated[bool, typer.Option("--light", help="Start with the light theme.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only check keys.toml, and report what cannot be used.")
    ] = False,
) -> None:
    """Examples:
      predmarket tui
      predmarket tui will-it-rain-tomorrow --light
      predmarket tui --plain
      predmarket tui --check

    Trade on a screen: ladder, chart, tape, positions and orders, by mouse and keyboard. It starts
    in SAFE, where nothing is sent; ? shows the keys.
    """
    line = context.of(ctx)
    if check:
        _check(line)
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise failure.usage("tui needs a terminal")
    screen = app(line, market, plain=plain, light=light)
    for wrong in screen.wrong:  # printed here, it is visible again after the screen has ended
        line.output.note(wrong)
    gc.freeze()  # a collection that also searched the modules would delay five frames
    screen.run()


def _check(line: Line) -> None:
    """Report the unusable entries of keys.toml. Raises CliError if there are any."""
    from predmarket.tui import bindings, keymap  # they load the screen

    wrong = bindings.load(line.settings.folder).wrong
    for each in wrong:
        line.output.note(each)
    if wrong:
        raise failure.usage(f"{len(wrong)} of {keymap.FILE} cannot be used")
    line.output.note(f"{line.settings.folder / keymap.FILE}: nothing is wrong")


def _flags(settings: "Settings") -> str:
    """Return the flags for the same exchange and user in another terminal."""
    words = []
    if settings.profile.origin in ("flag", "env"):
        words += ["-P", settings.profile.value]
    if settings.url.origin in ("flag", "env"):
        words += ["--url", settings.url.value]
    return shlex.join(words)


def app(line: Line, market: str | None, *, plain: bool, light: bool) -> "TradingApp":
    """Return the screen with a line's settings."""
    import predmarket.client as api  # only this command loads the screen
    from predmarket.tui.app import TradingApp
    from predmarket.tui.place import ScreenOrigin
    from predmarket.tui.themes import DARK, LIGHT

    settings, session = line.settings, line.session
    url, patience_s = settings.url.value, line.patience_s
    key = settings.api_key.value if settings.api_key else None
    return TradingApp(
        api.AsyncClient(url, session=session, api_key=key, timeout_s=patience_s),
        lambda topics: api.Feed(
            url, session=session, api_key=key, topics=topics, timeout_s=patience_s
        ),
        ScreenOrigin(url, settings.profile.value, settings.folder, _flags(settings)),
        urgent=api.AsyncClient(url, session=session, api_key=key, timeout_s=min(5.0, patience_s)),
        market=market,
        plain=plain,
        theme=LIGHT if light else DARK,
    )
