"""Markets from creation to resolution.

Invariants:
- a final market is never changed;
- closing and resolving take at most STEP orders or positions at a time (steps.py); between the
  steps the market is CLOSED, other markets trade on, and each step alone keeps money conserved;
- orders end best price first, bids before asks;
- a market of an event leaves resolving to its event (event_lifecycle.py).

Source: docs/market_rules.md, Lifecycle, Bounds.
"""

from predmarket.engine import steps
from predmarket.engine.book import Order
from predmarket.engine.commands import (
    CloseDue,
    CreateMarket,
    ResolveMarket,
    UpdateMarket,
)
from predmarket.engine.events import MarketChanged
from predmarket.engine.ledger import InvariantError
from predmarket.engine.market import PAYOUT, TRANSITIONS, Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.payouts import settle_some
from predmarket.engine.replies import MarketDone, Refused, Resolved
from predmarket.engine.state import State
from predmarket.engine.steps import Key, MarketSteps
from predmarket.engine.timers import TimerKind
from predmarket.enums import CancelReason, ErrorCode, MarketStatus, Outcome
from predmarket.units import Micros, Price


def create(state: State, command: CreateMarket) -> MarketDone | Refused:
    """Create a market under a slug of its own."""
    if command.slug in state.slugs:
        return slug_taken(command.slug)
    return make(state, command)


def make(state: State, command: CreateMarket) -> MarketDone:
    """Create a market whose slug is free."""
    market = Market(
        state.last_market_id + 1,
        command.slug,
        command.tick,
        command.maker_rate,
        command.taker_rate,
        question=command.question,
        description=command.description,
        status=command.status,
        closes_at=command.closes_at,
        created_at=state.now,
        creator_id=command.creator_id,
        metadata=command.metadata,
        group_id=command.group_id,
    )
    enlist(state, market)
    return MarketDone(market.id)


def enlist(state: State, market: Market) -> None:
    """Add a new market to the state."""
    state.last_market_id = market.id
    state.markets[market.id] = market
    state.slugs[market.slug] = market.id
    schedule_close(state, market)
    report(state, market, new_status=True)


def update(state: State, command: UpdateMarket) -> MarketDone | Refused:
    """Change a market's status, closing time or texts, all of them or none."""
    market = state.markets.get(command.market_id)
    if market is None:
        return not_found()
    status = command.status
    if (
        market.final
        or market.ending is not None
        or (status is not None and status not in TRANSITIONS[market.status])
    ):
        return invalid("market", market.status, status)
    if status is not None and market.proposed:
        return proposed("market", market.status)
    closes_at = command.closes_at
    if command.sets_closes_at and market.event is not None:
        latest = market.event.closes_at
        if closes_at is None:
            closes_at = latest
        elif latest is not None and closes_at >= latest:
            return Refused(
                ErrorCode.VALIDATION_FAILED, "a market's own closesAt is earlier than its event's"
            )
    if command.sets_group and market.event is not None:
        return Refused(ErrorCode.EVENT_DECIDES, "a market of an event has the event's group")
    _describe(market, command)
    if command.sets_closes_at:
        market.closes_at = closes_at
    if status is MarketStatus.CLOSED:
        return MarketDone(market.id, close(state, market))
    if status is not None:
        take_status(state, market, status)
    schedule_close(state, market)
    report(state, market, new_status=status is not None)
    return MarketDone(market.id)


def _describe(market: Market, command: UpdateMarket) -> None:
    """Set the texts, the metadata and the group that a command gives."""
    if command.question is not None:
        market.question = command.question
    if command.description is not None:
        market.description = command.description
    if command.metadata is not None:
        market.metadata = command.metadata.apply(market.metadata)
    if command.sets_group:
        market.group_id = command.group_id


def take_status(state: State, market: Market, status: MarketStatus) -> None:
    """Set a status other than CLOSED. Reopening clears a closesAt that has passed.

    In an event the market's closesAt becomes the event's, and a passed one of the event is cleared.
    """
    due = market.closes_at
    if market.status is MarketStatus.CLOSED and due is not None and due <= state.now:
        event = market.event
        if event is None or event.closes_at is None:
            market.closes_at = None
        elif event.closes_at > state.now:
            market.closes_at = event.closes_at
        else:
            follow_closing(state, event, None)
            market.closes_at = None
    market.status = status


def follow_closing(state: State, event: MarketEvent, closes_at: Micros | None) -> None:
    """Set closesAt of an event and of its markets, unless a market has an earlier one."""
    before, event.closes_at = event.closes_at, closes_at
    state.ledger.dirty_events[event.id] = event
    for market in state.markets_of(event):
        own = market.closes_at
        late = own is not None and closes_at is not None and own >= closes_at
        if not market.final and own != closes_at and (own == before or late):
            market.closes_at = closes_at
            schedule_close(state, market)
            report(state, market, new_status=False)


def schedule_close(state: State, market: Market) -> None:
    """Set the timer of a market that closes on time, and retire its former timer."""
    due = market.closes_at if market.closes_on_time() else None
    if due == market.scheduled:
        return
    had, market.scheduled = market.scheduled, due
    if due is not None:
        state.timers.set(due, TimerKind.CLOSE, market.id)
    if had is not None:
        state.timers.retire(state.is_live)


