"""Calls about order groups."""

from predmarket.client.calls.call import Call, Number, get, list_of, number
from predmarket.client.response_types import OrderGroup, Page


def order_groups() -> Call[Page[OrderGroup]]:
    """All order groups of the user, the oldest first."""
    return list_of("/v1/order-groups")


def order_group(group_id: int) -> Call[OrderGroup]:
    """One order group; ``orders(order_group_id=…)`` lists its orders."""
    return get(f"/v1/order-groups/{group_id}")


def create_order_group(limit: Number) -> Call[OrderGroup]:
    """Make a group whose orders may fill at most ``limit`` contracts within 15 seconds."""
    return Call("POST", "/v1/order-groups", body={"limit": number(limit)})


def update_order_group(group_id: int, limit: Number) -> Call[OrderGroup]:
    """Change a group's limit; a group that has filled more trips."""
    return Call("PATCH", f"/v1/order-groups/{group_id}", body={"limit": number(limit)})


def reset_order_group(group_id: int) -> Call[OrderGroup]:
    """Let a group take orders again, with nothing counted."""
    return Call("POST", f"/v1/order-groups/{group_id}/reset")


def trigger_order_group(group_id: int) -> Call[OrderGroup]:
    """Trip a group: its open orders are cancelled, and it takes none until it is reset."""
    return Call("POST", f"/v1/order-groups/{group_id}/trigger")


def delete_order_group(group_id: int) -> Call[None]:
    """Cancel a group's open orders and delete it."""
    return Call("DELETE", f"/v1/order-groups/{group_id}")
