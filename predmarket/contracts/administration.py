"""The admin log on the wire."""

from typing import TypeAlias

import msgspec

from predmarket.contracts.markets import Proposal
from predmarket.enums import AdminAction, MarketStatus

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


class PastDueMarket(msgspec.Struct, frozen=True, rename="camel"):
    """A market whose closing time has passed, and which is not resolved; ``proposal`` as in it."""

    id: int
    slug: str
    question: str
    status: MarketStatus
    closes_at: str
    open_interest: str
    volume: str
    event_slug: str | None
    proposal: Proposal | None


class Overview(msgspec.Struct, frozen=True, rename="camel"):
    """The exchange as a whole: totals of all markets, their number by status, and those past due.

    ``openInterest`` counts a market without an event by its own, the others by their event's.
    ``pastDue`` lists the longest overdue ones, at most 100; ``pastDueCount`` counts all.
    ``proposedCount`` counts markets whose resolution is proposed, past due or not.
    """

    open_interest: str
    volume: str
    markets: dict[MarketStatus, int]
    past_due_count: int
    past_due: list[PastDueMarket]
    proposed_count: int
