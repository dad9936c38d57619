"""Every action of the screen that a key is bound to, by its id: for help, and for keys.toml.

Which bindings can be active at once is listed here; in each list no key may mean two things.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from textual.binding import Binding, BindingType
from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME
from textual.keys import Keys as KeyNames

from predmarket.nearest import did_you_mean, slips
from predmarket.tui import keymap
from predmarket.tui.app_keys import BINDINGS as APP
from predmarket.tui.keymap import FILE, Keys
from predmarket.tui.screens.admin.code import CodeDialog
from predmarket.tui.screens.admin.screen import PAGES, AdminScreen
from predmarket.tui.screens.amend import AmendDialog
from predmarket.tui.screens.base import DeskScreen
from predmarket.tui.screens.event import EventScreen
from predmarket.tui.screens.form import FormDialog
from predmarket.tui.screens.help import HelpDialog
from predmarket.tui.screens.login import LoginScreen
from predmarket.tui.screens.order import OrderDialog
from predmarket.tui.screens.portfolio import PortfolioScreen
from predmarket.tui.screens.standings import StandingsScreen
from predmarket.tui.screens.trading import TradingScreen
from predmarket.tui.widgets.depth import Depth
from predmarket.tui.widgets.event_grid import EventGrid
from predmarket.tui.widgets.ladder import Ladder
from predmarket.tui.widgets.market_list import MarketList
from predmarket.tui.widgets.radio import Choice
from predmarket.tui.widgets.table import Table
from predmarket.tui.widgets.tables import OrdersTable

_EVERYWHERE = [*APP, *DeskScreen.BINDINGS]
_TOGETHER: tuple[list[BindingType], ...] = (
    [*TradingScreen.BINDINGS, *Ladder.BINDINGS],
    [*TradingScreen.BINDINGS, *Table.BINDINGS, *OrdersTable.BINDINGS],
    [*TradingScreen.BINDINGS, *Table.BINDINGS, *MarketList.BINDINGS],
    [*TradingScreen.BINDINGS, *Depth.BINDINGS],
    [*EventScreen.BINDINGS, *Ladder.BINDINGS],
    [*EventScreen.BINDINGS, *Table.BINDINGS, *EventGrid.BINDINGS],
    [*EventScreen.BINDINGS, *Table.BINDINGS, *OrdersTable.BINDINGS],
    [*PortfolioScreen.BINDINGS, *Table.BINDINGS, *OrdersTable.BINDINGS],
    [*StandingsScreen.BINDINGS, *Table.BINDINGS],
    *([*AdminScreen.BINDINGS, *Table.BINDINGS, *page.BINDINGS] for page in PAGES),
    [*CodeDialog.BINDINGS],
    [*OrderDialog.BINDINGS, *Choice.BINDINGS],
    [*FormDialog.BINDINGS, *Choice.BINDINGS],
    [*AmendDialog.BINDINGS],
    [*LoginScreen.BINDINGS],
    [*HelpDialog.BINDINGS],
)
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})


@cache
def named() -> Mapping[str, Binding]:
    """Return every binding that can be remapped, by its id."""
    return {
        str(binding.id): binding
        for group in (_EVERYWHERE, *_TOGETHER)
        for binding in group
        if isinstance(binding, Binding) and binding.id
    }


def known(key: str) -> bool:
    """Tell whether there is a key of this name on any keyboard: "f12", "ctrl+k", "b", "slash"."""
    *modifiers, base = _parts(key)
    if not _MODIFIERS.issuperset(modifiers):
        return False
    if len(base) == 1:
        return base.isprintable() and not base.isspace()
    return base in _key_names() or base in KEY_TO_UNICODE_NAME or _is_character(base)


@cache
def _key_names() -> frozenset[str]:
    plain = {str(each.value) for each in KeyNames} | {*KEY_NAME_REPLACEMENTS.values()}
    return frozenset(name for name in plain if not name.startswith("<"))


def _is_character(name: str) -> bool:
    try:
        unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return False
    return True


def keys_of(bound: str) -> frozenset[str]:
    """Return the keys of a binding, each in one spelling."""
    return frozenset(_one_spelling(key.strip()) for key in bound.split(","))


def _parts(key: str) -> list[str]:
    return [key] if key == "+" else key.split("+")


def _one_spelling(key: str) -> str:
    *modifiers, base = _parts(key)
    if len(base) == 1 and not base.isalnum():
        base = unicodedata.name(base, base).lower().replace("-", "_").replace(" ", "_")
        base = KEY_NAME_REPLACEMENTS.get(base, base)
    return "+".join((*sorted(modifiers), base))


def clashes(bound: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield each remapped binding whose key another one has as well, that key, and whose it is.

    Two that share a key as delivered, such as those that open and close the same screen, may.
    """
    every = named()
    usual = {name: keys_of(binding.key) for name, binding in every.items()}
    keys = {name: keys_of(bound.get(name, binding.key)) for name, binding in every.items()}
    for group in _TOGETHER:
        ids = {str(each.id) for each in (*_EVERYWHERE, *group)
               if isinstance(each, Binding) and each.id}  # fmt: skip
        for name in sorted(ids & bound.keys()):
            for other in sorted(ids - {name}):
                shared = keys[name] & keys[other]
                for key in sorted(shared - (usual[name] & usual[other])):
                    yield name, key, other


def load(folder: Path) -> Keys:
    """Read keys.toml; what cannot be used of it is said and left out."""
    keys = keymap.load(folder)
    bound, refused = refuse(keys.bound)
    return replace(keys, bound=bound, wrong=[*keys.wrong, *refused])


def refuse(bound: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the bindings that can be used, and a line for each that cannot.

    An id must be a binding's, a key one that there is, and no key may mean two things at a time.
    """
    every = named()
    good: dict[str, str] = {}
    wrong: list[str] = []
    for name, keys in bound.items():
        unknown = [key for key in keys.split(",") if not known(key)]
        if name not in every:
            meant = did_you_mean(slips(name, every))
            wrong.append(f"{FILE}: no binding is named {name}{meant}")
        elif unknown:
            wrong.append(f"{FILE}: {name}: there is no key {unknown[0]}")
        else:
            good[name] = keys
    # what is refused has its usual key again, which another one may have been given meanwhile
    while taken := next(clashes(good), None):
        name, key, other = taken
        del good[name]
        wrong.append(f"{FILE}: {name}: the key {key} is taken by {other}")
    return good, wrong
