"""Lists: one page, or all pages, and word of what was left out."""

from collections.abc import Iterable
from typing import TypeVar, cast

from predmarket.cli.failure import usage
from predmarket.cli.grid import Layout, Row
from predmarket.cli.line import Line
from predmarket.client.calls import Call
from predmarket.client.shapes import Page

T = TypeVar("T")


def one_page(cursor: str | None, *, everything: bool) -> None:
    """Refuse to watch pages that stand behind the first. Raises Failure."""
    if cursor is not None or everything:
        raise usage("--watch goes with neither --cursor nor --all")


def show_list(line: Line, layout: Layout, call: Call[Page[T]], *, everything: bool = False) -> None:
    """Print ``call``'s page; with ``everything`` the pages after it too."""
    with line.client() as client:
        if everything:
            line.output.rows(layout, cast("Iterable[Row]", client.follow(call)))
            return
        page = client.send(call)
    line.output.rows(layout, cast("Iterable[Row]", page["items"]))
    cursor, total = page.get("nextCursor"), page.get("total")
    if cursor:
        line.output.note(f"more: --cursor {cursor}")
    elif total is not None:
        offset = int(call.params.get("offset", 0))
        left = total - offset - len(page["items"])
        if left > 0 and page["items"]:
            line.output.note(f"{left} more: --offset {offset + len(page['items'])}")
