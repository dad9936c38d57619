"""Groups of users on the wire. Admins make them; markets and events may belong to one."""

import msgspec

from predmarket.contracts.requests import Request
from predmarket.contracts.text import GroupName


class UserGroupRequest(Request, frozen=True):
    """POST /v1/groups."""

    name: GroupName


class UserGroup(msgspec.Struct, frozen=True, rename="camel"):
    """A group of users."""

    id: int
    name: str
    member_count: int
    created_at: str


class UserGroupList(msgspec.Struct, frozen=True, rename="camel"):
    """One page of groups, the oldest first; ``total`` counts all."""

    items: list[UserGroup]
    total: int
    next_cursor: str | None = None
