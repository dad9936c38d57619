"""Every operation of the API has a command, and every request is in the API's document."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from inspect import isfunction
from pathlib import Path

import pytest
import typer
from litestar import Litestar

from predmarket.cli.complete import markets, topics
from predmarket.cli.context import Line
from predmarket.cli.parser import root
from predmarket.cli.registry import TREE
from predmarket.client import AsyncClient, Client, calls
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.app import ROUTERS
from predmarket.server.gateway.openapi.document import document
from tests.cli.answers import answer_all
from tests.cli.commands import ASKING, STDIN, words_of
from tests.support.command_line import Run
from tests.support.command_tree import LEAVES
from tests.support.stub_data import MARKET, page
from tests.support.stub_exchange import Answer, Stub

NO_CALLS = {"/healthz", "/metrics", "/docs", "/openapi.json"}
"""For a browser, a probe, a scraper: not what a trader does."""

ON_THIS_MACHINE = {
    "serve",
    "seed",
    "export",
    "db backup",
    "db restore",
    "db upgrade",
    "db current",
    "audit",
    "config show",
} | {
    "user set-role",
    "doctor",
    "fork",
    "journal export",
}
LIVING = {"stream", "tui", "bot run", "replay"}
"""Commands that go on until they are stopped, and print no answer: they have tests of their own."""


WITHOUT_A_COMMAND = re.compile(r"/v1/clock")
"""The operation without a command: to move a test's clock."""


ON_DEMAND = {("GET", "/v1/faults"), ("PUT", "/v1/faults")}
"""Operations that are there only where the exchange was started with them."""


def documented() -> Iterator[tuple[str, str]]:
    """Yield (method, path) of each operation in the API's document."""
    app = Litestar(ROUTERS, request_class=ApiRequest, openapi_config=None)
    for path, methods in document(app)["paths"].items():
        if path not in NO_CALLS:
            yield from ((method.upper(), path) for method in methods)


OPERATIONS = sorted(documented())


def test_every_operation_is_asked_by_a_command(run: Run, stub: Stub, tmp_path: Path) -> None:
    """The commands call every documented operation, and no other."""
    answer_all(stub)
    for line in ASKING:
        ran = run(*words_of(line, tmp_path), "--json", stdin=STDIN.get(line, ""))
        assert "Traceback" not in ran.err, line
        if line.startswith("auth login"):
            # the next call finds the token expired, and renews it
            stub.on("GET", "/v1/auth/me", Answer(401), Answer(body={"id": 2}))
    asked = {(request.method, request.path) for request in stub.requests}
    patterns = {
        one: re.compile(re.sub(r"\{\w+\}", "(rain|sleet|vote|class-9b|Spring|[0-9]+)", one[1]))
        for one in OPERATIONS
    }
    reached = {
        one
        for one, pattern in patterns.items()
        if any(one[0] == method and pattern.fullmatch(path) for method, path in asked)
    }
    assert sorted(reached) == [one for one in OPERATIONS if not WITHOUT_A_COMMAND.fullmatch(one[1])]
    asked -= ON_DEMAND
    named = [
        any(one[0] == method and pattern.fullmatch(path) for one, pattern in patterns.items())
        for method, path in asked
    ]
    assert [one for one, known in zip(asked, named, strict=True) if not known] == []


def test_every_command_is_asked_here() -> None:
    """ASKING has every command, so a new one needs an entry and a golden file."""
    asking = {name for name in LEAVES if any(f"{line} ".startswith(f"{name} ") for line in ASKING)}
    assert set(LEAVES) == asking | ON_THIS_MACHINE | LIVING


def test_the_clients_have_every_call() -> None:
    """Both clients have a method for every operation."""
    public = {
        name
        for name, value in vars(calls).items()
        if isfunction(value) and not name.startswith("_")
    }
    own = {"register", "claim", "login", "refresh", "logout"}  # these methods also keep the session
    for kind in (Client, AsyncClient):
        assert public - own <= set(dir(kind))


def completed(words: str) -> list[str]:
    """Return zsh's completions at the end of ``words``."""
    environment = {
        **os.environ,
        "_PREDMARKET_COMPLETE": "complete_zsh",
        "_TYPER_COMPLETE_ARGS": words,
    }
    done = subprocess.run(
        [sys.executable, "-m", "predmarket.cli"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return [re.split(r'":"|"', item)[1] for item in re.findall(r'".*"', done.stdout)]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(spawn: Run, shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script of each shell can be shown and installed, whichever shell runs the tests."""
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    ran = spawn("--show-completion", shell)
    assert (ran.code, ran.err) == (0, "")
    assert "_PREDMARKET_COMPLETE" in ran.out


def test_topics_complete(environment: None, stub: Stub) -> None:
    """Completion offers the kinds of topics, and after a kind its markets."""
    answer_all(stub)
    assert completed("predmarket stream user:me:f") == [r"user\\:me\\:fills"]
    assert completed("predmarket stream trades:r") == [r"trades\\:rain"]
    assert completed("predmarket order group reset ") == ["4"]
    assert completed("predmarket order list --group ") == ["4"]


def test_every_market_completes(
    environment: None, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Completion searches all markets beyond the first page, and offers only prefix matches."""
    first = {"items": [{**MARKET, "slug": "more-rain"}], "nextCursor": "Abc", "total": 2}
    stub.on("GET", "/v1/markets", Answer(body=first), Answer(body=page(MARKET)))
    monkeypatch.setattr("predmarket.cli.complete.PATIENCE_S", 60.0)
    found = markets(typer.Context(root(), obj=Line()), "ra")
    assert [name for name, _ in found] == ["rain"]
    asked = [request.query for request in stub.requests]
    assert asked == [{"q": "ra", "limit": "100"}, {"q": "ra", "limit": "100", "cursor": "Abc"}]


def test_an_exchange_does_not_write_the_command_line(environment: None, stub: Stub) -> None:
    """Slugs with shell syntax are not offered, and a question is not read as markup."""
    evil = {**MARKET, "slug": "r$(reboot)"}
    odd = {**MARKET, "question": "[/x] Rain?\u202e\u2028"}
    stub.on("GET", "/v1/markets", Answer(body={"items": [evil, odd], "total": 2}))
    assert completed("predmarket book r") == ["rain"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("stream trades : r", ["rain"]),
        ("stream trades :", []),
        ("stream orderbook : rain user : me : f", ["fills"]),
        ("stream user : m", ["me:orders", "me:fills", "me:balances", "me:positions", "me:events"]),
        ("stream tr", ["trades:"]),
    ],
)
def test_topics_complete_in_bash(
    environment: None,
    stub: Stub,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    expected: list[str],
) -> None:
    """bash splits words at a colon, so completions omit the part before it."""
    answer_all(stub)
    words = ["predmarket", *line.split()]
    monkeypatch.setenv("_PREDMARKET_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    found = topics(typer.Context(root(), obj=Line()), words[-1])
    assert [name for name, _ in found] == expected


def test_every_command_completes(environment: None) -> None:
    """Every name of the registry of commands completes."""
    assert completed("predmarket ") == [*TREE]
