"""Lists: one page, or all pages, and word of what was left out."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TypedDict, TypeVar, cast

import predmarket.client as api
from predmarket.cli.context import Line
from predmarket.cli.failure import usage
from predmarket.cli.grid import Layout, Row
from predmarket.cli.timestamps import moment
from predmarket.client.calls import Call
from predmarket.client.response_types import Page

T = TypeVar("T")
MOST_PAGES = 100
"""Maximum empty pages that are skipped; the printed cursor continues after them."""


class Span(TypedDict):
    """The time from since up to before until, in the exchange's format; None is no bound."""

    since: str | None
    until: str | None


def span_of(line: Line, since: str | None, until: str | None) -> Span:
    """Return the span of two options. Raises Failure, ClientError."""
    span = Span(
        since=moment(line, since, "--since", past=True),
        until=moment(line, until, "--until", past=True),
    )
    if span["since"] and span["until"] and span["since"] >= span["until"]:
        raise usage("--since must be before --until")
    return span


def one_page(cursor: str | None, *others: object, everything: bool) -> None:
    """Refuse --watch for pages after the first, or for a past time. Raises Failure."""
    if cursor is not None or everything or any(others):
        raise usage("--watch goes with none of --cursor, --all, --ids, --since and --until")


def show_list(
    line: Line,
    layout: Layout,
    call: Call[Page[T]],
    *,
    everything: bool = False,
    ids: bool = False,
) -> bool:
    """Print ``call``'s page; with ``everything`` the pages after it too. Return whether it has
    items, or may have some further back.

    Pages on which the call's filters leave no item are passed over, without ``everything`` up to
    MOST_PAGES of them. ``ids``: print nothing of an item but its id.
    """

    def write(rows: Iterable[Row]) -> None:
        if ids:
            line.output.ids(rows, next(name for name in ("id", "tradeId") if name in layout.fields))
        else:
            line.output.rows(layout, rows)

    with line.client() as client:
        pages = _pages(client, call)
        if everything:
            rows = (row for each in pages for row in _rows(each))
            first = [*islice(rows, 1)]
            write(chain(first, rows))
            return bool(first)
        for page in islice(pages, MOST_PAGES):  # the last one stands
            if page["items"]:
                break
    items = _rows(page)
    write(items)
    cursor, total = page.get("nextCursor"), page.get("total")
    if cursor and not items:
        line.output.note(f"nothing found on {MOST_PAGES} pages")
    if cursor:
        line.output.note(f"more: --cursor {cursor}")
    elif total is not None:
        offset = int(call.params.get("offset", 0))
        left = total - offset - len(items)
        if left > 0 and items:
            line.output.note(f"{left} more: --offset {offset + len(items)}")
    return bool(items or cursor)


def _pages(client: "api.Client", call: Call[Page[T]]) -> Iterator[Page[T]]:
    """Yield ``call``'s page and those after it; the last one has no cursor."""
    following: Call[Page[T]] | None = call
    while following is not None:
        page = client.send(following)
        yield page
        following = following.after(page)


def _rows(page: Page[T]) -> Sequence[Row]:
    return cast("Sequence[Row]", page["items"])
