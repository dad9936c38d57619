"""Events in the API: several markets of which at most one, or exactly one, resolves YES."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from predmarket.contracts.amounts import Rate, Share, Tick, Time
from predmarket.contracts.errors import Problem
from predmarket.contracts.markets import (
    Creator,
    Market,
    Payouts,
    ResolutionRequest,
    tag_problems,
)
from predmarket.contracts.requests import Request
from predmarket.contracts.text import (
    Category,
    Description,
    GroupName,
    Label,
    MarketRef,
    Question,
    Slug,
    Source,
    Tags,
    Title,
)
from predmarket.enums import MarketStatus
from predmarket.units import MAX_EVENT_MARKETS, MIN_EVENT_MARKETS, PRICE_ONE

NONE = "NONE"
"""The outcome in which no market of an event resolves YES. No slug has capital letters."""
VOID = "VOID"
"""The end that undoes every trade of an event."""


class EventMarketRequest(Request, frozen=True):
    """POST /v1/events/{event}/markets, and each market of a new event."""

    slug: Slug
    question: Question
    label: Label | None = None


class CreateEventRequest(Request, frozen=True):
    """POST /v1/events; tick, rates, closing time, status and group are those of each market.

    ``series`` names events that repeat one question, by default it is the event's slug.
    """

    holds_objects: ClassVar[bool] = True

    slug: Slug
    title: Title
    markets: Annotated[
        list[EventMarketRequest], Meta(min_length=MIN_EVENT_MARKETS, max_length=MAX_EVENT_MARKETS)
    ]
    description: Description | None = None
    exhaustive: bool | None = None
    status: Literal["DRAFT", "OPEN"] | None = None
    closes_at: Time | None = None
    tick_size: Tick | None = None
    maker_fee_rate: Rate | None = None
    taker_fee_rate: Rate | None = None
    category: Category | None = None
    tags: Tags | None = None
    source: Source | None = None
    group: GroupName | None = None
    series: Slug | None = None

    def problems(self) -> list[Problem]:
        """Return the problems: no tag is given twice."""
        return tag_problems(self.tags)


class UpdateEventRequest(Request, frozen=True):
    """PATCH /v1/events/{event}; null removes closesAt, category, tags, source or group, and makes
    the event a series of its own."""

    status: Literal["OPEN", "HALTED", "CLOSED"] | None = None
    closes_at: Time | UnsetType | None = UNSET
    title: Title | None = None
    description: Description | None = None
    category: Category | UnsetType | None = UNSET
    tags: Tags | UnsetType | None = UNSET
    source: Source | UnsetType | None = UNSET
    group: GroupName | UnsetType | None = UNSET
    series: Slug | UnsetType | None = UNSET

    def problems(self) -> list[Problem]:
        """Return the problems: no tag is given twice."""
        return tag_problems(self.tags)


class ResolveEventRequest(ResolutionRequest, frozen=True):
    """POST /v1/events/{event}/resolve: an outcome (a market, NONE or VOID), or weights."""

    holds_objects: ClassVar[bool] = True

    outcome: MarketRef | None = None
    weights: (
        Annotated[dict[str, Share], Meta(min_length=1, max_length=MAX_EVENT_MARKETS + 1)] | None
    ) = None

    def problems(self) -> list[Problem]:
        """Return the problems: a request has either an outcome or weights that add up to 1."""
        problems = super().problems()
        if (self.outcome is None) is (self.weights is None):
            return [Problem("outcome", "give exactly one of outcome and weights"), *problems]
        if self.weights is None:
            return problems
        if sum(weight.units for weight in self.weights.values()) != PRICE_ONE:
            return [Problem("weights", "must add up to 1"), *problems]
        return problems


class EventProposal(msgspec.Struct, frozen=True, rename="camel"):
    """A proposed resolution of an event, as of a market; ``weights`` go with the outcome WEIGHTS.

    ``outcome`` is the winner's slug, NONE, WEIGHTS or VOID.
    """

    outcome: str
    weights: dict[str, str] | None
    note: str | None
    source: str | None
    actor_id: int
    effective_at: str | None


class ConfirmEventProposalRequest(Request, frozen=True):
    """POST /v1/events/{event}/proposal/confirm: the proposal that is meant, as it was shown."""

    holds_objects: ClassVar[bool] = True

    proposal: EventProposal | None = None


class EventSummary(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """An event in a list. ``outcome`` is the winner's slug, NONE, WEIGHTS or VOID.

    ``open_interest`` is the number of complete sets: one share of every outcome each.
    """

    id: int
    slug: str
    title: str
    description: str
    exhaustive: bool
    status: MarketStatus
    outcome: str | None
    open_interest: str
    closes_at: str | None
    created_at: str
    creator: Creator
    market_count: int
    series: str
    category: str | None
    tags: list[str]
    source: str | None
    proposal: EventProposal | None = None
    group: str | None = None


class Event(EventSummary, frozen=True, rename="camel", kw_only=True):
    """An event with its markets."""

    markets: list[Market]


class EventPage(msgspec.Struct, frozen=True, rename="camel"):
    """One page of events, the newest first; ``total`` counts all that match."""

    items: list[EventSummary]
    total: int
    next_cursor: str | None = None


class EventResolution(msgspec.Struct, frozen=True, rename="camel"):
    """An event that ended, or of which a resolution is proposed; ``payouts`` as of a market."""

    event: Event
    payouts: Payouts | None


class Payoff(msgspec.Struct, frozen=True, rename="camel"):
    """The amount that a user receives if one market of an event resolves YES."""

    market_id: int
    market_slug: str
    payoff: str


class EventHolding(msgspec.Struct, frozen=True, rename="camel"):
    """A user's part of an event, beside the positions in its markets.

    ``returned`` is the money that merges of complete sets have paid out ahead; the sum of the
    positions' values contains it a second time. ``none`` is the payoff if no market wins, null in
    an exhaustive event. ``payoffs`` leaves out struck markets.
    """

    event_id: int
    event_slug: str
    returned: str
    none: str | None
    payoffs: list[Payoff]


class EventHoldingList(msgspec.Struct, frozen=True, rename="camel"):
    """Every live event in which the user holds shares."""

    items: list[EventHolding]
    next_cursor: str | None = None
