"""Order groups on the wire."""

import msgspec

from predmarket.contracts.amounts import Qty
from predmarket.contracts.requests import Request
from predmarket.enums import OrderGroupChange, OrderGroupStatus


class OrderGroupRequest(Request, frozen=True):
    """POST /v1/order-groups and PATCH /v1/order-groups/{id}.

    ``limit`` is how many contracts the group's orders may fill within 15 seconds.
    """

    limit: Qty


class OrderGroup(msgspec.Struct, frozen=True, rename="camel"):
    """A group of orders with a limit on what they fill within 15 seconds. A TRIPPED one takes no
    orders until it is reset."""

    id: int
    limit: str
    status: OrderGroupStatus
    created_at: str
    updated_at: str


class OrderGroupList(msgspec.Struct, frozen=True, rename="camel"):
    """All of one's order groups, the oldest first."""

    items: list[OrderGroup]
    next_cursor: str | None = None


class OrderGroupUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """orderGroup: what happened to a group, and how it stood then; a deleted one is DELETED."""

    id: int
    limit: str
    status: OrderGroupStatus
    created_at: str
    updated_at: str
    change: OrderGroupChange


class OrderGroupsSnapshot(msgspec.Struct, frozen=True):
    """orderGroups.snapshot: all of the user's groups."""

    items: list[OrderGroup]
