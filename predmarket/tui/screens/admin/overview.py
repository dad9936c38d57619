"""The lines of the admin screen that sum all markets up."""

from collections.abc import Iterator

from predmarket.client.response_types import Overview, PastDueMarket
from predmarket.tui.state import formatting, parse
from predmarket.tui.widgets.panel import Line, Span, line
from predmarket.units import Micros


def lines(overview: Overview, now: Micros) -> tuple[Line, Line]:
    """Return all markets summed up, and which of them are past due."""
    total = {name: parse.qty(overview[name]) for name in ("openInterest", "volume")}
    counts = [Span(f"   {count} {name}") for name, count in overview["markets"].items() if count]
    proposed = overview["proposedCount"]
    markets = line(
        Span("Open interest ", "dim"), Span(formatting.compact(total["openInterest"]), "strong"),
        Span("   volume ", "dim"), Span(formatting.compact(total["volume"]), "strong"), *counts,
        *([Span(f"   {proposed} proposed", "warn")] if proposed else ()),
    )  # fmt: skip
    count = overview["pastDueCount"]
    if not count:
        return markets, line(Span("no market is past due", "dim"))
    late = [span for one in overview["pastDue"] for span in _late(one, now)]
    return markets, line(Span(f"{count} past due", "warn"), *late)


def _late(market: PastDueMarket, now: Micros) -> Iterator[Span]:
    """Yield a market past due: for how long, and how it is proposed to end."""
    yield Span(f"   {market['slug']} {formatting.span(now - parse.time(market['closesAt']))}")
    if market["proposal"] is not None:
        yield Span(f" {market['proposal']['outcome']}?", "warn")
