"""The names that a mistyped one was probably meant to be.

`nearest` is for a name that is refused anyway. `slips` is strict, for names that would do: it finds
those that one slip of a finger makes of another, and never takes bot1 for bot2.
"""

from collections.abc import Iterable, Sequence


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return the names among ``known`` that are like ``name``, the likest first, three at most."""
    from difflib import get_close_matches  # noqa: PLC0415  (only a mistake needs it)

    folded = {one.lower(): one for one in known}
    return [folded[one] for one in get_close_matches(name.lower(), folded)]


def guess(name: str, known: Iterable[str]) -> str:
    """Return the end of a message that refuses ``name``: the nearest names, "" without any."""
    return did_you_mean(nearest(name, known))


def slips(name: str, known: Iterable[str]) -> list[str]:
    """Return the names among ``known`` that ``name`` is a slip away from, or only spaced unlike.

    A slip is a letter too many, missing or wrong, or two that changed places.
    """
    bare = _bare(name)
    digits = sorted(filter(str.isdigit, bare))
    return [
        one
        for one in known
        if sorted(filter(str.isdigit, one)) == digits and _is_slip(bare, _bare(one))
    ]


def did_you_mean(names: Sequence[str]) -> str:
    """Return the end of a message that refuses a name for ``names``, "" without any."""
    return f"; did you mean {' or '.join(names)}?" if names else ""


def _bare(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(".", "")


def _is_slip(left: str, right: str) -> bool:
    """Tell whether at most one slip makes ``left`` of ``right``."""
    if abs(len(left) - len(right)) > 1:
        return False
    same = 0
    while same < min(len(left), len(right)) and left[same] == right[same]:
        same += 1
    left, right = left[same:], right[same:]
    return (
        left == right
        or left[1:] == right[1:]  # wrong
        or left[1:] == right  # too many
        or left == right[1:]  # missing
        or (left[2:] == right[2:] and left[:2] == right[:2][::-1])  # changed places
    )