def close_due(state: State, command: CloseDue) -> MarketDone:
    """Close a market whose closesAt has come."""
    market = state.markets[command.market_id]
    return MarketDone(market.id, close(state, market))


def close(state: State, market: Market) -> Key | None:
    """Close a market and cancel its resting orders; return the key of the steps that are left."""
    set_closed(state, market)
    report(state, market, new_status=True)
    return _step(state, market, MarketSteps(market.id))


def set_closed(state: State, market: Market) -> None:
    """Set a market CLOSED; the caller cancels its orders."""
    market.status = MarketStatus.CLOSED
    schedule_close(state, market)


def resolve(state: State, command: ResolveMarket) -> Resolved | MarketDone | Refused:
    """End a market and pay: at most STEP orders and positions now, the rest in further steps."""
    market = state.markets.get(command.market_id)
    if market is None:
        return not_found()
    if market.final or market.ending is not None:
        return invalid("market", market.status, final_status(command.outcome))
    set_ending(state, market, command.outcome, command.price)
    begun = len(state.events)
    unfinished = _step(state, market, MarketSteps(market.id))
    if unfinished is None:
        market.status = final_status(command.outcome)
    state.dirty_markets[market.id] = market
    state.events.insert(begun, MarketChanged(market.id, market.status, True))
    return outcome_of(market, unfinished)


def set_ending(state: State, market: Market, outcome: Outcome, price: Price | None) -> None:
    """Begin to end a market; ``price`` is that of SCALAR. What was proposed for it is dropped."""
    state.drop_proposal(market)
    market.ending = outcome
    market.settlement_price = price if outcome is Outcome.SCALAR else PAYOUT.get(outcome)
    set_closed(state, market)


def proceed(state: State, under_way: MarketSteps) -> Resolved | MarketDone:
    """Take the next step of a market that is closing or resolving."""
    market = state.markets[under_way.market_id]
    unfinished = _step(state, market, under_way)
    if unfinished is None and market.outcome is not None:
        market.status = final_status(market.outcome)
        report(state, market, new_status=True)
    return outcome_of(market, unfinished)


def outcome_of(market: Market, unfinished: Key | None) -> Resolved | MarketDone:
    """Return the reply to a command that ended a market, or that began to."""
    if market.final:
        return Resolved(market.id, market.paid_accounts, market.paid_total)
    return MarketDone(market.id, unfinished)


def _step(state: State, market: Market, under_way: MarketSteps) -> Key | None:
    """Cancel orders, then settle positions, at most STEP of both together.

    Returns the key of the steps that are left, None when there are none.
    """
    reason = CancelReason.MARKET_CLOSED if market.ending is None else CancelReason.MARKET_RESOLVED
    state.dirty_markets[market.id] = market
    room = cancel_some(state, market, reason, steps.STEP)
    if not market.book.empty:
        return state.begin(under_way)
    if market.ending is not None:
        settle_some(state, market, under_way, room)
        if market.positions:
            return state.begin(under_way)
        _finish(market)
    return None


def cancel_some(state: State, market: Market, reason: CancelReason, room: int) -> int:
    """Cancel at most ``room`` resting orders of a market; return the room that is left."""
    while room and (order := _first_resting(market)) is not None:
        state.cancel(order, reason)
        room -= 1
    return room


def _first_resting(market: Market) -> Order | None:
    level = market.book.bids.best() or market.book.asks.best()
    return None if level is None else level.head


def _finish(market: Market) -> None:
    assert market.ending is not None  # only a resolution finishes
    if market.collateral or (market.ending is Outcome.VOID and market.fees):
        raise InvariantError(f"market {market.id}: collateral left after the last payment")
    set_ended(market)


def set_ended(market: Market) -> None:
    """Set a market's outcome and final status after the last payment."""
    market.outcome = market.ending
    market.ending = None
    market.open_interest = 0


def final_status(outcome: Outcome) -> MarketStatus:
    """Return the status of a market that ended so."""
    return MarketStatus.VOIDED if outcome is Outcome.VOID else MarketStatus.RESOLVED


def report(state: State, market: Market, *, new_status: bool) -> None:
    """Report a market that is new, or whose status or details changed."""
    state.dirty_markets[market.id] = market
    state.events.append(MarketChanged(market.id, market.status, new_status))


def slug_taken(slug: str) -> Refused:
    """Return the refusal of a slug that another market or event has."""
    return Refused(ErrorCode.SLUG_TAKEN, f"the slug {slug} is taken")


def not_found() -> Refused:
    """Return the refusal of a market that does not exist."""
    return Refused(ErrorCode.MARKET_NOT_FOUND, "there is no such market")


def proposed(what: str, is_now: MarketStatus) -> Refused:
    """Return the refusal to open what a proposed resolution keeps closed."""
    message = f"a resolution of the {what} is proposed: withdraw it first"
    return Refused(ErrorCode.INVALID_TRANSITION, message, {"status": is_now.value})


def invalid(what: str, is_now: MarketStatus, status: MarketStatus | None) -> Refused:
    """Return the refusal of a change of status; ``what`` is "market" or "event"."""
    wanted = "be changed" if status is None else f"become {status.value}"
    message = f"{'an' if what == 'event' else 'a'} {what} that is {is_now.value} cannot {wanted}"
    if status is is_now:
        message = f"the {what} is {is_now.value} already"
    return Refused(ErrorCode.INVALID_TRANSITION, message, {"status": is_now.value})
