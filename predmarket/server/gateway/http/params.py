"""Query and path parameters that several routes take."""

from enum import StrEnum
from typing import Annotated, TypeAlias, TypeVar

from litestar.params import PathParameter, QueryParameter

from predmarket.contracts.amounts import Time
from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Invalid, must_be
from predmarket.contracts.text import LINE
from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal
from predmarket.server.read_model.queries.cursors import LARGEST_ID
from predmarket.server.read_model.queries.spans import Span
from predmarket.units import Micros

W = TypeVar("W", bound=StrEnum)

DEFAULT_LIMIT = 50

Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=100, description="How many at most")]
Offset: TypeAlias = Annotated[
    int, QueryParameter(ge=0, le=LARGEST_ID, description="How many to pass over")
]
Cursor: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        max_length=100,
        description="nextCursor of the page before",
        schema_extra={"pattern": "^[A-Za-f][A-Za-z0-9_-]{10}$"},
    ),
]
MembersOf: TypeAlias = Annotated[
    str | None,
    QueryParameter(max_length=64, pattern=LINE, description="Only members of that group"),
]
TIME = {"format": "date-time"}
Since: TypeAlias = Annotated[
    str | None,
    QueryParameter(max_length=64, description="Only what was made from then on", schema_extra=TIME),
]
Until: TypeAlias = Annotated[
    str | None,
    QueryParameter(max_length=64, description="Only what was made before", schema_extra=TIME),
]
MarketFilter: TypeAlias = Annotated[
    str | None, QueryParameter(max_length=64, description="Of one market, by id or slug")
]
MarketPath: TypeAlias = Annotated[
    str,
    PathParameter(
        description="A market's id or slug",
        schema_extra={"pattern": "^[a-z0-9][a-z0-9-]{0,63}$"},
    ),
]
EventPath: TypeAlias = Annotated[
    str,
    PathParameter(
        description="An event's id or slug",
        schema_extra={"pattern": "^[a-z0-9][a-z0-9-]{0,63}$"},
    ),
]
ID_SCHEMA = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
CLIENT = "client:"
"""Before a client order id in place of an order's id."""
_ORDER = {
    **ID_SCHEMA,
    "type": ["integer", "string"],
    "pattern": f"^{CLIENT}[^\\x00-\\x1f\\x7f-\\x9f/]{{1,64}}$",
}
OrderPath: TypeAlias = Annotated[
    str,
    PathParameter(
        description=f"An order's id, or {CLIENT} and one's own client order id",
        schema_extra=_ORDER,
    ),
]
UserPath: TypeAlias = Annotated[
    str, PathParameter(description="A user's id", schema_extra=ID_SCHEMA)
]
OrderGroupPath: TypeAlias = Annotated[
    str, PathParameter(description="An order group's id", schema_extra=ID_SCHEMA)
]
OrderGroupFilter: TypeAlias = Annotated[
    int | None,
    QueryParameter(
        name="orderGroupId", ge=1, le=LARGEST_ID, description="Of one order group, by its id"
    ),
]
KeyPath: TypeAlias = Annotated[
    str, PathParameter(description="An API key's id", schema_extra=ID_SCHEMA)
]

SessionPath: TypeAlias = Annotated[
    str, PathParameter(description="A session's id", schema_extra=ID_SCHEMA)
]


def moment(name: str, text: str | None) -> Micros | None:
    """Return the time that a parameter names; None stays None. Raises Invalid."""
    try:
        return None if text is None else Time.read(text).micros
    except ValueError as error:
        raise Invalid(Problem(name, str(error))) from None


def word(name: str, kind: type[W], text: str) -> W:
    """Return the member of an enumeration that a parameter names. Raises Invalid."""
    try:
        return kind(text)
    except ValueError:
        raise Invalid(Problem(name, must_be([one.value for one in kind]))) from None


def span_of(since: str | None, until: str | None) -> Span:
    """Return the span between two parameters. Raises Invalid."""
    span = Span(moment("since", since), moment("until", until))
    if span.since is not None and span.until is not None and span.since >= span.until:
        raise Invalid(Problem("since", "must be before until"))
    return span


def closing_time(given: Time | None, now: Micros) -> Micros | None:
    """Return a closesAt that has not come yet. Raises Invalid for one that has."""
    return future("closesAt", given, now)


def future(name: str, given: Time | None, now: Micros) -> Micros | None:
    """Return a field's time, which has not come yet. Raises Invalid for one that has."""
    if given is not None and given.micros <= now:
        raise Invalid(Problem(name, "must lie in the future"))
    return None if given is None else given.micros


def order_id(text: str) -> int:
    """Return the order id in a path. Raises Refusal ORDER_NOT_FOUND if it is no valid id."""
    return id_in_path(text, ErrorCode.ORDER_NOT_FOUND)


def id_in_path(text: str, missing: ErrorCode) -> int:
    """Return the id in a path. Raises Refusal ``missing`` if it is no valid id."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID)):
        id = int(text)
        if 0 < id <= LARGEST_ID:
            return id
    raise Refusal(missing)
