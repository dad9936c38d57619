"""Events from creation to resolution.

Invariants:
- a final event is never changed, and all its markets are final;
- one outcome ends all of an event's markets; one market alone can only be struck, and at least two
  outcomes, NONE counted, remain;
- closing, resolving and striking handle at most STEP orders or positions at a time (steps.py);
  between the steps commands for all of the event's markets wait.

Source: docs/market_rules.md, Events, Bounds.
"""

from predmarket.engine import lifecycle, steps
from predmarket.engine.commands import (
    AddMarket,
    CreateEvent,
    EventMarket,
    ResolveEvent,
    ResolveMarket,
    UpdateEvent,
)
from predmarket.engine.events import EventChanged, MarketChanged
from predmarket.engine.ledger import InvariantError
from predmarket.engine.lifecycle import invalid
from predmarket.engine.market import TRANSITIONS, Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.payouts import settle_some, strike_some
from predmarket.engine.replies import EventDone, EventResolved, MarketDone, Refused, Resolved
from predmarket.engine.state import State
from predmarket.engine.steps import EventSteps, Key
from predmarket.enums import CancelReason, ErrorCode, EventOutcome, MarketStatus, Outcome
from predmarket.units import MAX_EVENT_MARKETS, MIN_EVENT_MARKETS, PRICE_ONE

_NONE = 0
"""The market id that stands for NONE in weights."""


def create(state: State, command: CreateEvent) -> EventDone | Refused:
    """Create an event with all of its markets, or nothing."""
    return why_not_created(state, command) or make(state, command)


def why_not_created(state: State, command: CreateEvent) -> Refused | None:
    """Return the refusal of a new event, None if it can be created."""
    slugs = [market.slug for market in command.markets]
    if not MIN_EVENT_MARKETS <= len(slugs) <= MAX_EVENT_MARKETS:
        return Refused(
            ErrorCode.VALIDATION_FAILED,
            f"an event has {MIN_EVENT_MARKETS} to {MAX_EVENT_MARKETS} markets",
        )
    if command.slug in state.event_slugs:
        return lifecycle.slug_taken(command.slug)
    for number, slug in enumerate(slugs):
        if slug in state.slugs or slug in slugs[:number]:
            return lifecycle.slug_taken(slug)
    return None


def make(state: State, command: CreateEvent) -> EventDone:
    """Create an event that nothing speaks against."""
    state.last_event_id += 1
    event = MarketEvent(
        state.last_event_id,
        command.slug,
        command.tick,
        command.maker_rate,
        command.taker_rate,
        exhaustive=command.exhaustive,
        title=command.title,
        description=command.description,
        closes_at=command.closes_at,
        created_at=state.now,
        creator_id=command.creator_id,
        metadata=command.metadata,
        group_id=command.group_id,
        series=command.series,
    )
    state.market_events[event.id] = event
    state.event_slugs[event.slug] = event.id
    for market in command.markets:
        _add(state, event, market, command.status, command.creator_id)
    _report(state, event)
    return EventDone(event.id)


def _add(
    state: State, event: MarketEvent, new: EventMarket, status: MarketStatus, creator_id: int
) -> Market:
    """Give an event one more market. A holder of NONE holds as much of its outcome."""
    market = Market(
        state.last_market_id + 1,
        new.slug,
        event.tick,
        event.maker_rate,
        event.taker_rate,
        question=new.question,
        status=status,
        closes_at=event.closes_at,
        created_at=state.now,
        creator_id=creator_id,
        event=event,
        label=new.label,
        group_id=event.group_id,
    )
    event.market_ids.append(market.id)
    event.outcomes += 1
    lifecycle.enlist(state, market)
    return market


def add_market(state: State, command: AddMarket) -> MarketDone | Refused:
    """Add a market to an event that is not exhaustive."""
    event = state.market_events.get(command.event_id)
    if event is None:
        return not_found()
    if event.outcome is not None:
        return invalid("event", state.status_of(event), None)
    if event.exhaustive:
        return _exhaustive("the event has all of its outcomes")
    if command.slug in state.slugs:
        return lifecycle.slug_taken(command.slug)
    if len(event.market_ids) >= MAX_EVENT_MARKETS:
        return Refused(
            ErrorCode.LIMIT_EXCEEDED, f"an event has at most {MAX_EVENT_MARKETS} markets"
        )
    new = EventMarket(command.slug, command.question, command.label)
    market = _add(state, event, new, state.status_of(event), command.actor_id)
    _report(state, event)
    return MarketDone(market.id)


