"""The trader's key file in the configuration folder.

It remaps bindings by their ids, and sets the sizes of the keys 1 to 5, the bell for fills, and the
trader's limits (state/brakes.py).

    sizes = [5, 10, 20, 50, "0.50"]
    bell = true

    [brakes]
    order = 100

    [keys]
    "app.kill" = "f12"
    "ladder.buy" = "b,left_parenthesis"

The screen reports unusable entries and ignores them; the others apply.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from predmarket import units
from predmarket.files import replace_file
from predmarket.tui.state import brakes
from predmarket.tui.state.brakes import TradingLimits
from predmarket.tui.trader import SIZES
from predmarket.units import Qty

FILE = "keys.toml"
_KEY = re.compile(r"[A-Za-z0-9_]+(\+[A-Za-z0-9_]+)*|[^\sA-Za-z0-9]")
_BRAKES = re.compile(r"\s*\[\s*brakes\s*\]\s*(#.*)?$")
_TABLE = re.compile(r"\s*\[")
_LIMIT = re.compile(r"\s*(?P<name>\w+)\s*=[^#]*?(?P<comment>\s*#.*)?$")


@dataclass(frozen=True, slots=True)
class Keys:
    """The file's content: keys by binding id, sizes, and its errors."""

    bound: dict[str, str]
    sizes: tuple[Qty, ...] = SIZES
    wrong: list[str] = field(default_factory=list)
    bell: bool = False
    limits: TradingLimits = field(default_factory=TradingLimits)


def load(folder: Path) -> Keys:
    """Read the file; missing entries have their defaults."""
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
    limits = TradingLimits()
    try:
        limits = brakes.read(table.get("brakes", {}))
    except (units.UnitError, ValueError, TypeError, AttributeError) as error:
        wrong.append(f"{FILE}: brakes: {error}")
    return Keys(bound, sizes, wrong, table.get("bell") is True, limits)


def save_limits(folder: Path, limits: TradingLimits) -> None:
    """Write the limits into the file; everything else, comments too, stays unchanged.

    Raises OSError, and ValueError if the file is unreadable or has them in another form.
    """
    path = folder / FILE
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    before = tomllib.loads(text)
    changed = _with_limits(text, limits.texts)
    after = tomllib.loads(changed)
    others = [{name: before[name] for name in before if name != "brakes"},
              {name: after[name] for name in after if name != "brakes"}]  # fmt: skip
    exact = tomllib.loads(changed, parse_float=Decimal)
    if others[0] != others[1] or brakes.read(exact.get("brakes", {})) != limits:
        raise ValueError("its brakes are no table of their own: change them there")
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(path, changed)


def _with_limits(text: str, texts: Mapping[str, str]) -> str:
    """Return the file's text with these limits in place of the old ones."""
    lines = text.splitlines()
    start = next((n for n, line in enumerate(lines) if _BRAKES.match(line)), None)
    if start is None:
        lines += ["", "[brakes]"] if lines else ["[brakes]"]
        start = len(lines) - 1
    end = next((n for n in range(start + 1, len(lines)) if _TABLE.match(lines[n])), len(lines))
    while not lines[end - 1].strip():
        end -= 1
    kept: list[str] = []
    missing = dict(texts)
    for line in lines[start + 1 : end]:
        limit = _LIMIT.match(line)
        if limit is None:
            kept.append(line)
        elif limit["name"] in missing:
            kept.append(f"{limit['name']} = {missing.pop(limit['name'])}{limit['comment'] or ''}")
    kept += [f"{name} = {value}" for name, value in missing.items()]
    return "\n".join([*lines[: start + 1], *kept, *lines[end:]]) + "\n"


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
