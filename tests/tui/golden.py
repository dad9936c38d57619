"""Lines as a file that can be read in a diff: the text, the letters' roles, the grounds.

Every drawn line is three: what it says between bars, one letter a cell for the role of what is
written there, one for the uppermost ground under it ("." none). PREDMARKET_GOLDEN=write writes
the files anew.
"""

import difflib
import os
from collections.abc import Iterable
from pathlib import Path

from rich.style import Style
from textual.strip import Strip

from predmarket.tui.widgets.palette import Palette

FOLDER = Path(__file__).parent / "golden"

# one letter per role; the columns distinguish two roles that share one
_ROLES = """
head h, size S, second s, safe f, arm A, stopped X, title t, edge e, hint n, mine m, ahead q,
bid b, ask a, best-bid B, best-ask K, price p, rule |, volume v, last l, last-up u, last-down d,
gain +, loss -, stale ~, time t, up u, down d, qty q, count c, bids b, asks a, axis x
"""
_GROUNDS = """
bid-bar b, ask-bar a, volume-bar v, stale-bar s, inside i, hover h, cursor c, target t,
safe f, arm A, stopped X, up-bar u, down-bar d
"""


def _letters(text: str) -> dict[str, str]:
    pairs = (pair.strip().partition(" ") for pair in text.split(","))
    return {role: letter for role, _, letter in pairs}


ROLES = {"foot": " ", **_letters(_ROLES)}
GROUNDS = _letters(_GROUNDS)


class NamedPalette(Palette):
    """Styles whose colours are names."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, ...], Style] = {}

    def style(self, role: str, *grounds: str) -> Style:
        letter, ground = ROLES[role], GROUNDS[grounds[-1]] if grounds else "."
        return Style.from_meta({"letters": letter + ground})

    def edge(self, bar: str, grounds: tuple[str, ...], *, inverse: bool = False) -> Style:
        letter, ground = "<" if inverse else ">", GROUNDS[bar]
        return Style.from_meta({"letters": letter + ground})


def written(strips: Iterable[Strip]) -> str:
    """Return strips of a NamedPalette in the golden format."""
    lines = []
    for strip in strips:
        text, roles, grounds = "", "", ""
        for segment in strip:
            letters = (segment.style.meta if segment.style else {}).get("letters", " .")
            text += segment.text
            roles += letters[0] * len(segment.text)
            grounds += letters[1] * len(segment.text)
        shown = "".join(r if t != " " else " " for r, t in zip(roles, text, strict=True))
        lines += [f"|{text}|", f" {shown}".rstrip(), f" {grounds}".rstrip(" .")]
    return "\n".join(line for line in lines if line) + "\n"


def expect(name: str, actual: str) -> None:
    """Fail unless ``actual`` is what the golden file holds; ``name`` may say its kind: .svg."""
    path = FOLDER / (name if Path(name).suffix else f"{name}.txt")
    if os.environ.get("PREDMARKET_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(actual, encoding="utf-8")
    kept = path.read_text(encoding="utf-8")
    if actual != kept:
        lines = difflib.unified_diff(kept.splitlines(), actual.splitlines(), "kept", "now", n=0)
        raise AssertionError("\n".join(lines))
