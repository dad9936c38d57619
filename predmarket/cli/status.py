"""Command: status."""

import typer

from predmarket.cli import context, layouts


def status(ctx: typer.Context) -> None:
    """Examples:
      predmarket status
      predmarket status --url https://exchange.example.com --json

    Show whether the exchange is up, who leads it, and how durable it is.
    """
    line = context.of(ctx)
    with line.client() as client:
        line.output.record(layouts.ANY, client.status())
