"""leaderboard --watch: repeated requests, and a board drawn for a projector."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest
import typer

from predmarket.cli import complete
from predmarket.cli.context import Line
from predmarket.cli.leaderboard_view import LeaderboardView
from predmarket.cli.parser import root
from predmarket.client import Feed, calls
from predmarket.client.calls import Call
from tests.cli.answers import BOARD
from tests.cli.watching import WatchedExchange, piped, terminal
from tests.support.stub_exchange import Answer, Stub

Completer = Callable[[typer.Context, str], complete.Proposals]

WATCH = ("leaderboard", "--season", "Spring", "--watch")
PATH = "/v1/leaderboard"
LATER = {**BOARD, "items": [{**BOARD["items"][1], "rank": 1}], "total": 1}  # type: ignore[index]


@pytest.fixture
async def exchange(
    environment: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WatchedExchange]:
    """An exchange with a leaderboard, at PREDMARKET_URL."""
    async with WatchedExchange() as server:
        monkeypatch.setenv("PREDMARKET_URL", server.url)
        server.answers[PATH] = BOARD
        yield server


async def test_in_a_pipe_and_on_a_terminal(exchange: WatchedExchange) -> None:
    """A pipe gets a JSON line for each change; a terminal redraws the board until Ctrl-C."""
    async with piped(*WATCH) as command, terminal(*WATCH) as screen:
        for _ in range(2):
            await exchange.accepted()
        assert await command.line() == BOARD
        await screen.shows("Leaderboard · Spring · class-9b  2 ranked  live")
        drawn = await screen.shows("rainmaker")
        await screen.shows("▲ +12.50", drawn)
        exchange.answers[PATH] = LATER
        assert await command.line() == LATER
        await screen.shows("1 ranked", drawn)
        command.interrupt()
        await screen.interrupt()
        assert await command.ended() == (130, "")
        assert await screen.ended() == 130


async def test_what_is_drawn() -> None:
    """The board has as many lines as fit; bars scale to the greatest profit or loss."""
    view = LeaderboardView(calls.leaderboard())
    items = [
        {"rank": rank, "displayName": f"p{rank}", "profit": profit, "value": "1234.5", "trades": 3}
        for rank, profit in ((1, "8.000000"), (2, "3.000000"), (3, "0.000000"), (4, "-9.994000"))
    ]

    async def ask(call: Call[Any]) -> Any:  # noqa: ANN401  each call has its answer
        await asyncio.sleep(0)
        return {"items": items, "total": 4, "season": None, "group": None}

    feed = cast("Feed", None)
    assert len(await view.hear(None, feed, ask)) == 1
    assert list(await view.hear(None, feed, ask)) == []
    rows = view.grid(24).rows
    assert [row[2] for row in rows] == ["▲ +8.00", "▲ +3.00", "0.00", "▼ -9.99"]
    assert [row[4] for row in rows] == ["1,234.50"] * 4
    assert [len(row[3]) for row in rows] == [24] * 4
    assert [row[3].rstrip() for row in rows] == ["█" * 19 + "▏", "█" * 7 + "▏", "", "▒" * 24]
    assert [row[0] for row in view.grid(3).rows] == ["1", "2"]


@pytest.mark.parametrize(
    ("path", "completer"), [("/v1/seasons", complete.seasons), ("/v1/groups", complete.user_groups)]
)
def test_seasons_and_groups_are_completed(
    environment: None, stub: Stub, path: str, completer: Completer
) -> None:
    """Seasons and groups complete by name.

    A season whose name is not a plain word completes by its id, and none by an option.
    """
    names = ["Spring", "Week 12", "$(reboot)", "--yes", "spring.2"]
    items = [
        {"id": id, "name": name, "endedAt": None, "memberCount": 2} for id, name in enumerate(names)
    ]
    stub.on("GET", path, Answer(body={"items": items}))
    context = typer.Context(root(), obj=Line())
    found = dict(completer(context, ""))
    ids = {"1", "2", "3"} if path == "/v1/seasons" else set()
    assert found.keys() == {"Spring", "spring.2"} | ids
    assert not set("$`") & set("".join(found.values()))
    assert [name for name, _ in completer(context, "Sp")] == ["Spring"]
