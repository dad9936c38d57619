"""Events as the API shows them, and what one user holds in them.

Source: docs/market_rules.md, Events.
"""

from collections.abc import Iterable, Mapping

import msgspec

from predmarket.contracts import events, markets, realtime
from predmarket.contracts.amounts import format_time
from predmarket.enums import EventOutcome, MarketStatus, Outcome
from predmarket.server.gateway import presenters
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.read_model.records import EventRecord, HoldingRecord, MarketRecord
from predmarket.units import format_money, format_price, format_qty

Names = Mapping[int, str | None]
"""The names of creators by their user id."""


def markets_of(event: EventRecord, view: MarketView, *, drafts: bool) -> list[MarketRecord]:
    """Return the markets of an event in the order of their ids; those in DRAFT with ``drafts``."""
    found = view.markets_of(event.id)
    return found if drafts else [one for one in found if one.status is not MarketStatus.DRAFT]


def summary(
    record: EventRecord, view: MarketView, creator_name: str | None, *, drafts: bool
) -> events.EventSummary:
    """Return an event as lists show it; its markets in DRAFT are counted with ``drafts``."""
    shown = markets_of(record, view, drafts=drafts)
    return events.EventSummary(
        id=record.id,
        slug=record.slug,
        title=record.title,
        description=record.description,
        exhaustive=record.exhaustive,
        status=view.event_status(record.id),
        outcome=_outcome(record, shown),
        open_interest=format_qty(record.open_interest),
        closes_at=None if record.closes_at is None else format_time(record.closes_at),
        created_at=format_time(record.created_at),
        creator=markets.Creator(record.creator_id, creator_name),
        market_count=len(shown),
        category=record.metadata.category,
        tags=list(record.metadata.tags),
        source=record.metadata.source,
        proposal=proposal(record, view),
        group=view.group_name(record.group_id),
        series=record.series or record.slug,
    )


def proposal(record: EventRecord, view: MarketView) -> events.EventProposal | None:
    """Return what is proposed for an event."""
    if record.proposal is None:
        return None
    resolution, at = record.proposal.resolution, record.proposal.effective_at
    weights = {_slug(view, id): format_price(weight) for id, weight in resolution.weights}
    winner = resolution.market_id
    return events.EventProposal(
        resolution.outcome.value if winner is None else _slug(view, winner),
        weights or None,
        resolution.note,
        resolution.source,
        resolution.actor_id,
        None if at is None else format_time(at),
    )


def _slug(view: MarketView, market_id: int) -> str:
    """Return the name of an outcome; 0 stands for NONE."""
    found = view.find(market_id)
    return events.NONE if found is None else found.slug


async def event(
    record: EventRecord, view: MarketView, names: Names, *, drafts: bool
) -> events.Event:
    """Return an event with those of its markets that the reader may see."""
    short = summary(record, view, names.get(record.creator_id), drafts=drafts)
    return events.Event(
        **msgspec.structs.asdict(short),
        markets=await presenters.markets_in_turns(
            markets_of(record, view, drafts=drafts), view, names
        ),
    )


def _outcome(record: EventRecord, shown: Iterable[MarketRecord]) -> str | None:
    """Return the winner's slug, or what else the event ended with."""
    if record.outcome is not EventOutcome.WINNER:
        return record.outcome
    return next((one.slug for one in shown if one.outcome is Outcome.YES), None)


def tickers(records: Iterable[MarketRecord], view: MarketView) -> list[realtime.Ticker]:
    """Return the prices and totals of some markets of an event; drafts are left out."""
    return [
        presenters.ticker(record, view.book(record.id))
        for record in records
        if record.status is not MarketStatus.DRAFT
    ]


def holding(record: HoldingRecord, view: MarketView) -> events.EventHolding:
    """Return a user's part of an event: the payoff of each outcome that can still happen."""
    event = view.find_event(record.event_id)
    assert event is not None  # the view holds every event
    return events.EventHolding(
        event.id,
        event.slug,
        format_money(record.returned),
        None if event.exhaustive else format_money(record.none),
        [
            events.Payoff(one.id, one.slug, format_money(record.payoff(one.id)))
            for one in view.markets_of(event.id)
            if one.outcome is None
        ],
    )
