"""Commands: market import, event import: markets and events from a file, all of them or none."""

from collections.abc import Sequence
from typing import Annotated

import typer

from predmarket.cli import context, market_layouts
from predmarket.cli.context import Line
from predmarket.cli.timestamps import moment
from predmarket.client import ApiError
from predmarket.client.market_file import Element, Moment, placed, read_events, read_markets

File = Annotated[str, typer.Argument(metavar="FILE", help="CSV or JSON; - is stdin.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only check the file, and say what would be created.")
]


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
    _import(line, "markets", read_markets(file, _moment_of(line)), dry_run=dry_run)


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
    _import(line, "events", read_events(file, _moment_of(line)), dry_run=dry_run)


def _moment_of(line: Line) -> Moment:
    def read(text: str, where: str) -> str:
        then = moment(line, text, where)
        assert then is not None  # there is a text
        return then

    return read


def _import(line: Line, kind: str, elements: Sequence[Element], *, dry_run: bool) -> None:
    bodies = [one.body for one in elements]
    with line.client() as client:
        try:
            if kind == "markets":
                report = client.import_all(markets=bodies, dry_run=dry_run)
            else:
                report = client.import_all(events=bodies, dry_run=dry_run)
        except ApiError as error:
            if isinstance(error.details, list):
                error.details = [placed(one, elements) for one in error.details]
                line.output.note("nothing was created")
            raise
    rows = [
        {"place": one.place, **item} for one, item in zip(elements, report["items"], strict=True)
    ]
    line.output.rows(market_layouts.IMPORTED_MARKETS, rows)
    made = sum(row["status"] in ("NEW", "CREATED") for row in rows)
    there, verb = len(rows) - made, "would be created" if dry_run else "created"
    others = f", {there} there already and left as they are" if there else ""
    line.output.note(f"{made} {verb}{others}")
