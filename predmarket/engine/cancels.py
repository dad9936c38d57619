"""Cancelling many orders in steps: a user's, or those tied to a connection that has ended.

Invariant: orders end in an order that a restart does not change: a user's by market, side and time
priority, a connection's by time priority.
"""

from collections.abc import Sequence
from itertools import islice

from predmarket.engine import steps, waits
from predmarket.engine.book import Order
from predmarket.engine.commands import CancelAll, DeadmanDue, Disconnect
from predmarket.engine.replies import Canceled
from predmarket.engine.state import State
from predmarket.engine.steps import CancelSteps, DisconnectSteps
from predmarket.enums import CancelReason


def cancel_all(state: State, command: CancelAll) -> Canceled:
    """Cancel a user's open orders: at most STEP now, the rest in further steps."""
    c = command
    return _cancel_some(
        state, CancelSteps(c.user_id, c.market_id, c.side, c.reason, event_id=c.event_id)
    )


def deadman_due(state: State, command: DeadmanDue) -> Canceled:
    """Cancel the open orders of a user whose dead-man switch has run out."""
    state.ledger.account(command.user_id).deadman_at = None
    return _cancel_some(state, CancelSteps(command.user_id, None, None, CancelReason.DEADMAN))


def disconnect(state: State, command: Disconnect) -> Canceled:
    """Cancel the open orders of a connection, or of all connections of a gateway, in steps.

    A connection's end does not wait for other commands, so this begins at once. Its steps may wait.
    """
    ended = DisconnectSteps(command.gateway, command.connection, command.user_id)
    if ended.key in state.unfinished:
        return Canceled((), ended.key)
    return _cancel_some(state, ended)


def proceed(state: State, under_way: CancelSteps | DisconnectSteps) -> Canceled:
    """Take the next step."""
    return _cancel_some(state, under_way)


def _cancel_some(state: State, under_way: CancelSteps | DisconnectSteps) -> Canceled:
    """Cancel at most STEP orders; begin another step when there are more."""
    if waits.step_waits_for(state, under_way) is not None:
        return Canceled((), state.begin(under_way))
    reason, found = _found(state, under_way)
    for order in found[: steps.STEP]:
        state.cancel(order, reason)
    unfinished = state.begin(under_way) if len(found) > steps.STEP else None
    return Canceled(tuple(order.id for order in found[: steps.STEP]), unfinished)


def _markets(state: State, under_way: CancelSteps) -> Sequence[int] | None:
    """Return the ids of the markets where orders are to be cancelled, None for all markets."""
    one = None if under_way.market_id is None else [under_way.market_id]
    if under_way.event_id is None:
        return one
    event = state.market_events.get(under_way.event_id)
    ids = [] if event is None else event.market_ids
    return ids if one is None else [id for id in one if id in ids]


def _found(
    state: State, under_way: CancelSteps | DisconnectSteps
) -> tuple[CancelReason, list[Order]]:
    """Return the reason, and the next orders to cancel: one more than a step takes."""
    at_most = steps.STEP + 1
    if isinstance(under_way, CancelSteps):
        if under_way.user_id not in state.ledger.accounts:
            return under_way.reason, []
        own = state.own_orders(under_way.user_id)
        orders = own.matching(_markets(state, under_way), under_way.side)
        return under_way.reason, list(islice(orders, at_most))
    tied = state.ties.of(under_way.gateway, under_way.connection)
    ended = (
        order
        for order in ([] if tied is None else tied.orders.values())
        if under_way.user_id is None or order.user_id == under_way.user_id
    )
    return CancelReason.DISCONNECT, list(islice(ended, at_most))