def update(state: State, command: UpdateEvent) -> EventDone | Refused:
    """Change an event's texts, series or closing time, or the status of the markets that can take
    it."""
    event = state.market_events.get(command.event_id)
    if event is None:
        return not_found()
    status = command.status
    changing = [
        market
        for market in state.markets_of(event)
        if status is not None and status in TRANSITIONS[market.status] and not market.proposed
    ]
    if event.proposal is not None and status is MarketStatus.OPEN:
        return lifecycle.proposed("event", state.status_of(event))
    if event.outcome is not None or (status is not None and not changing):
        return invalid("event", state.status_of(event), status)
    if command.title is not None:
        event.title = command.title
    if command.description is not None:
        event.description = command.description
    if command.metadata is not None:
        event.metadata = command.metadata.apply(event.metadata)
    if command.series is not None:
        event.series = command.series
    if command.sets_closes_at:
        lifecycle.follow_closing(state, event, command.closes_at)
    if command.sets_group:
        _regroup(state, event, command.group_id)
    if status is MarketStatus.CLOSED:
        return EventDone(event.id, close(state, event, changing))
    _report(state, event)
    for market in changing:
        assert status is not None  # nothing changes without one
        lifecycle.take_status(state, market, status)
        lifecycle.schedule_close(state, market)
        lifecycle.report(state, market, new_status=True)
    return EventDone(event.id)


def close(state: State, event: MarketEvent, markets: list[Market]) -> Key | None:
    """Close those of an event's markets that are not closed, cancel orders, and report them all.

    Returns the key of the steps that are left.
    """
    _report(state, event)
    for market in markets:
        closing = market.status is not MarketStatus.CLOSED
        if closing:
            lifecycle.set_closed(state, market)
        lifecycle.report(state, market, new_status=closing)
    return _step(state, event, EventSteps(event.id))


def _regroup(state: State, event: MarketEvent, group_id: int | None) -> None:
    """Let an event and all of its markets exist for other users."""
    event.group_id = group_id
    for market in state.markets_of(event):
        market.group_id = group_id
        lifecycle.report(state, market, new_status=False)


def resolve(state: State, command: ResolveEvent) -> EventResolved | EventDone | Refused:
    """End an event and pay, in steps: each market ends as the event's one outcome says."""
    event = state.market_events.get(command.event_id)
    if event is None:
        return not_found()
    refusal = why_not(state, event, command)
    if refusal is not None:
        return refusal
    state.drop_proposal(event)
    event.ending = command.outcome
    for market in live_markets(state, event):
        outcome, price = command.ending(market.id)
        lifecycle.set_ending(state, market, outcome, price)
        state.dirty_markets[market.id] = market
    begun, live = len(state.events), live_markets(state, event)
    unfinished = _step(state, event, EventSteps(event.id))
    if unfinished is None:
        _set_final(live)
    state.events[begun:begun] = [MarketChanged(m.id, m.status, True) for m in live]
    _report(state, event)
    return _outcome(event, unfinished)


def live_markets(state: State, event: MarketEvent) -> list[Market]:
    """Return an event's markets that are not final."""
    return [market for market in state.markets_of(event) if not market.final]


def why_not(state: State, event: MarketEvent, command: ResolveEvent) -> Refused | None:
    """Return the refusal of an outcome that is impossible for the event, None if it is possible."""
    if event.outcome is not None:
        return invalid("event", state.status_of(event), None)
    if command.outcome is EventOutcome.WINNER:
        return _no_outcome(state, event, command.market_id)
    if command.outcome is EventOutcome.NONE:
        return _no_outcome(state, event, _NONE)
    if command.outcome is EventOutcome.VOID:
        return None
    named = [market_id for market_id, _ in command.weights]
    for market_id in named:
        refusal = _no_outcome(state, event, market_id)
        if refusal is not None:
            return refusal
    prices = [price for _, price in command.weights]
    in_range = all(0 <= price <= PRICE_ONE for price in prices)
    if not in_range or sum(prices) != PRICE_ONE or len(set(named)) != len(named):
        return Refused(
            ErrorCode.VALIDATION_FAILED,
            "weights lie between 0 and 1, add up to 1 and name each outcome once",
        )
    return None


def _no_outcome(state: State, event: MarketEvent, market_id: int | None) -> Refused | None:
    """Return the refusal of a market, or of NONE, that cannot happen in the event."""
    if market_id == _NONE:
        return _exhaustive("one market of it wins") if event.exhaustive else None
    if market_id not in event.market_ids:
        return lifecycle.not_found()
    market = state.markets[market_id]
    return invalid("market", market.status, None) if market.final else None


