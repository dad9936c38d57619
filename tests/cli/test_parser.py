"""Parsing of the command line: single options, alternative spellings, plain refusals."""

from pathlib import Path

import pytest
import typer

from predmarket.cli import complete
from predmarket.cli.context import Line
from predmarket.cli.parser import root
from tests.support.command_line import Run
from tests.support.stub_data import ORDER, page
from tests.support.stub_exchange import Answer, Stub


@pytest.mark.parametrize(
    "words",
    [
        "market list --status open --status halted",
        "market list --search a --search=b",
        "order place rain buy 1 --price 0.5 --price 0.6",
        "order cancel-all --market rain --market-id snow",
        "candles rain --from 2030-01-01T00:00:00Z --from 2030-01-02T00:00:00Z",
    ],
)
def test_an_option_is_given_once(run: Run, stub: Stub, words: str) -> None:
    """A repeated option is refused, because one of its values would be lost."""
    ran = run(*words.split())
    assert (ran.code, stub.requests) == (2, [])
    assert " is given more than once\n" in ran.err


def test_a_flag_may_be_repeated(run: Run, stub: Stub) -> None:
    """A repeated flag is accepted; of repeated global options the last wins, as in options.py."""
    stub.on("GET", "/v1/orders", Answer(body=page(ORDER)))
    assert run("order", "list", "--all", "--all", "-o", "csv", "-o", "json").code == 0


@pytest.mark.parametrize("spelled", ["--market rain", "--market-id rain", "--market-id=rain"])
def test_the_filter_of_markets(run: Run, stub: Stub, spelled: str) -> None:
    """--market works everywhere; its alternative spelling works too, and no help shows it."""
    stub.on("GET", "/v1/orders", Answer(body=page(ORDER)))
    stub.on("GET", "/v1/user/ledger", Answer(body=page()))
    for command in ("order list", "account statement"):
        assert run(*command.split(), *spelled.split()).code == 0
        assert stub.requests[-1].query["market"] == "rain"
        assert "--market-id" not in run(*command.split(), "--help").out


def test_of_an_order_it_is_the_type(run: Run) -> None:
    """order place refuses --market-id, which would read as the order type MARKET."""
    ran = run("order", "place", "rain", "buy", "1", "--market-id", "rain")
    assert ran.code == 2
    assert "there is no option --market-id" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("orderr list", "there is no command orderr; did you mean order?"),
        ("order lst", "there is no command lst; did you mean list?"),
        ("market", "a command is missing"),
        ("market list --limt 5", "there is no option --limt; did you mean --limit?"),
        ("market list --limit", "--limit needs a value"),
        ("market list --limit x", "--limit is a whole number from 1 to 100, not x"),
        ("market list --limit 101", "--limit is a whole number from 1 to 100, not 101"),
        ("order show 0", "ID is a whole number from 1, or client: and a client order id, not 0"),
        ("market show", "M is missing: The market: its id or slug"),
        ("market show a b", "too many arguments: b"),
        ("order place rain buy -1 --price 0.5", "no number here may be below 0"),
        ("order place rain hold 1 --price 0.5", "buy|sell, not hold"),
        ("order list --side opne", "there is no option --side"),
        ("market list --status opne", "not opne; did you mean OPEN?"),
        ("market resolve rain YEZ -y", "YEZ is not YES, NO, VOID or a price; did you mean YES?"),
        ("market list -o yaml", "--output is one of table, json, jsonl, csv, not yaml"),
        ("order list --watch=5", "--watch takes no value"),
    ],
)
def test_refusals_are_in_plain_words(run: Run, stub: Stub, words: str, said: str) -> None:
    """A refusal names the typed value and the accepted values, not the parser's types."""
    ran = run(*words.split())
    assert (ran.code, stub.requests) == (2, [])
    assert said in ran.err.splitlines()[0]


def test_endings_complete() -> None:
    """Values complete in any case."""
    assert [name for name, _ in complete.endings("")] == ["YES", "NO", "VOID"]
    assert [name for name, _ in complete.endings("y")] == ["YES"]


def test_profiles_complete(environment: None, home: Path) -> None:
    """Completion offers the profiles that have an address or a session."""
    home.mkdir()
    (home / "config.toml").write_text('[profiles.practice]\nurl = "http://h"\n')
    (home / "session.json").write_text('{"sessions": {"bob http://h": {}}}')
    context = typer.Context(root(), obj=Line())
    assert [name for name, _ in complete.profiles(context, "")] == ["bob", "practice"]
    assert [name for name, _ in complete.profiles(context, "p")] == ["practice"]
    (home / "config.toml").write_text("=")
    assert complete.profiles(context, "") == []
