"""Making, changing and tripping order groups.

Invariants:
- an incoming order goes its whole way through the book first, so that a group never cuts it off;
  then the open orders of each group that its fills tripped are cancelled, group by group in the
  order in which they exceeded their limits;
- one step fills and cancels at most STEP orders together; further steps cancel the rest, and the
  account waits for the last one.

Source: docs/market_rules.md, Order groups, Bounds.
"""

from itertools import islice

from predmarket.engine import steps, waits
from predmarket.engine.book import Order
from predmarket.engine.commands import (
    CreateOrderGroup,
    DeleteOrderGroup,
    ResetOrderGroup,
    SetOrderGroupLimit,
    TriggerOrderGroup,
)
from predmarket.engine.events import Match, OrderCanceled, OrderGroupChanged, OrderGroupFilled
from predmarket.engine.group_registry import SPAN
from predmarket.engine.order_group import OrderGroup
from predmarket.engine.replies import Canceled, OrderGroupDone, Refused
from predmarket.engine.state import State
from predmarket.engine.steps import GroupSteps, Key, TrippedGroup, group_key
from predmarket.enums import CancelReason, ErrorCode, OrderGroupChange, OrderGroupStatus
from predmarket.units import MAX_ORDER_GROUPS, Qty


def create(state: State, command: CreateOrderGroup) -> OrderGroupDone | Refused:
    """Make a group for an account."""
    groups, user_id = state.order_groups, command.user_id
    if user_id not in state.ledger.accounts:
        return Refused(ErrorCode.USER_NOT_FOUND, "the user has no account")
    if groups.of_user.get(user_id, 0) >= MAX_ORDER_GROUPS:
        return Refused(
            ErrorCode.LIMIT_EXCEEDED, f"an account has at most {MAX_ORDER_GROUPS} order groups"
        )
    group = OrderGroup(groups.last_id + 1, user_id, command.limit, state.now)
    group.counts_after = state.last_trade_id
    groups.add(group)
    _changed(state, group, OrderGroupChange.CREATED)
    return OrderGroupDone(group.record())


def set_limit(state: State, command: SetOrderGroupLimit) -> OrderGroupDone | Refused:
    """Change a group's limit; an active group that has filled more than that trips."""
    group = own_group(state, command.user_id, command.group_id)
    if group is None:
        return not_found()
    group.limit = command.limit
    _changed(state, group, OrderGroupChange.LIMIT)
    state.order_groups.forget_fills(state.now)
    if not group.exceeded:
        return OrderGroupDone(group.record())
    _trip(state, group)
    return OrderGroupDone(group.record(), _begin(state, group))


def reset(state: State, command: ResetOrderGroup) -> OrderGroupDone | Refused:
    """Make a group active again, with nothing filled."""
    group = own_group(state, command.user_id, command.group_id)
    if group is None:
        return not_found()
    group.status = OrderGroupStatus.ACTIVE
    group.counts_after, group.filled = state.last_trade_id, 0
    _changed(state, group, OrderGroupChange.RESET)
    return OrderGroupDone(group.record())


def trigger(state: State, command: TriggerOrderGroup) -> OrderGroupDone | Refused:
    """Trip a group, whatever it has filled."""
    group = own_group(state, command.user_id, command.group_id)
    if group is None:
        return not_found()
    if group.status is OrderGroupStatus.TRIPPED:
        return OrderGroupDone(group.record())
    _trip(state, group)
    return OrderGroupDone(group.record(), _begin(state, group))


def delete(state: State, command: DeleteOrderGroup) -> OrderGroupDone | Refused:
    """Cancel a group's open orders, then forget the group. Until the last step it is tripped."""
    group = own_group(state, command.user_id, command.group_id)
    if group is None:
        return not_found()
    _stop(state, group)
    unfinished = _begin(state, group, deleting=True)
    return OrderGroupDone(group.record(), unfinished)


def own_group(state: State, user_id: int, group_id: int) -> OrderGroup | None:
    """Return a group of a user's own."""
    group = state.order_groups.by_id.get(group_id)
    return group if group is not None and group.user_id == user_id else None


