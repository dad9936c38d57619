"""Commands: market import, event import: markets and events from a file, all of them or none."""

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import typer

from predmarket.cli import context, layouts
from predmarket.cli.context import Line
from predmarket.cli.failure import usage
from predmarket.cli.rows_file import Body, PlacedRow, RowKind, read_placed
from predmarket.cli.timestamps import moment
from predmarket.client import ApiError

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

File = Annotated[str, typer.Argument(metavar="FILE", help="CSV or JSON; - is stdin.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only check the file, and say what would be created.")
]


class _Element(NamedTuple):
    """A market or an event of the file; ``rows`` are the places of an event's markets in CSV."""

    place: str
    body: Body
    rows: Sequence[str] = ()


def import_markets(ctx: typer.Context, file: File, *, dry_run: DryRun = False) -> None:
    """Examples:
      predmarket market import markets.csv --dry-run
      predmarket market import markets.csv

    Create the markets of a file, all of them or none (admins). A file has the fields slug and
    question and, if wanted, description, status, closesAt, tickSize, makerFeeRate, takerFeeRate,
    category, tags, source and group. CSV has them in its first line, and commas or semicolons
    between tags; JSON is an array of objects, or one a line.

    Problems are told by line, and then nothing is created. A market whose slug exists stays as it
    is and is reported as EXISTS, with the fields in which the file differs: so the same file may be
    imported again.
    """
    line = context.of(ctx)
    rows = read_placed(file, _MARKET)
    elements = [_Element(row.place, _terms(line, row, _MARKET, file)) for row in rows]
    _import(line, "markets", elements, dry_run=dry_run)


def import_events(ctx: typer.Context, file: File, *, dry_run: DryRun = False) -> None:
    """Examples:
      predmarket event import events.csv --dry-run
      predmarket event import events.json

    Create the events of a file with their markets, all of them or none (admins). JSON is an array
    of objects as POST /v1/events takes them. CSV has a line for each market: event, title, slug,
    question and, if wanted, label, exhaustive, and the terms of market import; what is the event's
    stands in its first line, and may stand in the others.

    Problems are told by line, and then nothing is created. An event whose slug exists stays as it
    is and is reported as EXISTS, with the fields in which the file differs: so the same file may be
    imported again.
    """
    line = context.of(ctx)
    rows = read_placed(file, _EVENT)
    placed = [row._replace(body=_terms(line, row, _EVENT, file)) for row in rows]
    whole = all("markets" in row.body for row in placed)
    elements = [_Element(*row) for row in placed] if whole else _grouped(placed, file)
    _import(line, "events", elements, dry_run=dry_run)


def _terms(line: Line, row: PlacedRow, kind: RowKind, file: str) -> Body:
    """Return a row as the API takes it. Raises Failure."""
    body = dict(row.body)
    unknown = next((name for name in body if name not in kind.fields), None)
    if unknown is not None:
        raise kind.refuse(unknown, f"{file}: {row.place}")
    closes_at, tags, status = body.get("closesAt"), body.get("tags"), body.get("status")
    if isinstance(closes_at, str):
        body["closesAt"] = moment(line, closes_at, f"{file}: {row.place}: closesAt")
    if isinstance(tags, str):
        given = [tag.strip() for tag in tags.replace(";", ",").split(",")]
        body["tags"] = [tag for tag in given if tag]
    if isinstance(status, str):
        body["status"] = status.upper()
    return body


def _grouped(rows: Sequence[PlacedRow], file: str) -> list[_Element]:
    """Return the events of rows that are a market each. Raises Failure."""
    events: dict[str, Body] = {}
    markets: dict[str, list[Body]] = {}
    places: dict[str, list[str]] = {}
    for place, body in rows:
        slug = body.get("event")
        if not isinstance(slug, str) or "markets" in body:
            raise usage(f"{file}: {place} has no event", "each line names the event of its market")
        event = events.setdefault(slug, {"slug": slug})
        own = {name: value for name, value in body.items() if name not in (*_OUTCOME, "event")}
        other = next((name for name in own if event.get(name, own[name]) != own[name]), None)
        if other is not None:
            raise usage(f"{file}: {place}: the event {slug} has another {other} before")
        event.update(own)
        outcome = {name: body[name] for name in _OUTCOME if name in body}
        markets.setdefault(slug, []).append(outcome)
        places.setdefault(slug, []).append(place)
    return [
        _Element(places[slug][0], {**event, "markets": markets[slug]}, places[slug])
        for slug, event in events.items()
    ]


def _import(line: Line, kind: str, elements: Sequence[_Element], *, dry_run: bool) -> None:
    bodies = [one.body for one in elements]
    with line.client() as client:
        try:
            if kind == "markets":
                report = client.import_all(markets=bodies, dry_run=dry_run)
            else:
                report = client.import_all(events=bodies, dry_run=dry_run)
        except ApiError as error:
            if isinstance(error.details, list):
                error.details = [_placed(one, elements) for one in error.details]
                line.output.note("nothing was created")
            raise
    rows = [
        {"place": one.place, **item} for one, item in zip(elements, report["items"], strict=True)
    ]
    line.output.rows(layouts.IMPORTED_MARKETS, rows)
    made = sum(row["status"] in ("NEW", "CREATED") for row in rows)
    there, verb = len(rows) - made, "would be created" if dry_run else "created"
    others = f", {there} there already and left as they are" if there else ""
    line.output.note(f"{made} {verb}{others}")


def _placed(problem: object, elements: Sequence[_Element]) -> object:
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
