"""Reads files of markets and events, CSV or JSON, as POST /v1/import takes them.

CSV has a line for each market; JSON is an array of objects, or one a line.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from predmarket.client.rows_file import Body, PlacedRow, RowKind, UnreadableFile, read_placed

_TERMS = (
    "description", "status", "closesAt", "tickSize", "makerFeeRate", "takerFeeRate", "category",
    "tags", "source", "group",
)  # fmt: skip
_ALSO = {
    "tick": "tickSize",
    "makerFee": "makerFeeRate",
    "takerFee": "takerFeeRate",
    "closes": "closesAt",
    "tag": "tags",
}
_MARKET = RowKind("market", ("slug", "question", *_TERMS), {**_ALSO, "market": "slug"})
_OUTCOME = ("slug", "question", "label")
_EVENT = RowKind(
    "event",
    (*_OUTCOME, "event", "title", "exhaustive", *_TERMS, "markets"),
    {**_ALSO, "market": "slug"},
    ("exhaustive",),
)

Moment = Callable[[str, str], str]
"""Turns a time as people write it into the API's; the second text says where it stands."""


class Element(NamedTuple):
    """A market or an event of the file; ``rows`` are the places of an event's markets in CSV."""

    place: str
    body: Body
    rows: Sequence[str] = ()


def read_markets(file: str, moment: Moment) -> list[Element]:
    """Return the markets in ``file`` (- is stdin). Raises UnreadableFile."""
    rows = read_placed(file, _MARKET)
    return [Element(row.place, _terms(moment, row, _MARKET, file)) for row in rows]


def read_events(file: str, moment: Moment) -> list[Element]:
    """Return the events in ``file`` (- is stdin). Raises UnreadableFile."""
    rows = read_placed(file, _EVENT)
    placed = [row._replace(body=_terms(moment, row, _EVENT, file)) for row in rows]
    whole = all("markets" in row.body for row in placed)
    return [Element(*row) for row in placed] if whole else _grouped(placed, file)


def _terms(moment: Moment, row: PlacedRow, kind: RowKind, file: str) -> Body:
    """Return a row as the API takes it. Raises UnreadableFile."""
    body = dict(row.body)
    unknown = next((name for name in body if name not in kind.fields), None)
    if unknown is not None:
        raise kind.refuse(unknown, f"{file}: {row.place}")
    closes_at, tags, status = body.get("closesAt"), body.get("tags"), body.get("status")
    if isinstance(closes_at, str):
        body["closesAt"] = moment(closes_at, f"{file}: {row.place}: closesAt")
    if isinstance(tags, str):
        given = [tag.strip() for tag in tags.replace(";", ",").split(",")]
        body["tags"] = [tag for tag in given if tag]
    if isinstance(status, str):
        body["status"] = status.upper()
    return body


def _grouped(rows: Sequence[PlacedRow], file: str) -> list[Element]:
    """Return the events of rows that are a market each. Raises UnreadableFile."""
    events: dict[str, Body] = {}
    markets: dict[str, list[Body]] = {}
    places: dict[str, list[str]] = {}
    for place, body in rows:
        slug = body.get("event")
        if not isinstance(slug, str) or "markets" in body:
            raise UnreadableFile(
                f"{file}: {place} has no event: each line names the event of its market"
            )
        event = events.setdefault(slug, {"slug": slug})
        own = {name: value for name, value in body.items() if name not in (*_OUTCOME, "event")}
        other = next((name for name in own if event.get(name, own[name]) != own[name]), None)
        if other is not None:
            raise UnreadableFile(f"{file}: {place}: the event {slug} has another {other} before")
        event.update(own)
        outcome = {name: body[name] for name in _OUTCOME if name in body}
        markets.setdefault(slug, []).append(outcome)
        places.setdefault(slug, []).append(place)
    return [
        Element(places[slug][0], {**event, "markets": markets[slug]}, places[slug])
        for slug, event in events.items()
    ]


def placed(problem: object, elements: Sequence[Element]) -> object:
    """Return a problem with its element's place in the file instead of its number."""
    if not isinstance(problem, Mapping):
        return problem
    _, number, *rest = [*str(problem.get("path")).split("."), ""]
    if not number.isdigit() or int(number) >= len(elements):
        return problem
    element = elements[int(number)]
    place, names = element.place, [name for name in rest if name]
    if names[:1] == ["markets"] and len(names) > 1 and int(names[1]) < len(element.rows):
        place, names = element.rows[int(names[1])], names[2:]
    return {**problem, "path": f"{place}: {'.'.join(names)}".removesuffix(": ")}
