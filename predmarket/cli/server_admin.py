"""Commands that run or tend the exchange on this machine: serve, seed, audit, user set-role.

The server is imported inside these commands only: everything else starts without it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from predmarket.cli import arguments, context, layouts
from predmarket.cli.failure import own, usage
from predmarket.cli.grid import Grid
from predmarket.enums import Role
from predmarket.exit_codes import ExitCode

if TYPE_CHECKING:
    from predmarket.server.process.maintenance import AuditReport


@contextmanager
def operator_errors() -> Iterator[None]:
    """Turn what the server expects to go wrong on this machine into a Failure."""
    from predmarket.server.process.operator_errors import OperateError

    try:
        yield
    except OperateError as error:
        usage_error = error.exit_code is ExitCode.USAGE
        raise own("CONFIGURATION" if usage_error else error.exit_code.name, error.message) from None


def overrides(**flags: str | int | None) -> dict[str, str]:
    """Return the settings that flags were given for."""
    return {name: str(value) for name, value in flags.items() if value is not None}


Host: TypeAlias = Annotated[
    str | None, typer.Option("--host", metavar="HOST", help="Address to listen on.")
]
Port: TypeAlias = Annotated[
    int | None,
    typer.Option("--port", metavar="PORT", min=0, max=65535, help="Port to listen on."),
]
RedisUrl: TypeAlias = Annotated[
    str | None, typer.Option("--redis-url", metavar="URL", help="Redis, redis://…")
]
ServerRole: TypeAlias = Annotated[
    str | None,
    typer.Option("--role", metavar="ROLE", help="all (default), gateway, or core."),
]
WorkerCount: TypeAlias = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", help="Gateways that share the port."),
]
SeedFirst: TypeAlias = Annotated[bool, typer.Option("--seed", help="Create the seed data first.")]
Demo: TypeAlias = Annotated[
    bool,
    typer.Option("--demo", help="Create the seed data and more markets, and run bots that trade."),
]
KalshiApi: TypeAlias = Annotated[
    bool, typer.Option("--kalshi", help="Also serve Kalshi's trade API (docs/kalshi.md).")
]
FirstAdmin: TypeAlias = Annotated[
    str | None,
    typer.Option("--admin", metavar="EMAIL", help="Make an admin if there is none."),
]
ServerClock: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--clock",
        metavar="CLOCK",
        help="wall (default), stepped, scaled=60; stepped,tokens: sessions follow it.",
    ),
]
FaultsOnDemand: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--fault",
        metavar="FAULTS",
        help="Faults on demand for tests of bots, as latency=50ms±20ms,loss=0.01; or none.",
    ),
]
ReadyFd: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--ready-fd", metavar="N", min=1, help="Write a line to this descriptor once ready."
    ),
]
Unsafe: TypeAlias = Annotated[
    bool,
    typer.Option("--force", help="Allow seed accounts on an exchange beyond loopback."),
]


def serve(
    ctx: typer.Context,
    *,
    host: Host = None,
    port: Port = None,
    data_dir: arguments.DataDir = None,
    database_url: arguments.DatabaseUrl = None,
    redis_url: RedisUrl = None,
    role: ServerRole = None,
    workers: WorkerCount = None,
    seed: SeedFirst = False,
    demo: Demo = False,
    kalshi: KalshiApi = False,
    admin: FirstAdmin = None,
    clock: ServerClock = None,
    fault: FaultsOnDemand = None,
    ready_fd: ReadyFd = None,
    force: Unsafe = False,
) -> None:
    """Examples:
      predmarket serve
      predmarket serve --admin you@example.com
      predmarket serve --seed --port 9000 --data-dir ./exchange
      predmarket serve --demo

    Run the exchange until it is stopped. Without settings it listens on 127.0.0.1:8000 and keeps
    an embedded database in the data folder. --admin prints the new admin's password on stdout,
    once. With --ready-fd, a script waits for a line of JSON with url, port and pid; --port 0 takes
    any free port.
    """
    del ctx
    if demo and admin is not None:
        raise usage("--demo has an admin: admin@example.com")
    given = overrides(
        host=host, port=port, data_dir=data_dir, database_url=database_url, redis_url=redis_url,
        role=role, workers=workers, kalshi="on" if kalshi else None, clock=clock,
        fault=fault,
    )  # fmt: skip
    with operator_errors():
        from predmarket.server.process import start

        if demo:
            from predmarket.bots.runner import run as house

            code = start.serve_demo(given, force, house, ready_fd=ready_fd)
        else:
            code = start.serve(given, seed, force, admin=admin, ready_fd=ready_fd)
    raise typer.Exit(code)


def seed(
    ctx: typer.Context,
    *,
    force: Annotated[
        bool,
        typer.Option("--force", help="Create them even if the exchange listens beyond loopback."),
    ] = False,
    data_dir: arguments.DataDir = None,
    database_url: arguments.DatabaseUrl = None,
) -> None:
    """Examples:
      predmarket seed
      predmarket seed --data-dir ./exchange

    Create the first accounts and a market, while the exchange is stopped. Existing data
    is not changed.
    """
    line = context.of(ctx)
    with operator_errors():
        from predmarket.server.process import start

        report = start.seed(overrides(data_dir=data_dir, database_url=database_url), force)
    text = Grid((), (False,), [[row] for row in report.lines])
    line.output.show(report.data, [report.data], (), lambda: [text])


def set_role(
    ctx: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The account.")],
    role: Annotated[
        Role, typer.Argument(metavar="ROLE", case_sensitive=False, help="USER or ADMIN.")
    ],
    *,
    data_dir: arguments.DataDir = None,
    database_url: arguments.DatabaseUrl = None,
) -> None:
    """Examples:
      predmarket user set-role ann@example.com ADMIN

    Set an account's role in the database itself: the way to a first admin. An exchange with an
    embedded database has to be stopped for it; one on PostgreSQL heeds it within seconds.
    """
    line = context.of(ctx)
    with operator_errors():
        from predmarket.server.process import maintenance

        maintenance.set_role(overrides(data_dir=data_dir, database_url=database_url), email, role)
    line.output.record(layouts.ANY, {"email": email, "role": role})


def audit(
    ctx: typer.Context,
    *,
    replay: arguments.ReplayJournal = False,
    data_dir: arguments.DataDir = None,
    database_url: arguments.DatabaseUrl = None,
) -> None:
    """Examples:
      predmarket audit
      predmarket audit --replay --data-dir ./exchange

    Prove from the database alone that money and shares are conserved. Exit code 1 when they are
    not.
    """
    line = context.of(ctx)
    given = overrides(data_dir=data_dir, database_url=database_url)
    with operator_errors(), line.output.progress() as progress:
        from predmarket.server.process import maintenance

        report = maintenance.audit(given, replay, progress)
    show_audit(line, report, {})


def show_audit(line: context.Line, report: "AuditReport", facts: dict[str, object]) -> None:
    """Show an audit, and ``facts`` with it in JSON. Raises Failure if it does not hold."""
    checks: list[dict[str, object]] = [
        {"name": name, "ok": ok, "detail": detail} for name, ok, detail in report.checks
    ]
    line.output.show(
        {**facts, "ok": report.ok, "checks": checks},
        checks,
        layouts.CHECK.fields,
        lambda: [layouts.CHECK.grid(checks)],
    )
    if not report.ok:
        failed = ", ".join(name for name, ok, _ in report.checks if not ok)
        raise own("AUDIT_FAILED", f"does not hold: {failed}")
