"""The page on events: its commands run unchanged on a real exchange and print its output."""

import asyncio
import os
import re
import shlex
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from predmarket.cli.app import run as run_line
from predmarket.client import StoredSession
from predmarket.client.session import Tokens
from tests.support.command_line import Ran
from tests.support.http_exchange import (
    ON_ONE_DATABASE,
    Exchange,
    User,
    database_url,
    exchange,
    settings,
)
from tests.support.http_orders import cash

__all__ = ["database_url", "exchange", "settings"]

pytestmark = ON_ONE_DATABASE
PAGE = Path(__file__).parents[2].joinpath("docs", "events.md").read_text(encoding="utf-8")
ORGANISERS, TRADERS = PAGE.split("## For traders")
ENDS = re.findall(r"\| `(predmarket event resolve [^`]*)`", ORGANISERS)

(BANDS,) = re.findall(r"```\n(slug,.*?)```", ORGANISERS, re.DOTALL)

Shell = Callable[[str], Awaitable[Ran]]
"""Runs a line of the page, which must succeed."""


def commands(text: str) -> list[str]:
    """Return the commands in the blocks of ``text``, without those that show their output."""
    return re.findall(
        r"^predmarket .*", "".join(re.findall(r"```\n(.*?)```", text, re.DOTALL)), re.M
    )


@pytest.fixture
def shell(
    exchange: Exchange,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Shell:
    """A shell in which the admin is logged in, and every user that `log_in` adds."""
    for name in [*os.environ]:
        if name.startswith("PREDMARKET_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PREDMARKET_URL", exchange.url)
    monkeypatch.setenv("PREDMARKET_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    log_in(exchange, tmp_path, "default", exchange.admin)
    Path("bands.csv").write_text(BANDS, encoding="utf-8")

    async def run(line: str) -> Ran:
        words = shlex.split(line, comments=True)[1:]
        capfd.readouterr()
        code = await asyncio.to_thread(run_line, [*words, "--yes"])
        out, err = capfd.readouterr()
        assert code == 0, (line, err)
        return Ran(code, out, err)

    return run


def log_in(exchange: Exchange, folder: Path, profile: str, user: User) -> None:
    """Keep a user's session under a profile."""
    tokens = Tokens(str(user.session["accessToken"]), str(user.session["refreshToken"]))
    StoredSession(folder, profile, exchange.url).keep(tokens)


async def test_the_organisers_commands(exchange: Exchange, shell: Shell) -> None:
    """The organiser's commands create, extend, strike and resolve each kind of event."""
    rows = BANDS.count("\n") - 1
    for line in commands(ORGANISERS):
        await shell(line)
    rain = (await exchange.anonymous.get("/v1/events/june-rain")).json()
    assert (rain["exhaustive"], rain["marketCount"]) == (True, rows)
    assert rain["markets"][0]["label"] == "below 20 mm"
    winner = (await exchange.anonymous.get("/v1/events/winner")).json()
    assert [one["outcome"] for one in winner["markets"]] == [None, "NO", None]
    assert winner["closesAt"] is not None
    outcomes = []
    for number, line in enumerate(ENDS):
        slug = f"winner{number}"
        markets = [{"slug": f"{slug}-{name}", "question": "?"} for name in ("ann", "bob")]
        body = {"slug": slug, "title": "Who wins?", "markets": markets}
        assert (await exchange.admin.client.post("/v1/events", json=body)).status_code == 201
        await shell(line.replace("winner", slug))
        event = (await exchange.anonymous.get(f"/v1/events/{slug}")).json()
        outcomes.append((event["outcome"], [one["settlementPrice"] for one in event["markets"]]))
    assert outcomes == [
        ("winner0-ann", ["1.0000", "0.0000"]),
        ("NONE", ["0.0000", "0.0000"]),
        ("WEIGHTS", ["0.5000", "0.5000"]),
        ("VOID", [None, None]),
    ]


async def test_the_traders_commands(exchange: Exchange, shell: Shell, tmp_path: Path) -> None:
    """Two NO positions cost and show the page's numbers."""
    await shell(
        "predmarket event create race Who? --market race-a=A --market race-b=B --market race-c=C"
    )
    traders = [await exchange.trader(name) for name in "xyz"]
    for name, user in zip("xyz", traders, strict=True):
        log_in(exchange, tmp_path, name, user)
    for line in commands(TRADERS):
        ran = await shell(line)
        if "--preview" in line:
            assert re.search(r"^covered qty +10.00$", ran.out, re.M)
            assert re.search(r"^locked +0.000000$", ran.out, re.M)
    assert [(await cash(user))[0] for user in traders] == ["97.000000", "96.000000", "97.000000"]
    ((line, shown),) = re.findall(r"```\n\$ (predmarket [^\n]*)\n(.*?)```", TRADERS, re.DOTALL)
    assert (await shell(line)).out == shown
    race = (await shell("predmarket -P x event show race")).out.splitlines()
    rows = {words[0]: words for words in map(str.split, race) if words}
    assert rows["returned"] == ["returned", "10.000000"]
    assert [rows[name][-2] for name in ("race-a", "race-c", "NONE")] == [
        "0.000000",
        "10.000000",
        "10.000000",
    ]
