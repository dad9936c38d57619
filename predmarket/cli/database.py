"""Commands that tend the exchange's database: db upgrade, current, backup, restore; export.

The server is imported inside these commands only: everything else starts without it.
"""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from predmarket.cli import arguments, context, layouts
from predmarket.cli.server_admin import operator_errors, overrides, show_audit
from predmarket.cli.timestamps import read, wire


def upgrade(
    ctx: typer.Context,
    *,
    data_dir: arguments.DataDir = None,
    database_url: arguments.DatabaseUrl = None,
) -> None:
    """Examples:
      predmarket db upgrade
      predmarket db upgrade --database-url postgresql+psycopg://localhost/predmarket

    Bring the database's schema up to date and print its revision.
    """
    line = context.of(ctx)
    with operator_errors():
        from predmarket.server.process import maintenance

        revision = maintenance.db_upgrade(overrides(data_dir=data_dir, database_url=database_url))
    line.output.record(layouts.ANY, {"revision": revision})


def current(
    ctx: typer.Context,
    *,
    data_dir: arguments.DataDir = None,
    database_url: arguments.DatabaseUrl = None,
) -> None:
    """Examples:
      predmarket db current

    Print the revision that the database's schema is at.
    """
    line = context.of(ctx)
    with operator_errors():
        from predmarket.server.process import maintenance

        revision = maintenance.db_current(overrides(data_dir=data_dir, database_url=database_url))
    line.output.record(layouts.ANY, {"revision": revision})


def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
    *,
    replay: arguments.ReplayJournal = False,
    data_dir: arguments.DataDir = None,
    database_url: arguments.DatabaseUrl = None,
) -> None:
    """Examples:
      predmarket db backup monday.backup
      predmarket db backup monday.backup --replay --data-dir ./exchange

    Back the exchange up into one file, also while it runs, and audit what was backed up. Keep the
    file to yourself: it holds password hashes. PostgreSQL's pg_dump is needed for a PostgreSQL
    database.
    """
    line = context.of(ctx)
    given = overrides(data_dir=data_dir, database_url=database_url)
    with operator_errors(), line.output.progress() as progress:
        from predmarket.server.process import backup

        written = backup.backup(given, file, replay, progress)
    show_audit(line, written.report, {"file": str(file), "bytes": written.size})


def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A back-up.")],
    *,
    replay: arguments.ReplayJournal = False,
    data_dir: arguments.DataDir = None,
    database_url: arguments.DatabaseUrl = None,
) -> None:
    """Examples:
      predmarket db restore monday.backup --data-dir ./restored
      predmarket db restore monday.backup --database-url postgresql://localhost/restored

    Make an exchange from a back-up, in a folder without one or in an empty database, and audit it.
    What was acknowledged after the back-up is lost: tell the traders.
    """
    line = context.of(ctx)
    given = overrides(data_dir=data_dir, database_url=database_url)
    with operator_errors(), line.output.progress() as progress:
        from predmarket.server.process import backup

        written = backup.restore(given, file, replay, progress)
    show_audit(line, written.report, {"file": str(file), "bytes": written.size})


class FileFormat(StrEnum):
    """The formats of an export."""

    CSV = "csv"
    PARQUET = "parquet"


def export(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    *,
    format: Annotated[
        FileFormat, typer.Option("--format", help="csv, or parquet with the extra of that name.")
    ] = FileFormat.CSV,
    anonymise: Annotated[
        bool,
        typer.Option("--anonymise", help="Without e-mails and names; users are numbered anew."),
    ] = False,
    since: arguments.Since = None,
    data_dir: arguments.DataDir = None,
    database_url: arguments.DatabaseUrl = None,
) -> None:
    """Examples:
      predmarket export spring-class
      predmarket export spring-class --anonymise --format parquet --since 30d

    Export users, events, markets, orders, trades, ledger, positions, candles and resolutions
    (proposed and made) as files, with a codebook of every column, the journal's last hash, and
    checksums. All files show one moment, also while the exchange runs. --since leaves out older
    orders, trades, entries, candles and resolutions.
    """
    line = context.of(ctx)
    given = overrides(data_dir=data_dir, database_url=database_url)
    if since is not None:
        since = wire(read(since, "--since", lambda: datetime.now(UTC), past=True)[0])
    with operator_errors(), line.output.progress() as progress:
        from predmarket.server.process.data_export import export as exports

        options = exports.Options(format.value, anonymise, since)
        rows = exports.export(given, folder, options, progress)
    line.output.record(layouts.ANY, {"folder": str(folder), **rows})
