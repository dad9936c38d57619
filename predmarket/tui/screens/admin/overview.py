"""The lines of the admin screen that sum all markets up."""

from predmarket.client.response_types import Overview
from predmarket.tui.state import formatting, parse
from predmarket.tui.widgets.panel import Line, Span, line
from predmarket.units import Micros


def lines(overview: Overview, now: Micros) -> tuple[Line, Line]:
    """Return all markets summed up, and which of them are past due."""
    total = {name: parse.qty(overview[name]) for name in ("openInterest", "volume")}
    counts = [Span(f"   {count} {name}") for name, count in overview["markets"].items() if count]
    markets = line(
        Span("Open interest ", "dim"), Span(formatting.compact(total["openInterest"]), "strong"),
        Span("   volume ", "dim"), Span(formatting.compact(total["volume"]), "strong"), *counts,
    )  # fmt: skip
    count = overview["pastDueCount"]
    if not count:
        return markets, line(Span("no market is past due", "dim"))
    late = [
        Span(f"   {one['slug']} {formatting.span(now - parse.time(one['closesAt']))}")
        for one in overview["pastDue"]
    ]
    return markets, line(Span(f"{count} past due", "warn"), *late)
