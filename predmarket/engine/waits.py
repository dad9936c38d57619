"""Find the key that a command, a timer or a step has to wait for (steps.py).

A sweep, a closing and a resolution hold their market until their last step: commands and timers for
that market wait. The closing and the resolution of an event, and the striking of a market, hold all
markets of the event. A cancel-all, a dead-man switch, the end of a connection and the end of a
group's orders hold accounts. The steps of an account wait for markets that are held; the steps of a
market or an event wait for nothing, so some step can always be taken.

Source: docs/market_rules.md, Bounds.
"""

from collections.abc import Callable, Container, Sequence
from typing import Any

from predmarket.engine import commands
from predmarket.engine.commands import Command
from predmarket.engine.state import State
from predmarket.engine.steps import (
    CancelSteps,
    DisconnectSteps,
    EventSteps,
    GroupSteps,
    Key,
    OfMarket,
    Steps,
    SweepSteps,
    account_key,
    event_key,
    group_key,
    market_key,
)
from predmarket.engine.timers import TimerKind


def waits_for(state: State, command: Command) -> Key | None:
    """Return the key that a command has to wait for, None when it may be applied now."""
    if not state.unfinished:
        return None
    find = _FINDERS.get(type(command))
    return None if find is None else find(state, command)


def timer_waits_for(state: State, kind: TimerKind, id: int) -> Key | None:
    """Return the key that a timer has to wait for, None when it may be applied now."""
    if not state.unfinished:
        return None
    if kind is TimerKind.CLOSE:
        return _market(state, id)
    if kind is TimerKind.EXPIRY:
        return _order(state, id)
    if kind is TimerKind.RESOLUTION:
        return _ending(state, id)
    if kind is TimerKind.EVENT_RESOLUTION:
        return _event(state, id)
    return _account(state, id) or _any_market_of(state, id)


def step_waits_for(state: State, steps: Steps) -> Key | None:
    """Return the key that the next step has to wait for, None when it may be taken now."""
    if isinstance(steps, CancelSteps):
        return _canceling(state, steps)
    if isinstance(steps, DisconnectSteps):
        tied = state.ties.of(steps.gateway, steps.connection)
        return None if tied is None else _any_market(state, tied.markets)
    if isinstance(steps, GroupSteps):
        first, groups = steps.groups[0], state.order_groups
        orders = groups.open_of(groups.by_id[first.group_id])
        return _market(state, first.after_market) or _any_market(state, orders.markets)
    return None


def _market(state: State, market_id: int) -> Key | None:
    """Return the key that holds a market: its own, or that of its event."""
    key = market_key(market_id)
    if key in state.unfinished:
        return key
    market = state.markets.get(market_id)
    if market is None or market.event is None:
        return None
    key = event_key(market.event.id)
    return key if key in state.unfinished else None


def _event(state: State, event_id: int) -> Key | None:
    """Return the key that holds an event, or any market of it."""
    key = event_key(event_id)
    if key in state.unfinished:
        return key
    event = state.market_events.get(event_id)
    return None if event is None else _any_market(state, event.market_ids)


def _ending(state: State, market_id: int) -> Key | None:
    """Return the key that a market's resolution waits for; in an event it holds all markets."""
    market = state.markets.get(market_id)
    if market is None or market.event is None:
        return _market(state, market_id)
    return _event(state, market.event.id)


def _held(state: State, steps: Steps) -> Sequence[int]:
    """Return the markets that steps hold."""
    if isinstance(steps, OfMarket):
        return (steps.market_id,)
    if isinstance(steps, EventSteps):
        return state.market_events[steps.event_id].market_ids
    return ()


def _account(state: State, user_id: int) -> Key | None:
    """Return the key that holds an account: its own, or that of a connection that has ended."""
    for key in (account_key(user_id), group_key(user_id)):
        if key in state.unfinished:
            return key
    for key, steps in state.unfinished.items():
        if isinstance(steps, DisconnectSteps) and steps.user_id in (None, user_id):
            tied = state.ties.of(steps.gateway, steps.connection)
            if tied is not None and user_id in tied.users:
                return key
    return None


def _any_market(state: State, market_ids: Container[int]) -> Key | None:
    """Return the key that holds any of these markets."""
    for steps in state.unfinished.values():
        if any(market_id in market_ids for market_id in _held(state, steps)):
            return steps.key
    return None


def _any_market_of(state: State, user_id: int) -> Key | None:
    """Return the key that holds any market in which a user has an open order."""
    account = state.ledger.accounts.get(user_id)
    if account is None or not account.orders:
        return None
    for steps in state.unfinished.values():
        if isinstance(steps, SweepSteps) and steps.order_id in account.orders:
            return steps.key
        held = _held(state, steps)
        if held and any(map(state.own_orders(user_id).in_market, held)):
            return steps.key
    return None


def _order(state: State, order_id: int) -> Key | None:
    order = state.orders.get(order_id)
    if order is None:
        return None
    return _market(state, order.market_id) or _account(state, order.user_id)


def _of_order(state: State, command: commands.AmendOrder | commands.CancelOrder) -> Key | None:
    return _order(state, command.order_id) or _account(state, command.user_id)


def _of_proposal(
    state: State, command: commands.ConfirmProposal | commands.WithdrawProposal
) -> Key | None:
    if command.market_id is not None:
        return _ending(state, command.market_id)
    return None if command.event_id is None else _event(state, command.event_id)


def _of_cancel_all(state: State, command: commands.CancelAll) -> Key | None:
    held = _account(state, command.user_id)
    if held is not None:
        return held
    return _canceling(state, command)


def _canceling(state: State, what: commands.CancelAll | CancelSteps) -> Key | None:
    """Return the key that holds a market where a cancel-all cancels."""
    if what.market_id is not None:
        return _market(state, what.market_id)
    if what.event_id is not None:
        return _event(state, what.event_id)
    return _any_market_of(state, what.user_id)


# The value type is loose because each entry reads its own command. Other commands never wait: a
# new market or event has an id of its own, and a connection's end begins at once.
_FINDERS: dict[type[Command], Callable[[State, Any], Key | None]] = {
    commands.PlaceOrder: lambda s, c: _market(s, c.market_id) or _account(s, c.user_id),
    commands.AmendOrder: _of_order,
    commands.CancelOrder: _of_order,
    commands.CancelAll: _of_cancel_all,
    commands.CancelAfter: lambda s, c: _account(s, c.user_id),
    commands.CreateOrderGroup: lambda s, c: _account(s, c.user_id),
    commands.SetOrderGroupLimit: lambda s, c: _account(s, c.user_id),
    commands.ResetOrderGroup: lambda s, c: _account(s, c.user_id),
    commands.TriggerOrderGroup: lambda s, c: _account(s, c.user_id),
    commands.DeleteOrderGroup: lambda s, c: _account(s, c.user_id),
    commands.Transfer: lambda s, c: _account(s, c.user_id),
    commands.UpdateMarket: lambda s, c: _market(s, c.market_id),
    commands.ResolveMarket: lambda s, c: _ending(s, c.market_id),
    commands.UpdateEvent: lambda s, c: _event(s, c.event_id),
    commands.AddMarket: lambda s, c: _event(s, c.event_id),
    commands.ResolveEvent: lambda s, c: _event(s, c.event_id),
    commands.ProposeResolution: lambda s, c: waits_for(s, c.resolution),
    commands.ConfirmProposal: _of_proposal,
    commands.WithdrawProposal: _of_proposal,
}
