"""All order groups with their open orders, and the fills that count for their limits.

Invariants:
- ``filled`` of an active group is what its orders filled within SPAN, and at most its limit;
- fills are kept for SPAN alone, and only those of groups, so memory holds at most what the
  exchange trades in that time;
- a group's open orders are listed in the order of time priority, so that they end in the same
  order before and after a restart.

Source: docs/market_rules.md, Order groups.
"""

import heapq
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from predmarket.engine.book import Order
from predmarket.engine.order_group import OrderGroup
from predmarket.engine.ties import TiedOrders
from predmarket.units import Micros, Qty

SPAN: Micros = 15_000_000
"""How long a fill counts: at ``stamp + SPAN`` it counts no more."""

Fill: TypeAlias = tuple[Micros, int, int, Qty]
"""Stamp, trade id, group id and quantity."""


class OrderGroups:
    """All groups that are not deleted; ``of_user`` counts those of each account."""

    __slots__ = ("_fills", "_open", "by_id", "last_id", "of_user")

    def __init__(self) -> None:
        self.by_id: dict[int, OrderGroup] = {}
        self.of_user: dict[int, int] = {}
        self.last_id = 0
        self._open: dict[int, TiedOrders] = {}
        self._fills: list[Fill] = []

    def add(self, group: OrderGroup) -> None:
        """List a group."""
        self.by_id[group.id] = group
        self._open[group.id] = TiedOrders()
        self.last_id = max(self.last_id, group.id)
        self.of_user[group.user_id] = self.of_user.get(group.user_id, 0) + 1

    def remove(self, group: OrderGroup) -> None:
        """Drop a group that is deleted."""
        del self.by_id[group.id], self._open[group.id]
        self.of_user[group.user_id] -= 1
        if not self.of_user[group.user_id]:
            del self.of_user[group.user_id]

    def open_of(self, group: OrderGroup) -> TiedOrders:
        """Return a group's open orders."""
        return self._open[group.id]

    def keep(self, order: Order, group: OrderGroup) -> None:
        """List an open order behind the others of its group."""
        self._open[group.id].add(order)

    def drop(self, order: Order, group: OrderGroup) -> None:
        """Drop an order that is not open any more."""
        self._open[group.id].remove(order)

    def count(self, group: OrderGroup, stamp: Micros, trade_id: int, qty: Qty) -> None:
        """Count a fill of an active group's order."""
        group.filled += qty
        heapq.heappush(self._fills, (stamp, trade_id, group.id, qty))

    def forget_fills(self, now: Micros) -> None:
        """Stop counting the fills whose time is up."""
        fills, last = self._fills, now - SPAN
        while fills and fills[0][0] <= last:
            _, trade_id, group_id, qty = heapq.heappop(fills)
            group = self.by_id.get(group_id)
            if group is not None and group.counts(trade_id):
                group.filled -= qty

    def counted(self, now: Micros) -> Iterator[Fill]:
        """Yield the fills that count now, in no order."""
        for fill in self._fills:
            group = self.by_id.get(fill[2])
            if fill[0] > now - SPAN and group is not None and group.counts(fill[1]):
                yield fill

    def restore(self, fills: Iterable[Fill]) -> None:
        """Count stored fills. They may be older than SPAN."""
        for stamp, trade_id, group_id, qty in fills:
            group = self.by_id.get(group_id)
            if group is not None and group.counts(trade_id):
                self.count(group, stamp, trade_id, qty)
