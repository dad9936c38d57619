"""Command: journal export.

The server is imported inside it only.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from predmarket.cli import arguments, context, layouts, timestamps
from predmarket.cli.server_admin import operator_errors, overrides

_STDOUT = Path("-")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def export(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A new file, .csv or .parquet; - is stdout.")
    ],
    *,
    market: Annotated[
        str | None,
        typer.Option("--market", metavar="M", help="Only this market: its id or slug."),
    ] = None,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="WHEN", help="From this time on.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="WHEN", help="Before this time.")
    ] = None,
    anonymise: Annotated[
        bool, typer.Option("--anonymise", help="Number accounts and orders as they appear.")
    ] = False,
    data_dir: arguments.DataDir = None,
    database_url: arguments.DatabaseUrl = None,
) -> None:
    """Examples:
      predmarket journal export day.csv
      predmarket journal export day.parquet --market will-it-rain-tomorrow --from yesterday
      predmarket journal export - --anonymise | head

    Write what happened to every order, in the exact order of events: a row for each order placed,
    amended or cancelled, and for each trade (docs/recorded-orders.md). It reads the database and
    changes nothing; the exchange may be running. WHEN is a time, or a span that counts backwards
    from the exchange's last command. `predmarket replay` plays such a file.
    """
    line = context.of(ctx)
    given = overrides(data_dir=data_dir, database_url=database_url)
    with operator_errors():
        from predmarket.recorded_orders.files import csv_parts
        from predmarket.server.core.recording import Selection
        from predmarket.server.process import journal_export

        since, until = _micros(given, begin, "--from"), _micros(given, end, "--to")
        selection = Selection(market, since, until, anonymise)
        with line.output.progress() as progress:
            if file == _STDOUT:
                with journal_export.recorded(given, selection, progress) as rows:
                    for part in csv_parts(rows):
                        line.output.text(part)
                return
            done = journal_export.to_file(given, file, selection, progress)
    facts = {"file": str(file), "rows": done.rows, "trades": done.trades}
    line.output.record(layouts.ANY, facts)


def _micros(given: Mapping[str, str], text: str | None, option: str) -> int | None:
    """Return the time that an option names."""
    from predmarket.server.process import journal_export

    if text is None:
        return None

    def exchange_time() -> datetime:
        return _EPOCH + timedelta(microseconds=journal_export.last_time(given))

    then, _ = timestamps.read(text, option, exchange_time, past=True)
    return (then - _EPOCH) // timedelta(microseconds=1)
