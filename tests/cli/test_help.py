"""Every command exists, explains itself, and shows examples first."""

from importlib import import_module

import pytest

from tests.support.command_line import Run
from tests.support.command_tree import GROUPS, LEAVES

PROMISED = """
serve: --host --port --data-dir --database-url --redis-url --seed
seed: --force --data-dir --database-url
db upgrade: --data-dir --database-url
db current: --data-dir --database-url
user set-role: --data-dir --database-url
audit: --replay --data-dir --database-url
config show:
status:
fault show:
fault set:
auth register: --password-file --full-name
auth login: --password-file
auth logout:
auth status:
auth password: --old-password-file --password-file
auth key create: --scope
auth key list:
auth key revoke:
market list: --status --limit --offset --cursor --all
market show:
market create: --description --tick --maker-fee --taker-fee --closes-at --draft
market update: --question --description --closes-at
market open:
market halt:
market close:
market resolve: --after --note --source
market proposal confirm:
market proposal withdraw:
event list: --status --limit --cursor --all
event show:
event create: --market --file --exhaustive --closes-at --tick --maker-fee --taker-fee --draft
event update: --title --description --closes-at --series
event add-market:
event open:
event halt:
event close:
event resolve: --after --note --source
event proposal confirm:
event proposal withdraw:
order place: --price --market --tif --expires --post-only --reduce-only --slippage --stp --client-id
order place: --preview --group
order cancel:
order cancel-all: --market --side
order cancel-after:
order amend: --price --qty
order batch:
order list: --market --status --all-status --client-id --since --until --limit --cursor --all
order list: --watch --group
order show:
order group create:
order group list:
order group show:
order group update:
order group reset:
order group trigger:
order group delete:
book: --depth --watch
trades: --since --until --limit --cursor --all --watch
candles: --interval --from --to
ticker: --watch
stream:
account balance:
account positions:
account events:
account portfolio:
account fills: --since --until --limit --cursor --all
account statement: --market --kind --since --until --limit --cursor --all
transfer create: --reason
user list: --search --limit --offset --cursor --all
user show: --list --since --until --limit --cursor --all
user update: --role --disable --enable
"""

GLOBAL = [
    "--url",
    "--profile",
    "-P",
    "--output",
    "-o",
    "--json",
    "--no-input",
    "--yes",
    "-y",
    "--color",
    "--quiet",
    "--timeout",
]


@pytest.mark.parametrize("line", PROMISED.strip().splitlines())
def test_every_promised_flag_is_there(run: Run, line: str) -> None:
    """The help names each promised flag, global options included."""
    command, _, flags = line.partition(":")
    ran = run(*command.split(), "--help")
    words = ran.out.replace(",", " ").split()
    assert (ran.code, ran.err) == (0, "")
    assert [flag for flag in [*flags.split(), *GLOBAL, "--help"] if flag not in words] == []


@pytest.mark.parametrize("command", ["", *GROUPS, *LEAVES])
def test_help_starts_with_examples(run: Run, command: str) -> None:
    """Examples follow the usage line, before anything else; -h is the same as --help."""
    ran = run(*command.split(), "--help")
    usage, blank, heading, example = ran.out.splitlines()[:4]
    assert usage.startswith(f"Usage: predmarket {command}".strip())
    assert blank == ""
    assert heading == "  Examples:"
    assert example.strip().startswith(f"predmarket {command}".strip()) or "| predmarket" in ran.out
    assert run(*command.split(), "-h").out == ran.out


@pytest.mark.parametrize("command", LEAVES)
def test_the_registry_points_at_functions(command: str) -> None:
    """Every name in the registry of commands resolves to a function."""
    module, _, function = LEAVES[command].target.partition(":")
    assert callable(getattr(import_module(f"predmarket.cli.{module}"), function))


def test_no_words_at_all_show_the_help(run: Run) -> None:
    """The bare program name prints the help."""
    assert run("--help") == run()


def test_version(run: Run) -> None:
    """--version works anywhere before the sub-command."""
    assert run("--version").out == run("--json", "--version").out
    assert run("--version").out.startswith("predmarket ")
