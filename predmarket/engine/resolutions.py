"""How a market or an event comes to its end: at once, or proposed first.

Invariants:
- a market or an event has at most one proposal, and those of an event's markets end with one of
  the event;
- a proposal that stands can be made: what would make it impossible is refused meanwhile;
- nothing is paid before the proposal is made, by its timer or by an admin who confirms it.

Source: docs/market_rules.md, Proposals.
"""

from predmarket.engine import event_lifecycle, lifecycle
from predmarket.engine.commands import (
    ConfirmProposal,
    ProposalDue,
    ProposeResolution,
    ResolveEvent,
    ResolveMarket,
    WithdrawProposal,
)
from predmarket.engine.events import ProposalEnded
from predmarket.engine.market import Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.proposal import EventProposal, MarketProposal, encode
from predmarket.engine.replies import EventDone, MarketDone, Refused, Reply
from predmarket.engine.state import State
from predmarket.engine.timers import TimerKind
from predmarket.enums import ErrorCode, MarketStatus


def resolve_market(state: State, command: ResolveMarket) -> Reply:
    """End a market that has no event; strike one of an event."""
    market = state.markets.get(command.market_id)
    if market is None or market.event is None:
        return lifecycle.resolve(state, command)
    return event_lifecycle.strike(state, market.event, market, command)


def propose(state: State, command: ProposeResolution) -> MarketDone | EventDone | Refused:
    """Announce a resolution in place of an earlier proposal, and close what it ends."""
    if isinstance(command.resolution, ResolveMarket):
        return _propose_for_market(state, command, command.resolution)
    return _propose_for_event(state, command, command.resolution)


def _propose_for_market(
    state: State, command: ProposeResolution, resolution: ResolveMarket
) -> MarketDone | Refused:
    market = state.markets.get(resolution.market_id)
    if market is None:
        return lifecycle.not_found()
    if market.final or market.ending is not None:
        final = lifecycle.final_status(resolution.outcome)
        return lifecycle.invalid("market", market.status, final)
    if market.event is not None:
        refusal = event_lifecycle.why_no_strike(state, market.event, market, resolution.outcome)
        if refusal is not None:
            return refusal
    state.drop_proposal(market)
    market.proposal = MarketProposal(command.effective_at, command.by_two, resolution)
    if market.proposal.due_at is not None:
        state.timers.set(market.proposal.due_at, TimerKind.RESOLUTION, market.id)
    if market.status is not MarketStatus.CLOSED:
        return MarketDone(market.id, lifecycle.close(state, market))
    lifecycle.report(state, market, new_status=False)
    return MarketDone(market.id)


def _propose_for_event(
    state: State, command: ProposeResolution, resolution: ResolveEvent
) -> EventDone | Refused:
    event = state.market_events.get(resolution.event_id)
    if event is None:
        return event_lifecycle.not_found()
    refusal = event_lifecycle.why_not(state, event, resolution)
    if refusal is not None:
        return refusal
    live = event_lifecycle.live_markets(state, event)
    state.drop_proposal(event)
    for market in live:
        state.drop_proposal(market)
    event.proposal = EventProposal(command.effective_at, command.by_two, resolution)
    if event.proposal.due_at is not None:
        state.timers.set(event.proposal.due_at, TimerKind.EVENT_RESOLUTION, event.id)
    return EventDone(event.id, event_lifecycle.close(state, event, live))


def confirm(state: State, command: ConfirmProposal) -> Reply:
    """Make a proposed resolution at once."""
    found = _proposed(state, command)
    if isinstance(found, Refused):
        return found
    proposal = found.proposal
    assert proposal is not None  # found by it
    if command.expected is not None and command.expected != encode(proposal):
        return Refused(ErrorCode.PROPOSAL_CHANGED, "another resolution is proposed by now")
    if proposal.by_two and command.actor_id == proposal.resolution.actor_id:
        return Refused(
            ErrorCode.ANOTHER_ADMIN_NEEDED, "an admin other than the proposer has to confirm it"
        )
    return _make(state, found)


def withdraw(state: State, command: WithdrawProposal) -> MarketDone | EventDone | Refused:
    """Drop a proposal; its market, or the markets of its event, stay CLOSED."""
    found = _proposed(state, command)
    if isinstance(found, Refused):
        return found
    _end(state, found)
    if isinstance(found, Market):
        lifecycle.report(state, found, new_status=False)
        return MarketDone(found.id)
    event_lifecycle.report_all(state, found)
    return EventDone(found.id)


def due(state: State, command: ProposalDue) -> Reply:
    """Make a proposed resolution whose time has come."""
    found = _target(state, command.market_id, command.event_id)
    assert found is not None  # otherwise the timer is stale
    return _make(state, found)


def _target(
    state: State, market_id: int | None, event_id: int | None
) -> Market | MarketEvent | None:
    if market_id is not None:
        return state.markets.get(market_id)
    return None if event_id is None else state.market_events.get(event_id)


def _proposed(
    state: State, command: ConfirmProposal | WithdrawProposal
) -> Market | MarketEvent | Refused:
    """Return the market or the event that a command names, if its resolution is proposed."""
    found = _target(state, command.market_id, command.event_id)
    if found is None:
        is_market = command.market_id is not None
        return lifecycle.not_found() if is_market else event_lifecycle.not_found()
    if found.proposal is not None:
        return found
    if isinstance(found, Market) and found.event is not None and found.event.proposal is not None:
        return Refused(
            ErrorCode.EVENT_DECIDES, f"what is proposed belongs to the event {found.event.slug}"
        )
    return Refused(ErrorCode.PROPOSAL_NOT_FOUND, "no resolution of it is proposed")


def _make(state: State, found: Market | MarketEvent) -> Reply:
    proposal = _end(state, found)
    if isinstance(proposal, MarketProposal):
        return resolve_market(state, proposal.resolution)
    return event_lifecycle.resolve(state, proposal.resolution)


def _end(state: State, found: Market | MarketEvent) -> MarketProposal | EventProposal:
    """Drop a proposal that stands, and report and return it."""
    proposal = found.proposal
    assert proposal is not None  # the caller has looked
    state.drop_proposal(found)
    state.events.append(ProposalEnded(proposal))
    return proposal
