"""The global options: accepted anywhere on the line, at every level, the later one winning."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer


class Format(StrEnum):
    """How data is written to stdout."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


@dataclass
class Options:
    """What the global options said; None where the environment or a default decides."""

    url: str | None = None
    profile: str | None = None
    output: Format = Format.TABLE
    no_input: bool = False
    yes: bool = False
    color: bool | None = None
    quiet: bool = False


def _keep(ctx: typer.Context, param: typer.CallbackParam, value: object) -> object:
    """Note an option where it was given: the same option stands at every level of the line."""
    if value is None or (value is False and param.name != "color"):
        return value
    name = param.name or ""
    if name == "json":
        name, value = "output", Format.JSON
    setattr(ctx.obj.options, name, value)
    return value


def declare(
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            help="The exchange's address [env: PREDMARKET_URL].",
            callback=_keep,
            expose_value=False,
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            "-P",
            metavar="NAME",
            help="Whose session and address to use [env: PREDMARKET_PROFILE].",
            callback=_keep,
            expose_value=False,
        ),
    ] = None,
    output: Annotated[
        Format | None,
        typer.Option(
            "--output",
            "-o",
            case_sensitive=False,
            help="How to print data (default: table).",
            callback=_keep,
            expose_value=False,
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option("--json", help="The same as -o json.", callback=_keep, expose_value=False),
    ] = False,
    no_input: Annotated[
        bool,
        typer.Option("--no-input", help="Never ask.", callback=_keep, expose_value=False),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="Answer every question with yes.",
            callback=_keep,
            expose_value=False,
        ),
    ] = False,
    color: Annotated[
        bool | None,
        typer.Option(
            "--color/--no-color",
            help="Colour or not, whatever stdout is [env: NO_COLOR].",
            callback=_keep,
            expose_value=False,
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", help="Nothing on stderr but errors.", callback=_keep, expose_value=False
        ),
    ] = False,
) -> None:
    """Declare the options; grammar.py hangs them on every command."""
