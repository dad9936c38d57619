"""The names that a mistyped one was probably meant to be."""

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return the names among ``known`` that are like ``name``, the likest first, three at most."""
    from difflib import get_close_matches  # noqa: PLC0415  (only a mistake needs it)

    folded = {one.lower(): one for one in known}
    return [folded[one] for one in get_close_matches(name.lower(), folded)]


def guess(name: str, known: Iterable[str]) -> str:
    """Return the end of a message that refuses ``name``: the nearest names, "" without any."""
    near = nearest(name, known)
    return f"; did you mean {' or '.join(near)}?" if near else ""
