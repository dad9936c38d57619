"""Order groups: orders of one account with a limit on what they fill within 15 s.

Source: docs/market_rules.md, Order groups.
"""

import msgspec

from predmarket.enums import OrderGroupStatus
from predmarket.units import Micros, Qty

_ACTIVE = OrderGroupStatus.ACTIVE


class OrderGroupRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An order group as it stands."""

    id: int
    user_id: int
    limit: Qty
    status: OrderGroupStatus
    created_at: Micros
    updated_at: Micros


class OrderGroup:
    """A group. ``filled`` is what its orders filled lately (group_registry.py).

    Trades up to ``counts_after``, the last one before it was made or reset, do not count.
    """

    __slots__ = (
        "counts_after", "created_at", "filled", "id", "limit", "status", "updated_at", "user_id",
    )  # fmt: skip

    def __init__(self, id: int, user_id: int, limit: Qty, now: Micros) -> None:
        self.id = id
        self.user_id = user_id
        self.limit = limit
        self.status = _ACTIVE
        self.created_at = now
        self.updated_at = now
        self.counts_after = 0
        self.filled: Qty = 0

    @property
    def exceeded(self) -> bool:
        """Tell whether an active group has filled more than its limit."""
        return self.status is _ACTIVE and self.filled > self.limit

    def record(self) -> OrderGroupRecord:
        """Copy the group as it stands now."""
        return OrderGroupRecord(
            self.id, self.user_id, self.limit, self.status, self.created_at, self.updated_at
        )

    def counts(self, trade_id: int) -> bool:
        """Tell whether a fill by this trade counts until its time is up."""
        return self.status is _ACTIVE and trade_id > self.counts_after
