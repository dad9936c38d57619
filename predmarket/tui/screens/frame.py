"""Fills the header and the footer of every screen that fills the terminal."""

from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any

from textual.binding import Binding
from textual.screen import Screen

from predmarket.tui.screens.base import DeskScreen
from predmarket.tui.session import FLASH_S
from predmarket.tui.state.events import Event
from predmarket.tui.state.markets import Market
from predmarket.tui.trader import Trader
from predmarket.tui.widgets.footer import Foot, Hint
from predmarket.tui.widgets.header import Header, HeaderData


def fill_header(header: Header, trader: Trader, about: Market | Event | None = None) -> None:
    """Fill the header; it is about the open market by default."""
    header.data = HeaderData(
        about=about or trader.state.market,
        now=trader.clock(),
        light=trader.light(),
        age=trader.age(),
        who=trader.user["email"] if trader.user else "",
        armed=trader.armed,
        unconfirmed=trader.unconfirmed,
        limits=trader.brakes.limits.words,
        waiting=trader.feed.waiting if trader.feed is not None else 0,
    )


def fill_foot(foot: Foot, screen: DeskScreen[None], trader: Trader, order: Sequence[str]) -> None:
    """Fill the footer with the last message, and the keys of the bindings in ``order``."""
    foot.echo, foot.said = trader.echo, trader.said
    foot.flash = monotonic() - trader.alerted_at < FLASH_S
    made_of = (screen.rebound, trader.armed, *order)
    if foot.bound != made_of:
        foot.bound = made_of
        foot.hints = [*_hints(screen, trader, order)]


def _hints(screen: DeskScreen[None], trader: Trader, order: Sequence[str]) -> Iterator[Hint]:
    bound = {
        active.binding.id: active.binding
        for active in screen.active_bindings.values()
        if active.binding.id is not None
    }
    for name in order:
        binding = bound.get(name)
        if binding is not None:
            yield Hint(key_name(screen, binding), _text(binding, trader), binding.action)


def _text(binding: Binding, trader: Trader) -> str:
    if binding.id == "app.arm":
        return "SAFE" if trader.armed else "ARM"
    return binding.description


def key_name(screen: Screen[Any], binding: Binding) -> str:
    """Return a key's name on a keyboard: "F8", "Esc", "space", "x"."""
    name = screen.app.get_key_display(binding)
    if name == "esc":
        return "Esc"
    return name.upper() if len(name) > 1 and name[0] == "f" and name[1:].isdigit() else name
