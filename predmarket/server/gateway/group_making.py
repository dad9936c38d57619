"""Finds the group that a request names, and makes it if it is missing."""

from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.enums import AdminAction
from predmarket.server.read_model.queries.admin_log import add_act
from predmarket.server.read_model.queries.user_groups import find_or_add_group
from predmarket.units import Micros


async def group_named(
    connection: AsyncConnection, name: str | None, actor_id: int, now: Micros
) -> int | None:
    """Return the id of a group, which is made in the admin's name if it is missing; None stays.

    Raises Refusal LIMIT_EXCEEDED.
    """
    if name is None:
        return None
    group_id, made = await find_or_add_group(connection, name, now)
    if made is not None:
        action, target = AdminAction.GROUP_CREATE, f"group:{group_id}"
        await add_act(connection, now, actor_id, action, target, name=made.name)
    return group_id
