"""Parses the command line: lazy groups, and global options at every level.

It extends typer's own classes. Their help stays plain (no boxes), because it is read in pipes, and
it starts faster.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from inspect import cleandoc
from typing import TYPE_CHECKING, NoReturn, cast

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from predmarket.cli import options, registry
from predmarket.cli.output import print_version
from predmarket.nearest import guess

if TYPE_CHECKING:
    from typer import _click


_SPELLINGS = {"--market-id": "--market"}
"""Options that are understood under another name, too, which no help shows."""


class Command(TyperCommand):
    """A command that also takes the global options."""

    def get_params(self, ctx: "_click.Context") -> "list[_click.Parameter]":
        return [*super().get_params(ctx), *_global_params()]

    def parse_args(self, ctx: "_click.Context", args: list[str]) -> list[str]:
        args = self._as_shown(ctx, args)
        if not ctx.resilient_parsing:
            self._refuse_repeats(ctx, args)
        return super().parse_args(ctx, args)

    def _as_shown(self, ctx: "_click.Context", args: list[str]) -> list[str]:
        """Return ``args`` with alternative spellings of options replaced by those of the help."""
        takes = {
            name
            for param in self.get_params(ctx)
            if not getattr(param, "is_flag", False)
            for name in param.opts
        }
        words = []
        for word in args:
            name, equals, value = word.partition("=")
            shown = _SPELLINGS.get(name)
            words.append(f"{shown}{equals}{value}" if shown in takes else word)
        return words

    def _refuse_repeats(self, ctx: "_click.Context", args: list[str]) -> None:
        """Refuse a repeated option with one value, because one value would be lost. Of the global
        options the last one wins, so that an alias may contain some.
        """
        _, _, order = self.make_parser(ctx).parse_args(args=[*args])
        seen = set()
        for param in order:
            if param.param_type_name != "option" or getattr(param, "is_flag", False):
                continue
            once = not getattr(param, "multiple", False) and param not in _global_params()
            if once and param in seen:
                ctx.fail(f"{max(param.opts, key=len)} is given more than once")
            seen.add(param)

    def format_help_text(self, ctx: "_click.Context", formatter: "_click.HelpFormatter") -> None:
        _write_text(self, formatter)

    def format_options(self, ctx: "_click.Context", formatter: "_click.HelpFormatter") -> None:
        _write_params(self, ctx, formatter)


class Group(TyperGroup):
    """A group that imports its commands when they are used."""

    tree: Mapping[str, registry.Entry] = registry.TREE

    def get_params(self, ctx: "_click.Context") -> "list[_click.Parameter]":
        return [*super().get_params(ctx), *_global_params()]

    def list_commands(self, ctx: "_click.Context") -> list[str]:
        return self._listed()

    def _listed(self) -> list[str]:
        return [name for name, entry in self.tree.items() if not getattr(entry, "hidden", False)]

    def get_command(self, ctx: "_click.Context", cmd_name: str) -> TyperCommand | TyperGroup | None:
        entry = self.tree.get(cmd_name)
        if entry is None:
            return None
        if isinstance(entry, registry.Branch):
            return _group(cmd_name, entry)
        return _command(cmd_name, entry)

    def resolve_command(
        self, ctx: "_click.Context", args: list[str]
    ) -> "tuple[str | None, _click.Command | None, list[str]]":
        if args[0] not in self.tree and not ctx.resilient_parsing:
            _no_such_command(ctx, args[0], list(self.tree))
        return super().resolve_command(ctx, args)

    def format_help_text(self, ctx: "_click.Context", formatter: "_click.HelpFormatter") -> None:
        _write_text(self, formatter)

    def format_options(self, ctx: "_click.Context", formatter: "_click.HelpFormatter") -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.tree[name].summary) for name in self._listed()])
        _write_params(self, ctx, formatter)


def root() -> Group:
    """Return the command `predmarket`, without importing any of its commands."""
    app = typer.Typer(
        name="predmarket",
        cls=Group,
        help=_ROOT_HELP,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_version_option)
    return cast("Group", typer.main.get_command(app))


_ROOT_HELP = """\
Examples:
  predmarket serve --seed
  predmarket auth login user@example.com
  predmarket market list
  predmarket order place will-it-rain-tomorrow buy 10 --price 0.60

A prediction-market exchange and its trading terminal.
"""


def _show_version(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        raise typer.Exit(print_version())


def _version_option(
    *,
    version: bool = typer.Option(
        False,
        "--version",
        help="Print the version.",
        callback=_show_version,
        is_eager=True,
        expose_value=False,
    ),
) -> None:
    """Declare the only option that just the root has."""


def _group(name: str, branch: registry.Branch) -> Group:
    text = f"Examples:\n  {branch.example}\n\n{branch.summary}"
    group = Group(name=name, help=text, short_help=branch.summary, rich_markup_mode=None)
    group.tree = branch.leaves
    return group


def _command(name: str, leaf: registry.Leaf) -> TyperCommand:
    module, _, function = leaf.target.partition(":")
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(
        name,
        cls=Command,
        short_help=leaf.summary,
        hidden=leaf.hidden,
        # a negative number looks like an option, but is a known one nowhere
        context_settings={"ignore_unknown_options": leaf.signed},
    )(getattr(import_module(f"predmarket.cli.{module}"), function))
    return cast("TyperCommand", typer.main.get_command(app))


@cache
def _global_params() -> "tuple[_click.Parameter, ...]":
    app = typer.Typer(add_completion=False)
    app.command()(options.declare)
    return tuple(typer.main.get_command(app).params)


def _no_such_command(ctx: "_click.Context", name: str, known: list[str]) -> NoReturn:
    ctx.fail(f"there is no command {name}{guess(name, known)}")


def _write_text(command: "_click.Command", formatter: "_click.HelpFormatter") -> None:
    """Write the help as it is laid out, because examples must not be wrapped again."""
    formatter.write_paragraph()
    for line in cleandoc(command.help or "").splitlines():
        formatter.write(f"  {line}".rstrip() + "\n")


def _write_params(
    command: "_click.Command", ctx: "_click.Context", formatter: "_click.HelpFormatter"
) -> None:
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is None:
            continue
        if param in _global_params():
            section = "Global options, anywhere on the line"
        else:
            section = "Arguments" if param.param_type_name == "argument" else "Options"
        sections.setdefault(section, []).append(record)
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)
