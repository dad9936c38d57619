"""The global options: accepted anywhere on the line, at every level; the last one wins."""

from collections.abc import Callable
from math import isnan
from typing import Annotated, TypeAlias

import typer

from predmarket.cli.flags import Format


def _keep(ctx: typer.Context, param: typer.CallbackParam, value: object) -> object:
    """Store an option; every level of the line declares the same options."""
    if value is None or (value is False and param.name != "color"):
        return value
    name = param.name or ""
    if isinstance(value, float) and isnan(value):  # in no range, but the parser accepts it
        raise typer.BadParameter("nan is not in the range", ctx, param)
    if name == "json":
        name, value = "output", Format.JSON
    setattr(ctx.obj.options, name, value)
    return value


def _option(
    *names: str,
    help: str,
    metavar: str | None = None,
    autocompletion: Callable[..., object] | None = None,
    min: float | None = None,
    max: float | None = None,
) -> typer.models.OptionInfo:
    """Return an option that is stored when it is read; no command has a parameter for it."""
    option: typer.models.OptionInfo = typer.Option(
        *names,
        help=help,
        metavar=metavar,
        case_sensitive=False,
        autocompletion=autocompletion,
        min=min,
        max=max,
        callback=_keep,
        expose_value=False,
    )
    return option


def _profiles(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    from predmarket.cli.complete import profiles  # only completion needs it

    return profiles(ctx, incomplete)


Url: TypeAlias = Annotated[
    str | None,
    _option("--url", metavar="URL", help="The exchange's address [env: PREDMARKET_URL]."),
]
Profile: TypeAlias = Annotated[
    str | None,
    _option(
        "--profile",
        "-P",
        metavar="NAME",
        help="The profile that gives session and address [env: PREDMARKET_PROFILE].",
        autocompletion=_profiles,
    ),
]
Output: TypeAlias = Annotated[
    Format | None, _option("--output", "-o", help="How to print data (default: table).")
]
Json: TypeAlias = Annotated[bool, _option("--json", help="The same as -o json.")]
NoInput: TypeAlias = Annotated[bool, _option("--no-input", help="Never ask.")]
Yes: TypeAlias = Annotated[bool, _option("--yes", "-y", help="Answer every question with yes.")]
Color: TypeAlias = Annotated[
    bool | None,
    _option("--color/--no-color", help="Use colour or not, whatever stdout is [env: NO_COLOR]."),
]
Quiet: TypeAlias = Annotated[bool, _option("--quiet", help="Print only errors on stderr.")]
Raw: TypeAlias = Annotated[
    bool,
    _option("--raw", help="Print CSV unchanged: no apostrophe before what looks like a formula."),
]

Timeout: TypeAlias = Annotated[
    float | None,
    _option(
        "--timeout",
        metavar="S",
        help="Seconds to wait for an answer (default: 15; 30 for a request that is repeated).",
        min=0.1,
        max=3600,
    ),
]


def declare(
    url: Url = None,
    profile: Profile = None,
    output: Output = None,
    json: Json = False,
    no_input: NoInput = False,
    yes: Yes = False,
    color: Color = None,
    quiet: Quiet = False,
    timeout: Timeout = None,
    raw: Raw = False,
) -> None:
    """Declare the options; parser.py adds them to every command."""
