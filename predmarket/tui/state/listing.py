"""The list of markets, in which an event stands for its markets until it is unfolded."""

from collections.abc import Collection
from typing import NamedTuple

from predmarket.tui.state.events import Event, Events
from predmarket.tui.state.markets import Market, Markets


class EventKey(NamedTuple):
    """The key of an event's row, which no market's id is."""

    event: int


class Fold(NamedTuple):
    """An event's row, the markets behind it, and whether they follow it in the list."""

    event: Event
    markets: list[Market]
    open: bool


def listing(
    markets: Markets, events: Events, search: str, unfolded: Collection[int]
) -> list[Market | Fold]:
    """Return what the list shows for a search: an event stands where its first market would.

    A search unfolds the events that it finds something in; an event that it names has all its
    markets.
    """
    found = markets.listed(search)
    words = search.lower().split()
    of_event: dict[int, list[Market]] = {}
    for market in found:
        if market.event is not None:
            of_event.setdefault(market.event, []).append(market)
    for event in events if words else ():
        if all(word in f"{event.slug} {event.title}".lower() for word in words):
            of_event[event.id] = markets.of_event(event.id)
    shown: list[Market | Fold] = []
    named = [each[0] for event, each in of_event.items() if each and each[0] not in found]
    for market in [*found, *named]:
        known = events.get(market.event)
        if known is None:
            shown.append(market)
        elif (inside := of_event.pop(known.id, None)) is not None:
            inside.sort(key=lambda each: each.id)
            is_open = bool(words) or known.id in unfolded
            shown.append(Fold(known, inside, is_open))
            shown += inside if is_open else []
    return shown
