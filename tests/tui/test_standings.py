"""The standings on the screen, and the admins' overview."""

from pathlib import Path

import pytest

from predmarket.client import ApiError
from predmarket.client.calls import Call
from predmarket.tui.screens.standings import StandingsScreen
from predmarket.tui.widgets.table import Table
from tests.support.http_exchange import Exchange
from tests.support.http_orders import order
from tests.tui.golden import expect
from tests.tui.scenes import deep
from tests.tui.screens import Desktop, staged, trading
from tests.tui.script import USER

SIZES = [(80, 24), (120, 40), (160, 50)]
SPRING = {
    "id": 2, "name": "Spring", "credit": "100.000000", "startedAt": "2030-03-10T08:00:00.000000Z",
    "creditedAt": "2030-03-10T08:00:00.000000Z", "endedAt": None,
}  # fmt: skip
WINTER = {**SPRING, "id": 1, "name": "Winter", "endedAt": "2030-03-01T18:00:00.000000Z"}


def board(call: Call[object]) -> dict[str, object]:
    """Return a board of twelve, the user among them, with names and profits of all lengths."""
    season = {"2": SPRING, "1": WINTER}.get(call.params.get("season", ""))
    names = [
        "Rainmaker",
        "Ω-kun 日本語の名前",
        "player-2",
        "x" * 40,
        *[f"player-{n}" for n in range(8)],
    ]
    profits = ["1234567.891234", "45.500000", "45.500000", "3.250000", *["0.000000"] * 4]
    profits += ["-0.010000", "-12.000000", "-45.500000", "-1200000.000000"]
    ranks = (1, 2, 2, 4, 5, 5, 5, 5, 9, 10, 11, 12)
    items = [
        {"rank": rank, "displayName": name, "profit": profit, "value": "1100.000000", "trades": 7}
        for rank, name, profit in zip(ranks, names, profits, strict=True)
    ]
    return {"items": items, "total": 12, "season": season, "group": None}


async def opened(desktop: Desktop) -> None:
    """Open the standings."""
    await desktop.press("L")
    await desktop.until(lambda: isinstance(desktop.app.screen, StandingsScreen))
    await desktop.sees("12 ranked")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "{}x{}".format(*size))
async def test_the_standings(tmp_path: Path, size: tuple[int, int]) -> None:
    """Pages show the running season first, then the others, then all time."""
    scene = deep()
    scene.answers |= {"GET /v1/seasons": {"items": [SPRING, WINTER]}, "GET /v1/leaderboard": board}
    async with staged(scene, tmp_path, size=size) as desktop:
        await opened(desktop)
        await desktop.sees("Spring   since 2030-03-10 08:00Z")
        lines = desktop.text().splitlines()
        await desktop.press("s")
        await desktop.sees("Winter")
        await desktop.press("s")
        await desktop.sees("Since the beginning")
        await desktop.press("s")
        await desktop.sees("Spring")
    expect("standings-{}x{}".format(*size), "".join(f"|{line}|\n" for line in lines))


async def test_without_a_leaderboard(tmp_path: Path) -> None:
    """Without a leaderboard the screen shows the reason."""
    scene = deep()
    off = ApiError(404, "NOT_FOUND", "this exchange has no leaderboard")
    scene.answers |= {"GET /v1/seasons": {"items": []}, "GET /v1/leaderboard": off}
    async with staged(scene, tmp_path) as desktop:
        await desktop.press("L")
        await desktop.until(lambda: "no leaderboard" in desktop.trader.said[0])
        await desktop.press("escape")
        await desktop.until(lambda: not isinstance(desktop.app.screen, StandingsScreen))


async def test_on_an_exchange(exchange: Exchange, tmp_path: Path) -> None:
    """The board shows the profit; an admin sees the totals and the overdue markets."""
    await exchange.market("rain")
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await order(ann, "BUY", 10, "0.40")
    await order(bob, "SELL", 10, "0.40")
    async with trading(exchange, ann, tmp_path) as desktop:
        await desktop.press("L")
        await desktop.sees(f"player-{bob.id}")
        await desktop.sees("Since the beginning   of each account   2 ranked")
        await desktop.sees("you  1.  0.00")
    async with trading(exchange, exchange.admin, tmp_path) as desktop:
        await desktop.press("f5")
        await desktop.sees("Open interest 10   volume 10   1 OPEN")
        await desktop.sees("no market is past due")
        await desktop.press("p")
        await desktop.until(lambda: desktop.trader.said[0] == "no market is past due")


DUE = [
    {
        "id": id, "slug": slug, "question": "?", "status": "CLOSED", "openInterest": "1.00",
        "closesAt": f"2030-03-{day}T17:46:40.000000Z", "volume": "1.00", "eventSlug": None,
        "proposal": proposal,
    }
    for id, slug, day, proposal in (
        (3, "cpi-above-3-percent", "14", None),
        (2, "moon-landing-by-2035", "17", {"outcome": "NO"}),
    )
]  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "{}x{}".format(*size))
async def test_the_overview(tmp_path: Path, size: tuple[int, int]) -> None:
    """The overview has totals and the overdue markets, which a key steps through."""
    scene = deep()
    scene.answers |= {
        "GET /v1/auth/me": {**USER, "role": "ADMIN"},
        "GET /v1/admin/overview": {
            "openInterest": "9120.00", "volume": "88325.50", "pastDueCount": 2, "pastDue": DUE,
            "markets": {"DRAFT": 0, "OPEN": 3, "HALTED": 1, "CLOSED": 2}, "proposedCount": 1,
        },
    }  # fmt: skip
    async with staged(scene, tmp_path, size=size) as desktop:
        await desktop.press("f5")
        await desktop.sees("2 past due")
        lines = desktop.text().splitlines()
        table = desktop.app.screen.query_one("#all-markets", Table)
        keys = []
        for _ in range(3):
            await desktop.press("p")
            keys.append(table.key)
        assert keys == [3, 2, 3]
    expect("overview-{}x{}".format(*size), "".join(f"|{line}|\n" for line in lines))
