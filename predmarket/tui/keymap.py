"""Keys of the trader's own: a file in the configuration folder that names bindings by their id.

    [keys]
    "app.kill" = "f12"
    "ladder.buy" = "b,left_parenthesis"

What cannot be used is said on the screen and left out; the rest applies.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

FILE = "keys.toml"
_KEY = re.compile(r"[A-Za-z0-9_]+(\+[A-Za-z0-9_]+)*|[^\sA-Za-z0-9]")


def load(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return the keys by binding id, and what was wrong with the file."""
    path = folder / FILE
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("keys", {})
    except FileNotFoundError:
        return {}, []
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return {}, [f"{path}: {error}"]
    if not isinstance(table, dict):
        return {}, [f"{path}: keys must be a table"]
    good: dict[str, str] = {}
    wrong: list[str] = []
    for name, keys in table.items():
        if isinstance(keys, str) and keys and all(map(_KEY.fullmatch, keys.split(","))):
            good[name] = keys
        else:
            wrong.append(f'{FILE}: {name} must be a key such as "f12" or "b"')
    return good, wrong


def unknown(keymap: Mapping[str, str], ids: Collection[str]) -> list[str]:
    """Return a line for each name in ``keymap`` that is no binding's."""
    return [f"{FILE}: no binding is named {name}" for name in keymap if name not in ids]
