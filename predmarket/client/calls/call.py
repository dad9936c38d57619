"""A call as a value: the request, and the type of its answer; with helpers to build it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Generic, TypeAlias, TypeVar
from urllib.parse import quote

from predmarket.client.errors import ClientError
from predmarket.client.response_types import Page

T = TypeVar("T")
Item = TypeVar("Item")
Number: TypeAlias = str | int | Decimal
"""A decimal number of a request. Not a float: a float cannot hold 0.1 exactly."""
MarketRef: TypeAlias = str | int
"""A market's id or slug; a string of digits is an id, since no slug is all digits."""
EventRef: TypeAlias = str | int
"""An event's id or slug."""
OrderRef: TypeAlias = int | str
"""An order's id, or ``client:`` and the user's own client order id."""
Moment: TypeAlias = str | datetime
"""A time in RFC 3339, or a datetime with a zone."""


class Access(Enum):
    """How a call uses the caller's token."""

    NONE = "none"
    """Without a token: the call returns one."""
    OPTIONAL = "optional"
    """With a token if there is one; the answer may depend on it."""
    REQUIRED = "required"
    SESSION = "session"
    """With the session's token, even if other calls use an API key."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One HTTP request whose answer decodes to T. repeatable means that sending it twice does no
    harm; is_list that the answer is a Page.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    access: Access = Access.REQUIRED
    repeatable: bool = False
    is_list: bool = False

    def after(self, page: Page[Item]) -> "Call[T] | None":
        """Return the same call for the page after ``page``, None after the last."""
        cursor = page.get("nextCursor")
        if not cursor:
            return None
        params = {name: value for name, value in self.params.items() if name != "offset"}
        return replace(self, params={**params, "cursor": cursor})


def given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def query_of(**fields: object) -> dict[str, str]:
    return {name: str(value) for name, value in fields.items() if value is not None}


def number(value: Number | None) -> str | None:
    """Return a decimal in the API's format. Raises TypeError for a float."""
    if isinstance(value, float):
        raise TypeError(f"give {value!r} as a string or a Decimal: a float is not exact")
    return None if value is None else str(value)


def moment(value: Moment | None) -> str | None:
    """Return a time in the API's format. Raises ValueError for one without a zone."""
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no zone: the exchange could not tell when that is")
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def metadata(
    category: str | None,
    tags: Sequence[str] | None,
    source: str | None,
    group: str | None,
) -> dict[str, object]:
    """Return these fields of a market or event, without those of None; an empty one is null."""
    return {
        name: value or None
        for name, value in given(category=category, tags=tags, source=source, group=group).items()
    }


def of_user(user_id: int | None, what: str) -> str:
    return f"/v1/user/{what}" if user_id is None else f"/v1/users/{user_id}/{what}"


def market_id(market: MarketRef) -> MarketRef:
    return int(market) if isinstance(market, str) and is_id(market) else market


def is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def get(path: str, access: Access = Access.REQUIRED, **query: object) -> Call[T]:
    return Call("GET", path, params=query_of(**query), access=access, repeatable=True)


def list_of(path: str, access: Access = Access.REQUIRED, **query: object) -> Call[Page[Item]]:
    return replace(get(path, access, **query), is_list=True)


def in_path(ref: str | int) -> str:
    # these would name another path than the one they stand in
    if ref in ("", ".", ".."):
        raise ClientError(f"{ref!r} names nothing")
    return quote(str(ref), safe="")


def order_in_path(order: OrderRef) -> str:
    text = str(order)
    if is_id(text):
        return text
    if not text.startswith("client:") or "/" in text or text == "client:":
        raise ClientError(
            f"an order is named by its id, or as client:ID by a client order id that holds no "
            f"slash, not by {order!r}"
        )
    return quote(text, safe=":")
