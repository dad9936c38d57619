"""The admin log on the wire."""

from typing import TypeAlias

import msgspec

from predmarket.enums import AdminAction

Details: TypeAlias = dict[str, str | int | bool | list[str] | dict[str, str]]
"""What was asked for, by field: the markets of a new event are a list, weights have names."""


class AdminAct(msgspec.Struct, frozen=True, rename="camel"):
    """One act of an admin. ``actorId`` is null if a command changed the database directly.

    ``target`` is a kind and an id: ``market:7``, ``user:3``, ``order:12``. ``details`` are the
    request's fields; they depend on the action.
    """

    id: int
    at: str
    actor_id: int | None
    action: AdminAction
    target: str
    details: Details


class AdminLogPage(msgspec.Struct, frozen=True, rename="camel"):
    """One page of acts, newest first."""

    items: list[AdminAct]
    next_cursor: str | None
