"""Commands for experiments with an exchange of this machine: fork.

The server is imported inside these commands only: everything else starts without it.
"""

from pathlib import Path
from typing import Annotated

import typer

from predmarket.cli import arguments, context, layouts
from predmarket.cli.server_admin import operator_errors, overrides


def fork(
    ctx: typer.Context,
    *,
    at: Annotated[
        str, typer.Option("--at", metavar="SEQ|TIME", help="The last command, or a time.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A folder for the fork.")],
    data_dir: arguments.DataDir = None,
    database_url: arguments.DatabaseUrl = None,
) -> None:
    """Examples:
      predmarket fork --at 1200 --to ./then
      predmarket fork --at 2030-01-31T12:00:00Z --to ./then
      predmarket serve --data-dir ./then --clock stepped

    Make an embedded exchange as this one was after command SEQ, or at a time. It has the accounts
    of then, with today's passwords and roles, and nobody is logged in. With --clock stepped or
    scaled=N it goes on at that time. The exchange may be running meanwhile.
    """
    line = context.of(ctx)
    given = overrides(data_dir=data_dir, database_url=database_url)
    with operator_errors(), line.output.progress() as progress:
        from predmarket.server.process import fork as forks

        made = forks.make(given, at, to, progress)
    facts = {"folder": str(to), "sequence": made.sequence, "time": made.time, "origin": made.origin}
    line.output.record(layouts.ANY, facts)