def not_found() -> Refused:
    """Return the refusal of a group that does not exist or belongs to another user."""
    return Refused(ErrorCode.ORDER_GROUP_NOT_FOUND, "there is no such order group")


def count_fill(state: State, group: OrderGroup, qty: Qty) -> None:
    """Count the last trade for the group of an order that it filled; trip the group if due.

    The trades of a sweep have the time of its first step; a trade that is SPAN old by now does not
    count.
    """
    if group.status is not OrderGroupStatus.ACTIVE or state.happens_at <= state.now - SPAN:
        return
    groups = state.order_groups
    groups.forget_fills(state.now)
    groups.count(group, state.happens_at, state.last_trade_id, qty)
    state.events.append(OrderGroupFilled(group.id, state.last_trade_id, qty))
    if group.exceeded:
        _trip(state, group)
        state.tripped.append(group)


def cancel_tripped(state: State, market_id: int, unfinished: Key | None) -> None:
    """Cancel the orders of the groups that this step's trades tripped, after the sweep's end."""
    tripped, state.tripped = state.tripped, []
    for group in tripped:
        _begin(state, group, after_market=market_id if unfinished else 0)


def proceed(state: State, under_way: GroupSteps) -> Canceled:
    """Take the next step."""
    unfinished = _step(state, under_way)
    ids = tuple(event.order_id for event in state.events if isinstance(event, OrderCanceled))
    return Canceled(ids, unfinished)


def _changed(state: State, group: OrderGroup, change: OrderGroupChange) -> None:
    group.updated_at = state.happens_at
    state.dirty_order_groups[group.id] = group
    state.events.append(OrderGroupChanged(group.record(), change))


def _stop(state: State, group: OrderGroup) -> None:
    group.status = OrderGroupStatus.TRIPPED
    group.filled = 0
    group.updated_at = state.happens_at
    state.dirty_order_groups[group.id] = group


def _trip(state: State, group: OrderGroup) -> None:
    _stop(state, group)
    _changed(state, group, OrderGroupChange.TRIPPED)


def _begin(
    state: State, group: OrderGroup, *, after_market: int = 0, deleting: bool = False
) -> Key | None:
    """Cancel a group's open orders, after those of the account's groups that tripped earlier."""
    one = TrippedGroup(group.id, after_market, deleting)
    under_way = state.unfinished.get(group_key(group.user_id))
    if isinstance(under_way, GroupSteps):
        under_way.groups.append(one)
        return under_way.key
    return _step(state, GroupSteps(group.user_id, [one]))


def _step(state: State, under_way: GroupSteps) -> Key | None:
    """Cancel orders until this step has filled and cancelled STEP orders.

    Returns the key of the steps that are left, None when there are none.
    """
    while under_way.groups:
        if waits.step_waits_for(state, under_way) is not None:
            return state.begin(under_way)
        first = under_way.groups[0]
        group = state.order_groups.by_id[first.group_id]
        room = max(0, steps.STEP - _handled(state))
        orders = state.order_groups.open_of(group).orders
        for order in [*islice(orders.values(), room)]:
            state.cancel(order, CancelReason.GROUP)
        if orders:
            return state.begin(under_way)
        if first.deleting:
            group.status = OrderGroupStatus.DELETED
            state.order_groups.remove(group)
            _changed(state, group, OrderGroupChange.DELETED)
        del under_way.groups[0]
    return None


def _handled(state: State) -> int:
    """Return how many orders the running command filled or cancelled."""
    return sum([isinstance(event, (Match, OrderCanceled)) for event in state.events])


def refused_by_group(order: Order, group_id: int) -> Refused | None:
    """Return the refusal of an order whose group does not exist, is another's, or has tripped."""
    group = order.group
    if group is None:
        return not_found()
    if group.status is OrderGroupStatus.TRIPPED:
        return Refused(
            ErrorCode.GROUP_TRIPPED,
            "the order group has tripped; reset it first",
            {"orderGroupId": group_id},
        )
    return None
