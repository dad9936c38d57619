"""What answers of several subjects share."""

from typing import Generic, NotRequired, TypedDict, TypeVar

T = TypeVar("T")


class Page(TypedDict, Generic[T]):
    """One page of a list. nextCursor is null on the last; total comes where offset is used."""

    items: list[T]
    nextCursor: NotRequired[str | None]
    total: NotRequired[int]


class ErrorBody(TypedDict):
    code: str
    message: str
    details: NotRequired[object]


JsonObject = dict[str, object]
"""An answer whose fields the exchange may still add to."""
