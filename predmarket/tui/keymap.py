"""Keys of the trader's own: a file in the configuration folder that names bindings by their id,
and says which sizes the keys 1 to 5 choose, whether fills ring the bell, and the trader's limits
(desk/brakes.py).

    sizes = [5, 10, 20, 50, "0.50"]
    bell = true

    [brakes]
    order = 100

    [keys]
    "app.kill" = "f12"
    "ladder.buy" = "b,left_parenthesis"

What cannot be used is said on the screen and left out; the rest applies.
"""

import re
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from predmarket import units
from predmarket.tui.desk import brakes
from predmarket.tui.desk.brakes import Limits
from predmarket.tui.trader import SIZES
from predmarket.units import Qty

FILE = "keys.toml"
_KEY = re.compile(r"[A-Za-z0-9_]+(\+[A-Za-z0-9_]+)*|[^\sA-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class Keys:
    """What the file says: keys by binding id, sizes, and what was wrong with it."""

    bound: dict[str, str]
    sizes: tuple[Qty, ...] = SIZES
    wrong: list[str] = field(default_factory=list)
    bell: bool = False
    limits: Limits = field(default_factory=Limits)


def load(folder: Path) -> Keys:
    """Read the file; what it does not say is as it is without one."""
    path = folder / FILE
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        return Keys({})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Keys({}, wrong=[f"{path}: {error}"])
    bound, wrong = _bound(table.get("keys", {}))
    known = ("keys", "sizes", "bell", "brakes")
    wrong += [f"{FILE}: {name} means nothing here" for name in table if name not in known]
    if not isinstance(table.get("bell", False), bool):
        wrong.append(f"{FILE}: bell must be true or false")
    sizes = SIZES
    if "sizes" in table:
        try:
            sizes = _sizes(table["sizes"])
        except (units.UnitError, ValueError, TypeError) as error:
            wrong.append(f"{FILE}: sizes: {error}")
    limits = Limits()
    try:
        limits = brakes.read(table.get("brakes", {}))
    except (units.UnitError, ValueError, TypeError, AttributeError) as error:
        wrong.append(f"{FILE}: brakes: {error}")
    return Keys(bound, sizes, wrong, table.get("bell") is True, limits)


def _bound(table: Any) -> tuple[dict[str, str], list[str]]:  # noqa: ANN401  (as it was read)
    if not isinstance(table, dict):
        return {}, [f"{FILE}: keys must be a table"]
    good: dict[str, str] = {}
    wrong: list[str] = []
    for name, keys in table.items():
        if isinstance(keys, str) and keys and all(map(_KEY.fullmatch, keys.split(","))):
            good[name] = keys
        else:
            wrong.append(f'{FILE}: {name} must be a key such as "f12" or "b"')
    return good, wrong


def _sizes(listed: Any) -> tuple[Qty, ...]:  # noqa: ANN401  (likewise)
    """Return sizes. Raises UnitError and ValueError."""
    if not isinstance(listed, list) or not 2 <= len(listed) <= 5:
        raise ValueError("must be a list of two to five quantities")
    if any(isinstance(each, bool) or not isinstance(each, int | str | Decimal) for each in listed):
        raise ValueError("must be quantities, such as 10 or 0.50")
    return tuple(map(units.parse_qty, listed))
