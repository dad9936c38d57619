"""Order groups: an account's limit on what a group of its orders fills within 15 s.

An incoming order goes its whole way first; then each group whose limit it exceeded is tripped, the
first to exceed it first.
"""

from __future__ import annotations

from .ledger import Ledger
from .records import Command, Group, Notice, Order
from .units import parse_qty

SPAN = 15_000_000
"""A fill counts for so long, in µs; at the end of it no more."""
GROUPS_AT_MOST = 100


def create(ledger: Ledger, command: Command) -> list[Notice]:
    """Make a group for a user."""
    user = command["user"]
    if user not in ledger.cash:
        return [("REFUSED", "USER_NOT_FOUND")]
    if sum(group.user == user for group in ledger.groups.values()) >= GROUPS_AT_MOST:
        return [("REFUSED", "LIMIT_EXCEEDED")]
    ledger.groups_made += 1
    group = Group(ledger.groups_made, user, parse_qty(command["limit"]))
    ledger.groups[group.id] = group
    return [("GROUP", group.id, "CREATED")]


def _own(ledger: Ledger, group_id: int, user: int) -> Group | None:
    group = ledger.groups.get(group_id)
    return group if group is not None and group.user == user else None


def _not_found() -> list[Notice]:
    return [("REFUSED", "ORDER_GROUP_NOT_FOUND")]


def set_limit(ledger: Ledger, command: Command) -> list[Notice]:
    """Change the limit; an active group that is above the new one trips."""
    group = _own(ledger, command["group"], command["user"])
    if group is None:
        return _not_found()
    group.limit = parse_qty(command["limit"])
    notices: list[Notice] = [("GROUP", group.id, "LIMIT")]
    if group.status == "ACTIVE" and group.filled_within(SPAN, ledger.now) > group.limit:
        notices += _trip(group)
        notices += _cancel(ledger, group)
    return notices


def reset(ledger: Ledger, command: Command) -> list[Notice]:
    """Make a group active again, with nothing filled."""
    group = _own(ledger, command["group"], command["user"])
    if group is None:
        return _not_found()
    group.status = "ACTIVE"
    group.fills.clear()
    return [("GROUP", group.id, "RESET")]


def trigger(ledger: Ledger, command: Command) -> list[Notice]:
    """Trip a group."""
    group = _own(ledger, command["group"], command["user"])
    if group is None:
        return _not_found()
    if group.status == "TRIPPED":
        return []
    return _trip(group) + _cancel(ledger, group)


def delete(ledger: Ledger, command: Command) -> list[Notice]:
    """Cancel a group's open orders and forget the group."""
    group = _own(ledger, command["group"], command["user"])
    if group is None:
        return _not_found()
    del ledger.groups[group.id]
    return [*_cancel(ledger, group), ("GROUP", group.id, "DELETED")]


def _trip(group: Group) -> list[Notice]:
    group.status = "TRIPPED"
    group.fills.clear()
    return [("GROUP", group.id, "TRIPPED")]


def _cancel(ledger: Ledger, group: Group) -> list[Notice]:
    orders = [order for order in ledger.live if order.group == group.id]
    return ledger.end_all(sorted(orders, key=lambda order: order.arrival), "GROUP")


def why_not(ledger: Ledger, order: Order) -> str | None:
    """Return why an order may not join its group, None if it may or has none."""
    if order.group is None:
        return None
    group = _own(ledger, order.group, order.user)
    if group is None:
        return "ORDER_GROUP_NOT_FOUND"
    return "GROUP_TRIPPED" if group.status == "TRIPPED" else None


def count_fill(ledger: Ledger, order: Order, qty: int) -> list[Notice]:
    """Count a fill; say so when it takes the group above its limit."""
    group = None if order.group is None else ledger.groups.get(order.group)
    if group is None or group.status == "TRIPPED":
        return []
    group.fills.append((ledger.now, qty))
    return _trip(group) if group.filled_within(SPAN, ledger.now) > group.limit else []


def cancel_tripped(ledger: Ledger, notices: list[Notice]) -> list[Notice]:
    """Cancel the open orders of the groups that these notices say have tripped."""
    tripped = [ledger.groups[int(row[1])] for row in notices if row[0] == "GROUP"]
    return [notice for group in tripped for notice in _cancel(ledger, group)]
