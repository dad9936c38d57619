"""Calls about events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from predmarket.client.calls.call import (
    Access,
    Call,
    EventRef,
    MarketRef,
    Moment,
    Number,
    get,
    given,
    in_path,
    list_of,
    market_id,
    metadata,
    moment,
    number,
)
from predmarket.client.response_types import (
    Event,
    EventProposal,
    EventResolution,
    EventSummary,
    Market,
    Page,
)


@dataclass(frozen=True, slots=True)
class NewMarket:
    """A market of an event; ``label`` names it within the event."""

    slug: str
    question: str
    label: str | None = None

    def body(self) -> dict[str, object]:
        """Return the market as the API's JSON."""
        return given(slug=self.slug, question=self.question, label=self.label)


def events(
    *,
    status: str | None = None,
    q: str | None = None,
    category: str | None = None,
    tags: Sequence[str] | None = None,
    source: str | None = None,
    group: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[Page[EventSummary]]:
    """List events: those of a category, with all of some tags, whose source holds a text, or of a
    group. ``q`` is looked for in names, category and tags."""
    return list_of(
        "/v1/events",
        Access.OPTIONAL,
        status=status,
        q=q,
        category=category,
        tags=None if tags is None else ",".join(tags),
        source=source,
        group=group,
        limit=limit,
        cursor=cursor,
    )


def event(event: EventRef) -> Call[Event]:
    """One event with its markets."""
    return get(f"/v1/events/{in_path(event)}", Access.OPTIONAL)


def create_event(
    slug: str,
    title: str,
    markets: Sequence[NewMarket],
    *,
    description: str | None = None,
    exhaustive: bool | None = None,
    tick_size: Number | None = None,
    maker_fee_rate: Number | None = None,
    taker_fee_rate: Number | None = None,
    closes_at: Moment | None = None,
    status: str | None = None,
    category: str | None = None,
    tags: Sequence[str] | None = None,
    source: str | None = None,
    group: str | None = None,
    series: str | None = None,
) -> Call[Event]:
    """Create an event with 2 to 200 markets, all of it or nothing, for the members of a group alone
    if one is given (admin)."""
    body = given(
        slug=slug,
        title=title,
        markets=[one.body() for one in markets],
        description=description,
        exhaustive=exhaustive,
        tickSize=number(tick_size),
        makerFeeRate=number(maker_fee_rate),
        takerFeeRate=number(taker_fee_rate),
        closesAt=moment(closes_at),
        status=status,
        series=series,
    )
    return Call("POST", "/v1/events", body=body | metadata(category, tags, source, group))


def update_event(
    event: EventRef,
    *,
    status: str | None = None,
    closes_at: Moment | None = None,
    title: str | None = None,
    description: str | None = None,
    category: str | None = None,
    tags: Sequence[str] | None = None,
    source: str | None = None,
    group: str | None = None,
    series: str | None = None,
) -> Call[Event]:
    """Change an event's text, or the status of its markets: OPEN, HALTED, CLOSED (admin). An empty
    category, tags, source or group is removed; an empty series makes it one of its own."""
    body = given(status=status, closesAt=moment(closes_at), title=title, description=description)
    body |= metadata(category, tags, source, group)
    if series is not None:
        body["series"] = series or None
    return Call("PATCH", f"/v1/events/{in_path(event)}", body=body)


def add_market(event: EventRef, market: NewMarket) -> Call[Market]:
    """Add a market to an event that is not exhaustive (admin)."""
    return Call("POST", f"/v1/events/{in_path(event)}/markets", body=market.body())


def resolve_event(
    event: EventRef,
    outcome: MarketRef | None = None,
    *,
    weights: Mapping[str, Number] | None = None,
    note: str | None = None,
    source: str | None = None,
    after: str | None = None,
    effective_at: Moment | None = None,
) -> Call[EventResolution]:
    """End an event, finally: with the winning market, NONE, VOID or weights (admin).

    ``weights`` are prices by market or "NONE"; they add up to 1. With ``after`` ("24h") or
    ``effective_at`` the resolution is proposed: nothing is paid before.
    """
    shares = None if weights is None else {name: number(one) for name, one in weights.items()}
    winner = None if outcome is None else market_id(outcome)
    body = given(
        outcome=winner,
        weights=shares,
        note=note,
        source=source,
        after=after,
        effectiveAt=moment(effective_at),
    )
    return Call("POST", f"/v1/events/{in_path(event)}/resolve", body=body)


def confirm_event_proposal(
    event: EventRef, proposal: EventProposal | None = None
) -> Call[EventResolution]:
    """Make an event's proposed resolution at once, finally (admin); ``proposal`` as of a market."""
    body = given(proposal=proposal)
    return Call("POST", f"/v1/events/{in_path(event)}/proposal/confirm", body=body)


def withdraw_event_proposal(event: EventRef) -> Call[Event]:
    """Withdraw an event's proposed resolution; its markets stay CLOSED (admin)."""
    return Call("DELETE", f"/v1/events/{in_path(event)}/proposal")
