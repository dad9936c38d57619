"""Command: config show."""

import typer

from predmarket.cli import arguments, context, layouts
from predmarket.cli.context import Line
from predmarket.cli.server_admin import operator_errors, overrides


def show(
    ctx: typer.Context,
    *,
    data_dir: arguments.DataDir = None,
    database_url: arguments.DatabaseUrl = None,
) -> None:
    """Examples:
      predmarket config show
      predmarket config show -P practice --json

    Print every setting, the client's and the exchange's, and where its value came from. Secrets
    are hidden.
    """
    line = context.of(ctx)
    rows = _client_rows(line)
    with operator_errors():
        from predmarket.server.process import maintenance

        settings = maintenance.config(overrides(data_dir=data_dir, database_url=database_url))
    rows += [_row("server", name, value, origin) for name, value, origin in settings]
    line.output.rows(layouts.SETTING, rows)


def _client_rows(line: Line) -> list[dict[str, object]]:
    settings = line.settings
    rows = [
        _row("client", "url", settings.url.value, settings.url.origin),
        _row("client", "profile", settings.profile.value, settings.profile.origin),
        _row("client", "config_dir", settings.config_dir.value, settings.config_dir.origin),
    ]
    if settings.api_key:
        rows.append(_row("client", "api_key", "(hidden)", settings.api_key.origin))
    else:
        rows.append(_row("client", "api_key", None, "default"))
    return rows


def _row(scope: str, name: str, value: str | None, origin: str) -> dict[str, object]:
    return {"scope": scope, "name": name, "value": value, "origin": origin}
