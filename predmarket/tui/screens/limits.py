"""The form that shows the trader's own limits and changes them, in keys.toml as well."""

import asyncio

from predmarket.tui import keymap
from predmarket.tui.screens.base import DeskScreen
from predmarket.tui.screens.form import Field, FormDialog
from predmarket.tui.state import brakes
from predmarket.tui.state.brakes import TradingLimits
from predmarket.tui.state.journal import Weight

_FIELDS = (
    ("order", "Largest order", "contracts"),
    ("position", "Largest position", "contracts in a market"),
    ("loss", "Open loss", "dollars in a market"),
    ("through", "Through best", "ticks"),
    ("rate", "Orders a second", "orders"),
)
_TEXT = """\
The screen holds an order back that exceeds one of these, and says so. An empty field is no limit. \
Beyond the open loss only orders that reduce the position are sent."""


def form(limits: TradingLimits) -> FormDialog:
    """Return the form with the present limits."""
    texts = limits.texts
    rows = [Field(name, label, texts.get(name, ""), hint) for name, label, hint in _FIELDS]
    return FormDialog("Your limits", rows, text=_TEXT, act="Keep", check=_check)


def _check(values: dict[str, str]) -> str:
    try:
        brakes.read(values)
    except ValueError as error:
        return str(error)
    return ""


async def change(screen: DeskScreen[None]) -> None:
    """Show the limits; changes apply at once, and are saved."""
    host = screen.trading
    values = await screen.app.push_screen_wait(form(host.trader.brakes.limits))
    if values is None:
        return
    limits = brakes.read(values)
    host.limit(limits)
    said, weight = f"your limits: {limits.words or 'none'}", Weight.GOOD
    try:
        await asyncio.to_thread(keymap.save_limits, host.place.folder, limits)
    except (OSError, ValueError) as error:
        said, weight = f"{said}, until the screen ends; {keymap.FILE}: {error}", Weight.WARNING
    host.trader.say(said, weight)
