"""Commands for experiments: fork, of an exchange of this machine, and faults on demand.

The server is imported inside the command fork only: everything else starts without it.
"""

from pathlib import Path
from typing import Annotated

import typer

from predmarket.cli import arguments, context, layouts
from predmarket.cli.failure import usage
from predmarket.cli.server_admin import operator_errors, overrides
from predmarket.client.response_types import FaultsInForce
from predmarket.contracts.faults import FaultSpec, FaultSyntaxError


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

    Copy this exchange, as it was after command SEQ or at a time, into a new embedded one. The copy
    has the accounts of that time, with today's passwords and roles; nobody is logged in. With
    --clock stepped or scaled=N it continues from that time. This exchange may be running.
    """
    line = context.of(ctx)
    given = overrides(data_dir=data_dir, database_url=database_url)
    with operator_errors(), line.output.progress() as progress:
        from predmarket.server.process import fork as forks

        made = forks.make(given, at, to, progress)
    facts = {"folder": str(to), "sequence": made.sequence, "time": made.time, "origin": made.origin}
    line.output.record(layouts.ANY, facts)


def show_faults(ctx: typer.Context) -> None:
    """Examples:
      predmarket fault show

    Show the faults in force, and how often each has struck since they were set (admins). The
    exchange must have been started with --fault.
    """
    line = context.of(ctx)
    with line.client() as client:
        _show(line, client.faults())


def set_faults(
    ctx: typer.Context,
    faults: Annotated[str, typer.Argument(metavar="FAULTS", help="As serve --fault takes them.")],
) -> None:
    """Examples:
      predmarket fault set latency=50ms±20ms,loss=0.01
      predmarket fault set reject=0.001,cut=30s,slow-feed=4kB/s,seed=7
      predmarket fault set none

    Have other faults from now on, on open connections too (admins). The same seed draws the same
    faults for the same requests. The exchange must have been started with --fault.
    """
    line = context.of(ctx)
    try:
        FaultSpec.read(faults)
    except FaultSyntaxError as error:
        raise usage(str(error)) from None
    with line.client() as client:
        _show(line, client.set_faults(faults))


def _show(line: context.Line, answer: FaultsInForce) -> None:
    line.output.record(layouts.ANY, {"faults": answer["faults"], **answer["injected"]})
