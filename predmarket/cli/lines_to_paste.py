"""Lines to paste into a message or a label: the option --format."""

import re
from collections.abc import Callable
from typing import TypeAlias

from predmarket.cli.failure import usage
from predmarket.cli.grid import Row
from predmarket.nearest import guess

Paste: TypeAlias = Callable[[Row], str]
"""Returns the line for a row."""
FIELDS = ("email", "fullName", "code", "credit", "group", "url")
_FIELD = re.compile(r"\{(\w*)\}")


def paste_of(form: str | None) -> Paste | None:
    """Return the filling in of a --format, None without one. Raises Failure."""
    if form is None:
        return None
    for name in _FIELD.findall(form):
        if name not in FIELDS:
            near = guess(name, FIELDS)
            raise usage(f"--format: {{{name}}} is none of {', '.join(FIELDS)}{near}")
    return lambda row: _FIELD.sub(lambda found: str(row.get(found[1]) or ""), form)
