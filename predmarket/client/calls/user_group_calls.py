"""Calls about groups of users (admin)."""

from predmarket.client.calls.call import Call, in_path, list_of
from predmarket.client.response_types import Page, UserGroup


def groups(*, limit: int | None = None, cursor: str | None = None) -> Call[Page[UserGroup]]:
    """List groups of users, the oldest first; ``users(group=…)`` lists a group's members."""
    return list_of("/v1/groups", limit=limit, cursor=cursor)


def create_group(name: str) -> Call[UserGroup]:
    """Make a group of users."""
    return Call("POST", "/v1/groups", body={"name": name})


def add_member(group: str, user_id: int) -> Call[None]:
    """Add a user to a group, by the group's name; a member stays one."""
    path = f"/v1/groups/{in_path(group)}/members/{user_id}"
    return Call("PUT", path, repeatable=True)


def remove_member(group: str, user_id: int) -> Call[None]:
    """Remove a user from a group, if the user is in it."""
    path = f"/v1/groups/{in_path(group)}/members/{user_id}"
    return Call("DELETE", path, repeatable=True)
