"""Complete sets among the positions: a share of every outcome that can come true.

A set pays 1.00 whatever happens, so it is one line and not as many as there are outcomes. Only an
exhaustive event has such sets among its positions: of any other NONE belongs to a set.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from predmarket.tui.state.events import Event
from predmarket.tui.state.positions import Position
from predmarket.units import PRICE_ONE, Money, Qty

if TYPE_CHECKING:
    from predmarket.tui.state.trading_state import TradingState


@dataclass(frozen=True, slots=True)
class WholeSets:
    """Complete sets of one event, and what they cost."""

    event: int
    slug: str
    qty: Qty
    cost: Money

    @property
    def profit(self) -> Money:
        """Return what they pay, whatever happens, less what they cost."""
        return self.qty * PRICE_ONE - self.cost


def held(state: "TradingState") -> list[Position | WholeSets]:
    """Return what is held, by name: complete sets as one, and the rest of those positions."""
    found: list[Position | WholeSets] = []
    rest = {each.market: each for each in state.positions.held()}
    for event in state.events:
        sets = whole_sets(state, event)
        if sets is None:
            continue
        found.append(sets)
        for market in state.markets.of_event(event.id):
            if market.id in rest:
                rest[market.id] = _without(rest[market.id], sets.qty)
    found += [each for each in rest.values() if not each.flat]
    return sorted(found, key=lambda each: (each.slug, isinstance(each, Position)))


def whole_sets(state: "TradingState", event: Event) -> WholeSets | None:
    """Return the complete sets among the positions of an event; None without one."""
    if not event.exhaustive or state.events.holding(event.id) is None:
        return None
    live = [market.id for market in state.markets.of_event(event.id) if not market.final]
    positions = [state.positions.get(market) for market in live]
    qty = min((each.yes - each.no if each else 0 for each in positions), default=0)
    if qty <= 0:
        return None
    cost = sum(each.cost - _without(each, qty).cost for each in positions if each)
    return WholeSets(event.id, event.slug, qty, cost)


def _without(position: Position, qty: Qty) -> Position:
    """Return a position without ``qty`` of its YES shares, and without their part of the cost."""
    if not position.yes or qty > position.yes:
        return position
    left = position.yes - qty
    return replace(position, yes=left, cost_yes=position.cost_yes * left // position.yes)
