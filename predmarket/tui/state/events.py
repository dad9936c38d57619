"""The known events, and what the trader holds in each.

An event's markets are in state/markets.py. The exchange sends what each outcome would pay; nothing
here computes it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from predmarket.client import response_types
from predmarket.enums import MarketStatus
from predmarket.tui.state import parse, proposal
from predmarket.tui.state.markets import FINAL
from predmarket.tui.state.positions import PAID_WITHIN_MS
from predmarket.tui.state.proposal import Proposal
from predmarket.units import Micros, Money, Qty

NONE = "NONE"
"""The outcome of an event when none of its markets comes true."""


@dataclass(slots=True)
class Event:
    """One event's present state. ``outcome`` is the winner's slug, NONE, WEIGHTS or VOID."""

    id: int
    slug: str
    title: str
    exhaustive: bool
    status: MarketStatus
    outcome: str | None
    sets: Qty
    closes_at: Micros | None
    proposal: Proposal | None = None

    @property
    def trading(self) -> bool:
        """Tell whether any of its markets takes orders."""
        return self.status is MarketStatus.OPEN

    @property
    def final(self) -> bool:
        """Tell whether the event is final."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class Holding:
    """What each outcome pays, by market; ``none``: if no market wins, None in an exhaustive event.

    ``returned`` is what complete sets have paid ahead.
    """

    returned: Money = 0
    none: Money | None = None
    payoffs: Mapping[int, Money] = field(default_factory=dict)

    @property
    def flat(self) -> bool:
        """Tell whether nothing is held."""
        return not (self.returned or self.none or any(self.payoffs.values()))


class Events:
    """Every event by id. ``version`` changes with each change, for drawing."""

    def __init__(self) -> None:
        self._known: dict[int, Event] = {}
        self._held: dict[int, Holding] = {}
        self._last: dict[int, Holding] = {}
        """The last holding in each event whose end was not announced yet: by then it was paid."""
        self._flat_at: dict[int, int] = {}
        """When each of these ended, in the exchange's time."""
        self.version = 0

    def __iter__(self) -> Iterator[Event]:
        return iter(self._known.values())

    def get(self, event: int | None) -> Event | None:
        """Return an event by its id."""
        return None if event is None else self._known.get(event)

    def named(self, name: str) -> Event | None:
        """Return an event by its slug."""
        return next((event for event in self if event.slug == name), None)

    def take(self, events: Iterable[response_types.EventSummary]) -> None:
        """Apply the exchange's data on ``events``; the others stay."""
        for each in events:
            self._known[each["id"]] = of_wire(each)
        self.version += 1

    def holding(self, event: int) -> Holding | None:
        """Return what is held in an event; None without anything."""
        return self._held.get(event)

    @property
    def returned(self) -> Money:
        """Return what complete sets of all events have paid ahead."""
        return sum(held.returned for held in self._held.values())

    def load_holdings(self, items: Iterable[response_types.EventHolding]) -> None:
        """Load what is held in all events at once."""
        self._held.clear()
        for each in items:
            self.take_holding(each, 0)
        self._last = dict(self._held)
        self.version += 1

    def take_holding(self, wire: response_types.EventHolding, ts: int) -> None:
        """Apply what is held in one event at ``ts``."""
        held, event = holding_of_wire(wire), wire["eventId"]
        if not held.flat:
            self._held[event] = self._last[event] = held
            self._flat_at.pop(event, None)
        elif self._held.pop(event, None) is not None:
            self._flat_at[event] = ts
        self.version += 1

    def last_held(self, event: int, ts: int) -> Holding | None:
        """Return what was held in an event that ended at ``ts``, None without anything: what was
        closed before was not paid."""
        ended = self._flat_at.get(event, ts) >= ts - PAID_WITHIN_MS
        return self._last.get(event) if ended else None

    def settled(self, event: int) -> None:
        """Note that the end of an event was announced."""
        self._last.pop(event, None)
        self._flat_at.pop(event, None)


def of_wire(event: response_types.EventSummary) -> Event:
    """Return an event as the wire has it."""
    return Event(
        id=event["id"],
        slug=event["slug"],
        title=event["title"],
        exhaustive=event["exhaustive"],
        status=MarketStatus(event["status"]),
        outcome=event["outcome"],
        sets=parse.qty(event["openInterest"]),
        closes_at=parse.time(event["closesAt"]),
        proposal=proposal.of_wire(event.get("proposal")),
    )


def holding_of_wire(holding: response_types.EventHolding) -> Holding:
    """Return a holding as the wire has it."""
    none = holding["none"]
    return Holding(
        returned=parse.money(holding["returned"]),
        none=None if none is None else parse.money(none),
        payoffs={each["marketId"]: parse.money(each["payoff"]) for each in holding["payoffs"]},
    )
