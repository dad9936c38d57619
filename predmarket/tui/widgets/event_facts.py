"""What is so of a whole event: its kind, the sums of its prices, and what the trader holds."""

from rich.cells import cell_len

from predmarket.tui.state import formatting
from predmarket.tui.state.events import Event
from predmarket.tui.state.outcomes import result, sums
from predmarket.tui.state.whole_sets import whole_sets
from predmarket.tui.trader import Trader
from predmarket.tui.widgets.panel import Line, Panel, Span, join, line


class EventFacts(Panel):
    """Two lines above the grid of outcomes."""

    def __init__(self, trader: Trader, event: int, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._trader = trader
        self._state = trader.state
        self._event = event

    def stamp(self) -> object:
        state, trader = self._state, self._trader
        return (
            state.markets.version, state.events.version, state.positions.version,
            trader.size, trader.second,
        )  # fmt: skip

    def lines(self, width: int, _height: int) -> list[Line]:
        event = self._state.events.get(self._event)
        if event is None:
            return [line(Span("loading", "dim"))]
        held, sizes = self._worth(event), self._sizes()
        gap = width - sum(cell_len(span.text) for span in (*held, *sizes))
        return [Line(self._prices(event)), Line((*held, Span(" " * max(2, gap)), *sizes))]

    def _sizes(self) -> tuple[Span, ...]:
        """Return the sizes of a left and a right click, as the ladder has them."""
        trader = self._trader
        first, second = trader.sizes[trader.size], trader.sizes[trader.second]
        words = f"[{formatting.size_text(first)}]({formatting.size_text(second)})"
        return (Span("size ", "dim"), Span(words, "accent"))

    def _prices(self, event: Event) -> tuple[Span, ...]:
        markets = self._state.markets.of_event(event.id)
        ended = result(event, markets)
        if ended:
            return (Span(ended, "strong"),)
        if event.proposal is not None:
            return (Span(event.proposal.words, "warn"),)
        bids, asks = sums(markets)
        kind = "exactly one comes true" if event.exhaustive else "at most one comes true"
        return join(
            [
                (Span("bids ", "dim"), Span(bids, "strong")),
                (Span("asks ", "dim"), Span(asks, "strong")),
                (Span(kind, "dim"),),
                (Span("sets ", "dim"), Span(formatting.compact(event.sets))),
            ],
            gap="   ",
        )

    def _worth(self, event: Event) -> tuple[Span, ...]:
        state = self._state
        held, sets = state.events.holding(event.id), whole_sets(state, event)
        if held is None:
            return (Span("nothing held", "dim"),)
        pays = [*held.payoffs.values(), *(() if held.none is None else (held.none,))]
        parts = [
            (Span("returned ", "dim"), Span(formatting.money(held.returned), "strong")),
            (Span("pays ", "dim"),
             Span(f"{formatting.money(min(pays, default=0))} to "
                  f"{formatting.money(max(pays, default=0))}", "strong")),
        ]  # fmt: skip
        if sets is not None:
            parts.append((Span("whole sets ", "dim"), Span(formatting.qty(sets.qty), "strong")))
        return join(parts, gap="   ")
