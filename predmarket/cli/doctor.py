"""Command: doctor."""

import stat
from pathlib import Path

import typer

from predmarket.cli import arguments, context, layouts
from predmarket.cli.context import Line
from predmarket.cli.failure import own
from predmarket.cli.server_admin import operator_errors, overrides


def doctor(
    ctx: typer.Context,
    *,
    data_dir: arguments.DataDir = None,
    database_url: arguments.DatabaseUrl = None,
) -> None:
    """Examples:
      predmarket doctor
      predmarket doctor --data-dir ./exchange -o json

    Check an exchange on this machine: integrity, durability and schema of its database; clocks;
    free space; permissions of the secret, the database and your session; the port; the limit of
    open files; the age of the last back-up. Nothing is changed. Exit code 1 when something is
    wrong.
    """
    line = context.of(ctx)
    with operator_errors():
        from predmarket.server.process import maintenance

        found = maintenance.doctor(overrides(data_dir=data_dir, database_url=database_url))
    checks: list[dict[str, object]] = [
        {"name": name, "ok": ok, "detail": detail} for name, ok, detail in [*found, _session(line)]
    ]
    wrong = [str(check["name"]) for check in checks if not check["ok"]]
    line.output.show(
        {"ok": not wrong, "checks": checks},
        checks,
        layouts.CHECK.fields,
        lambda: [layouts.CHECK.grid(checks)],
    )
    if wrong:
        raise own("UNHEALTHY", f"something is wrong: {', '.join(wrong)}")


def _session(line: Line) -> tuple[str, bool, str]:
    """Return whether only the user can read the session file."""
    path: Path = line.settings.folder / "session.json"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return "session", True, f"there is none at {path}"
    if mode & 0o077:
        return "session", False, f"others may read {path}: its mode is {mode:04o}"
    return "session", True, f"{path}, its owner's alone"
