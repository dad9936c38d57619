"""The overview of all markets, and the admin log."""

from typing import TypedDict

from predmarket.client.response_types.markets import Proposal


class PastDueMarket(TypedDict):
    id: int
    slug: str
    question: str
    status: str
    closesAt: str
    openInterest: str
    volume: str
    eventSlug: str | None
    proposal: Proposal | None


class Overview(TypedDict):
    """markets counts them by status; pastDue lists at most 100 of pastDueCount. proposedCount
    counts markets whose resolution is proposed."""

    openInterest: str
    volume: str
    markets: dict[str, int]
    pastDueCount: int
    pastDue: list[PastDueMarket]
    proposedCount: int


class AdminAct(TypedDict):
    """target is a kind and an id, such as ``market:7``; actorId is null if no user did it."""

    id: int
    at: str
    actorId: int | None
    action: str
    target: str
    details: dict[str, str | int | bool | list[str] | dict[str, str]]
