"""The admin log on the wire."""

import msgspec

from predmarket.enums import AdminAction


class AdminAct(msgspec.Struct, frozen=True, rename="camel"):
    """One act of an admin. ``actorId`` is null when it was done on the database itself.

    ``target`` is a kind and an id: ``market:7``, ``user:3``, ``order:12``. ``details`` are the
    fields that were asked for; they depend on the action.
    """

    id: int
    at: str
    actor_id: int | None
    action: AdminAction
    target: str
    details: dict[str, str | int | bool]


class AdminLogPage(msgspec.Struct, frozen=True, rename="camel"):
    """One page of acts, newest first."""

    items: list[AdminAct]
    next_cursor: str | None