def strike(
    state: State, event: MarketEvent, market: Market, command: ResolveMarket
) -> Resolved | MarketDone | Refused:
    """Let a market of a live event resolve NO alone, in steps."""
    if market.final:
        return invalid("market", market.status, lifecycle.final_status(command.outcome))
    refusal = why_no_strike(state, event, market, command.outcome)
    if refusal is not None:
        return refusal
    lifecycle.set_ending(state, market, Outcome.NO, None)
    begun = len(state.events)
    unfinished = _step(state, event, EventSteps(event.id, market.id))
    if unfinished is None:
        _set_final([market])
    state.events.insert(begun, MarketChanged(market.id, market.status, True))
    _report(state, event)
    return lifecycle.outcome_of(market, unfinished)


def why_no_strike(
    state: State, event: MarketEvent, market: Market, outcome: Outcome
) -> Refused | None:
    """Return the refusal to end a market of an event alone, None if it can be struck.

    Strikes that are proposed count, so that each of them can be made when its time comes.
    """
    if outcome is not Outcome.NO:
        return _decides("the market ends with its event; alone it can become NO")
    if event.proposal is not None:
        return _decides("a resolution of its event is proposed: withdraw it first")
    others = [one for one in state.markets_of(event) if one.proposal and one is not market]
    if event.outcomes - len(others) <= 2:
        also = ", also after the strikes that are proposed" if others else ""
        return _decides(f"an event keeps at least two outcomes{also}")
    return None


def proceed(
    state: State, under_way: EventSteps
) -> EventResolved | Resolved | MarketDone | EventDone:
    """Take the next step of an event that is closing, resolving or striking a market."""
    event = state.market_events[under_way.event_id]
    struck = None if under_way.market_id is None else state.markets[under_way.market_id]
    ending = live_markets(state, event) if struck is None else [struck]
    unfinished = _step(state, event, under_way)
    if unfinished is None and (struck is not None or event.outcome is not None):
        _set_final(ending)
        for market in ending:
            lifecycle.report(state, market, new_status=True)
        _report(state, event)
    return (
        _outcome(event, unfinished) if struck is None else lifecycle.outcome_of(struck, unfinished)
    )


def _step(state: State, event: MarketEvent, under_way: EventSteps) -> Key | None:
    """Cancel orders, then settle, at most STEP of both together.

    Returns the key of the steps that are left, None when there are none.
    """
    struck = None if under_way.market_id is None else state.markets[under_way.market_id]
    closing = struck is None and event.ending is None
    reason = CancelReason.MARKET_CLOSED if closing else CancelReason.MARKET_RESOLVED
    room = steps.STEP
    for market in state.markets_of(event) if struck is None else [struck]:
        room = lifecycle.cancel_some(state, market, reason, room)
        if not market.book.empty:
            return state.begin(under_way)
    if closing:
        return None
    if struck is not None:
        if not strike_some(state, event, struck, under_way, room):
            return state.begin(under_way)
        lifecycle.set_ended(struck)
        return None
    settle_some(state, event, under_way, room)
    if event.holdings:
        return state.begin(under_way)
    _finish(state, event)
    return None


def _finish(state: State, event: MarketEvent) -> None:
    if event.collateral or (event.ending is EventOutcome.VOID and event.fees):
        raise InvariantError(f"event {event.id}: collateral left after the last payment")
    for market in live_markets(state, event):
        lifecycle.set_ended(market)
        state.dirty_markets[market.id] = market
    event.outcome = event.ending
    event.ending = None
    event.open_interest = 0


def _set_final(markets: list[Market]) -> None:
    """Set the final status of markets after the last payment."""
    for market in markets:
        assert market.outcome is not None  # it has ended
        market.status = lifecycle.final_status(market.outcome)


def _outcome(event: MarketEvent, unfinished: Key | None) -> EventResolved | EventDone:
    if event.outcome is not None:
        return EventResolved(event.id, event.paid_accounts, event.paid_total)
    return EventDone(event.id, unfinished)


def report_all(state: State, event: MarketEvent) -> None:
    """Report an event, and its markets that are not final, as changed."""
    _report(state, event)
    for market in live_markets(state, event):
        lifecycle.report(state, market, new_status=False)


def _report(state: State, event: MarketEvent) -> None:
    state.ledger.dirty_events[event.id] = event
    state.events.append(EventChanged(event.id))


def not_found() -> Refused:
    """Return the refusal of an event that does not exist."""
    return Refused(ErrorCode.EVENT_NOT_FOUND, "there is no such event")


def _exhaustive(why: str) -> Refused:
    return Refused(ErrorCode.EVENT_IS_EXHAUSTIVE, f"the event is exhaustive: {why}")


def _decides(message: str) -> Refused:
    return Refused(ErrorCode.EVENT_DECIDES, message)
