"""The exchange as a state machine: ``apply(now, command)`` gives a reply and events.

Invariants:
- it is pure: no clock, no input or output, no randomness, no float; the same commands at the same
  times give the same state on any machine;
- ``now`` never goes backwards, and every timer due by then was applied before;
- between the steps of a command, commands that wait for its key (waits.py) are not applied;
- after each command money and shares are conserved; otherwise it raises InvariantError, and the
  caller must drop the state.
"""

from collections.abc import Callable
from typing import Any

from predmarket.engine import (
    accounts,
    bulk_creation,
    cancels,
    commands,
    event_lifecycle,
    lifecycle,
    order_groups,
    orders,
    resolutions,
    sweeps,
    waits,
)
from predmarket.engine.commands import Command
from predmarket.engine.events import Event
from predmarket.engine.replies import Canceled, Reply
from predmarket.engine.state import Changes, State
from predmarket.engine.steps import EventSteps, GroupSteps, Key, MarketSteps, SweepSteps
from predmarket.engine.timers import PASSED, TimerKind
from predmarket.enums import CancelReason
from predmarket.units import Micros


def _expiry_due(state: State, command: commands.ExpiryDue) -> Canceled:
    state.cancel(state.orders[command.order_id], CancelReason.EXPIRED)
    return Canceled((command.order_id,))


def _take_step(state: State, command: commands.TakeStep) -> Reply:
    """Take the next step; after the last one, release the timers that waited for it."""
    steps = state.unfinished.pop(command.key)
    assert waits.step_waits_for(state, steps) is None, "the step has to wait"
    reply: Reply
    if isinstance(steps, SweepSteps):
        reply = sweeps.proceed(state, steps)
    elif isinstance(steps, MarketSteps):
        reply = lifecycle.proceed(state, steps)
    elif isinstance(steps, EventSteps):
        reply = event_lifecycle.proceed(state, steps)
    elif isinstance(steps, GroupSteps):
        reply = order_groups.proceed(state, steps)
    else:
        reply = cancels.proceed(state, steps)
    if command.key not in state.unfinished:
        state.timers.release(command.key)
    return reply


# The value type is loose because each handler takes its own command; apply() pairs them by type.
_HANDLERS: dict[type[Command], Callable[[State, Any], Reply]] = {
    commands.PlaceOrder: orders.place,
    commands.AmendOrder: orders.amend,
    commands.CancelOrder: orders.cancel,
    commands.CancelAll: cancels.cancel_all,
    commands.Disconnect: cancels.disconnect,
    commands.CreateOrderGroup: order_groups.create,
    commands.SetOrderGroupLimit: order_groups.set_limit,
    commands.ResetOrderGroup: order_groups.reset,
    commands.TriggerOrderGroup: order_groups.trigger,
    commands.DeleteOrderGroup: order_groups.delete,
    commands.OpenAccount: accounts.open_account,
    commands.Transfer: accounts.transfer,
    commands.CancelAfter: accounts.cancel_after,
    commands.CreateMarket: lifecycle.create,
    commands.UpdateMarket: lifecycle.update,
    commands.ResolveMarket: resolutions.resolve_market,
    commands.CreateEvent: event_lifecycle.create,
    commands.CreateAll: bulk_creation.create_all,
    commands.UpdateEvent: event_lifecycle.update,
    commands.AddMarket: event_lifecycle.add_market,
    commands.ResolveEvent: event_lifecycle.resolve,
    commands.ProposeResolution: resolutions.propose,
    commands.ConfirmProposal: resolutions.confirm,
    commands.WithdrawProposal: resolutions.withdraw,
    commands.TakeStep: _take_step,
    commands.CloseDue: lifecycle.close_due,
    commands.ExpiryDue: _expiry_due,
    commands.DeadmanDue: cancels.deadman_due,
    commands.ProposalDue: resolutions.due,
}


_TIMER_COMMANDS: dict[TimerKind, Callable[[int], Command]] = {
    TimerKind.CLOSE: commands.CloseDue,
    TimerKind.EXPIRY: commands.ExpiryDue,
    TimerKind.DEADMAN: commands.DeadmanDue,
    TimerKind.RESOLUTION: lambda id: commands.ProposalDue(id, None),
    TimerKind.EVENT_RESOLUTION: lambda id: commands.ProposalDue(None, id),
}


class Exchange:
    """All markets, books, accounts and positions, changed only by ``apply``."""

    __slots__ = ("state",)

    def __init__(self, state: State | None = None) -> None:
        self.state = State() if state is None else state

    def apply(self, now: Micros, command: Command) -> tuple[Reply, list[Event]]:
        """Execute one command at ``now`` and return its reply and its events in order.

        Raises InvariantError when the sums do not balance; the state must not be used then.
        """
        state = self.state
        assert now >= state.now, "time goes backwards"
        if state.unfinished:
            assert waits.waits_for(state, command) is None, "the command has to wait"
        state.now = state.happens_at = now
        events: list[Event] = []
        state.events = events
        reply = _HANDLERS[type(command)](state, command)
        if state.touched_levels:
            state.report_levels()
        state.ledger.verify()
        return reply, events

    def due(self, until: Micros) -> tuple[Micros, Command] | None:
        """Return the next command that is due before one stamped ``until``, with its time.

        The time is the moment it fell due, or the time of the last command if that is later.
        """
        while not self.pass_over(until):
            pass
        state = self.state
        first = state.timers.first()
        if first is None or first[0] > until:
            return None
        due, kind, id = first
        return max(due, state.now), _TIMER_COMMANDS[kind](id)

    def pass_over(self, until: Micros) -> bool:
        """Pass over stale timers due by ``until``, and set aside those that have to wait.

        False: PASSED were looked at, and there may be more.
        """
        state, timers = self.state, self.state.timers
        for _ in range(PASSED):
            first = timers.first()
            if first is None or first[0] > until:
                return True
            if not state.is_live(*first):
                timers.drop_first()
            elif (key := waits.timer_waits_for(state, *first[1:])) is not None:
                timers.set_aside_first(key)
            else:
                return True
        return False

    def next_due(self) -> Micros | None:
        """Return when the next timer falls due, or None. The timer may be stale."""
        first = self.state.timers.first()
        return None if first is None else first[0]

    def next_step(self) -> commands.TakeStep | None:
        """Return the next step that can be taken, None without one; steps take turns."""
        state = self.state
        for key, steps in state.unfinished.items():
            if waits.step_waits_for(state, steps) is None:
                return commands.TakeStep(key)
        return None

    def waits_for(self, command: Command) -> Key | None:
        """Return the key that a command has to wait for, None when it may be applied now."""
        return waits.waits_for(self.state, command)

    def take_changes(self) -> Changes:
        """Return the objects that changed since the last call, for the store."""
        return self.state.take_changes()
