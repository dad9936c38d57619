"""Turns the exchange's order groups into API objects."""

from predmarket.contracts import order_groups
from predmarket.contracts.amounts import format_time
from predmarket.engine.order_group import OrderGroupRecord
from predmarket.server.read_model.changes import OrderGroupChange
from predmarket.units import format_qty


def order_group(record: OrderGroupRecord) -> order_groups.OrderGroup:
    """Return an order group."""
    return order_groups.OrderGroup(
        record.id,
        format_qty(record.limit),
        record.status,
        format_time(record.created_at),
        format_time(record.updated_at),
    )


def update(change: OrderGroupChange) -> order_groups.OrderGroupUpdate:
    """Return what happened to an order group."""
    group = order_group(change.group)
    return order_groups.OrderGroupUpdate(
        group.id, group.limit, group.status, group.created_at, group.updated_at, change.change
    )
