"""Many markets and events created by one command.

Invariant: all of them are created, or none; their ids follow each other in the command's order.
"""

from collections import Counter
from collections.abc import Sequence

from predmarket.engine import event_lifecycle, lifecycle
from predmarket.engine.commands import CreateAll
from predmarket.engine.replies import AllCreated, Refused
from predmarket.engine.state import State
from predmarket.enums import ErrorCode
from predmarket.units import MAX_CREATED_MARKETS


def create_all(state: State, command: CreateAll) -> AllCreated | Refused:
    """Create markets and events, all of them or nothing."""
    refusal = _why_not(state, command)
    if refusal is not None:
        return refusal
    markets = tuple(lifecycle.make(state, market).market_id for market in command.markets)
    events = tuple(event_lifecycle.make(state, event).event_id for event in command.events)
    return AllCreated(markets, events)


def _why_not(state: State, command: CreateAll) -> Refused | None:
    markets = [market.slug for market in command.markets]
    of_events = [market.slug for event in command.events for market in event.markets]
    if len(markets) + len(of_events) > MAX_CREATED_MARKETS:
        most = f"at most {MAX_CREATED_MARKETS} markets are created at once"
        return Refused(ErrorCode.VALIDATION_FAILED, most)
    again = _repeated([*markets, *of_events]) or _repeated([one.slug for one in command.events])
    taken = again or next((slug for slug in markets if slug in state.slugs), None)
    if taken is not None:
        return lifecycle.slug_taken(taken)
    refusals = (event_lifecycle.why_not_created(state, event) for event in command.events)
    return next((refusal for refusal in refusals if refusal is not None), None)


def _repeated(slugs: Sequence[str]) -> str | None:
    return next((slug for slug, times in Counter(slugs).items() if times > 1), None)
