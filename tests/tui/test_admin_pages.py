"""The admin screen's pages: accounts, invitations, groups, seasons, imports, calibration."""

from pathlib import Path

import pytest

from predmarket.tui.screens.admin.code import CodeDialog
from predmarket.tui.screens.admin.screen import PAGES, AdminScreen
from predmarket.tui.screens.form import FormDialog
from predmarket.tui.widgets.table import Table
from tests.support.http_exchange import Exchange
from tests.tui.golden import expect
from tests.tui.scenes import deep
from tests.tui.screens import Desktop, staged, trading
from tests.tui.script import USER

SIZES = [(80, 24), (120, 40)]
NAMES = [page.name_shown for page in PAGES]


async def to_page(desktop: Desktop, name: str) -> None:
    """Go to a page of the admin screen, which may not be open yet."""
    if not isinstance(desktop.app.screen, AdminScreen):
        await desktop.press("f5")
        await desktop.until(lambda: isinstance(desktop.app.screen, AdminScreen), "admin")
    screen = desktop.app.screen
    assert isinstance(screen, AdminScreen)
    while screen.page.name_shown != name:
        await desktop.press("t")


async def form(desktop: Desktop, key: str, **fields: str) -> None:
    """Open a form by its key, fill its fields, and send it."""
    await desktop.press(key)
    await desktop.until(lambda: isinstance(desktop.app.screen, FormDialog), "form")
    for name, text in fields.items():
        desktop.app.screen.query_one(f"#{name}").focus()
        await desktop.until(lambda: desktop.app.focused and desktop.app.focused.id == name)  # noqa: B023
        await desktop.type(text)
    await desktop.pilot.click("#send")


async def code(desktop: Desktop) -> str:
    """Return the code of a dialog, which is copied, and close the dialog."""
    await desktop.until(lambda: isinstance(desktop.app.screen, CodeDialog), "code")
    await desktop.press("c")
    await desktop.until(lambda: "Copied" in desktop.text(), "copied")
    await desktop.press("escape")
    await desktop.until(lambda: isinstance(desktop.app.screen, AdminScreen), "closed")
    return desktop.app.clipboard


async def test_accounts_invitations_and_groups(exchange: Exchange, tmp_path: Path) -> None:
    """Codes work, groups are created and left, and failures are shown."""
    await exchange.market("rain")
    async with trading(exchange, exchange.admin, tmp_path) as desktop:
        said = desktop.trader
        await to_page(desktop, "Accounts")
        await form(desktop, "n", email="kim", credit="5", group="Class 9b")
        first = await code(desktop)
        assert said.echo == "predmarket user create kim --credit 5 --group 'Class 9b'"
        await desktop.sees("kim")
        found = await exchange.admin.client.get("/v1/users", params={"q": "kim"})
        desktop.app.screen.query_one("#all-users", Table).put(found.json()["items"][0]["id"])
        await form(desktop, "r")
        second = await code(desktop)
        assert await claim(exchange, first) == 401
        assert await claim(exchange, second) == 200
        await form(desktop, "n", email="kim")
        await desktop.until(lambda: "EMAIL_TAKEN" in said.said[0], "refused")

        await to_page(desktop, "Invitations")
        await form(desktop, "n", uses="x")
        await desktop.sees("uses is a whole number")
        await desktop.press("escape")
        await form(desktop, "n", expires="2d")
        invitation = await code(desktop)
        body = {"email": "lee@example.com", "password": "long enough!", "inviteCode": invitation}
        answer = await exchange.anonymous.post("/v1/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        await desktop.press("down")
        await form(desktop, "x")
        await desktop.sees("revoked")

        await to_page(desktop, "Groups")
        await desktop.sees("Members of Class 9b")
        await desktop.sees("kim")
        await form(desktop, "a", email="nobody@example.com")
        await desktop.until(lambda: said.said[0] == "there is no account nobody@example.com")
        await form(desktop, "a", email="lee@example.com")
        await desktop.sees("lee@example.com")
        await form(desktop, "x")
        await desktop.until(lambda: said.said[0] == "done: remove kim from Class 9b", "removed")


async def claim(exchange: Exchange, code: str) -> int:
    """Choose a password by a code; return the status."""
    body = {"code": code, "password": "long enough!"}
    return (await exchange.anonymous.post("/v1/auth/claim", json=body)).status_code


async def test_seasons_imports_and_calibration(exchange: Exchange, tmp_path: Path) -> None:
    """A season runs to its end; a file is checked by line and created as a whole."""
    await exchange.market("rain")
    async with trading(exchange, exchange.admin, tmp_path) as desktop:
        said = desktop.trader
        await to_page(desktop, "Seasons")
        await desktop.press("e")
        await desktop.until(lambda: said.said[0] == "no season is running")
        await form(desktop, "n", season="Spring", credit="100")
        await desktop.sees("running")
        await desktop.until(lambda: said.said[0] == "Spring runs: 1 account got the credit")
        await form(desktop, "e")
        await desktop.sees("ended")

        await to_page(desktop, "Calibration")
        await desktop.sees("no resolved market had a price so early")
        await desktop.press("b")
        await desktop.sees("7d before they closed")

        file = tmp_path / "new.csv"
        await to_page(desktop, "Markets")
        await form(desktop, "i", file=str(tmp_path / "none.csv"))
        await desktop.sees("there is no file")
        await desktop.press("enter")
        file.write_text("slug,question,tick\nsnow,Snow?,0.01\nhail,Hail?,7\n", encoding="utf-8")
        await desktop.until(lambda: isinstance(desktop.app.screen, AdminScreen), "closed")
        await form(desktop, "i", file=str(file))
        await desktop.sees("line 3: tickSize")
        await desktop.press("escape")
        file.write_text("slug,question\nsnow,Snow?\nrain,Rain?\n", encoding="utf-8")
        await desktop.until(lambda: isinstance(desktop.app.screen, AdminScreen), "closed")
        await form(desktop, "i", file=str(file))
        await desktop.sees("1 would be created: snow")
        await desktop.pilot.click("#send")
        await desktop.until(lambda: desktop.trader.state.markets.named("snow"), "created")
        assert said.echo == f"predmarket market import {file}"


def user(id: int, email: str, **more: object) -> dict[str, object]:
    """Return an account as admins see it."""
    return {
        **USER, "id": id, "email": email, "displayName": f"player-{id}", "disabled": False,
        "available": "96.800000", "locked": "6.000000",
        "lastSeenAt": "2030-03-17T17:40:00.000000Z", **more,
    }  # fmt: skip


def season(id: int, name: str, credit: str, ended: str | None) -> dict[str, object]:
    """Return a season."""
    started = f"2030-0{id}-01T08:00:00.000000Z"
    return {"id": id, "name": name, "credit": credit, "startedAt": started,
            "creditedAt": started, "endedAt": ended}  # fmt: skip


def invite(id: int, used: int, uses: int, **more: object) -> dict[str, object]:
    """Return an invitation."""
    return {
        "id": id, "uses": uses, "used": used, "expiresAt": "2030-03-20T08:00:00.000000Z",
        "credit": "100.000000", "group": "Class 9b", "createdAt": "2030-03-13T08:00:00.000000Z",
        "revokedAt": None, **more,
    }  # fmt: skip


USERS = [
    user(1, "admin@example.com", role="ADMIN", available="12345.670000", fullName="Ada Admin"),
    user(7, "ann@example.com", fullName="Ann Ames"),
    user(12, "a-very-long-handle-of-a-pupil@school.example.com", lastSeenAt=None),
    user(13, "bob", disabled=True, available="0.000000", locked="0.000000"),
]
GROUPS = [
    {"id": id, "name": name, "memberCount": count, "createdAt": "2030-03-10T08:00:00.000000Z"}
    for id, name, count in (
        (1, "Class 9b", 28), (2, "[b]Club der 日本語 Freunde", 4), (3, "x" * 60, 0)
    )
]  # fmt: skip
BINS = [
    {"above": f"0.{n}0", "to": f"{(n + 1) / 10:.2f}", "markets": 2 * n + 1,
     "price": f"0.{n}5000", "share": share}
    for n, share in enumerate(
        ("0.0000", "0.1111", "0.2500", "0.4000", "0.4444", "0.4545", "0.6923", "0.8000", "1.0000",
         "0.9474")
    )
]  # fmt: skip
ANSWERS: dict[str, object] = {
    "GET /v1/auth/me": {**USER, "role": "ADMIN"},
    "GET /v1/admin/overview": {
        "openInterest": "9120.00", "volume": "88325.50", "pastDueCount": 0, "pastDue": [],
        "markets": {"DRAFT": 0, "OPEN": 3, "HALTED": 1, "CLOSED": 2}, "proposedCount": 0,
    },
    "GET /v1/users": {"items": USERS, "total": 4},
    "GET /v1/invites": {"items": [
        invite(4, 3, 30, expiresAt="2030-04-20T08:00:00.000000Z"), invite(3, 1, 1),
        invite(2, 0, 5, credit="0.000000", group=None, expiresAt="2030-03-01T08:00:00.000000Z"),
        invite(1, 0, 1, revokedAt="2030-03-14T08:00:00.000000Z"),
    ]},
    "GET /v1/groups": {"items": GROUPS},
    "GET /v1/seasons": {"items": [
        season(3, "Week 12", "100.000000", None),
        season(2, "Practice", "0.000000", "2030-02-08T18:30:00.000000Z"),
    ]},
    "GET /v1/calibration": {
        "before": "1d", "markets": 100, "brierScore": "0.1573", "baseRate": "0.5200",
        "unpriced": 7, "more": False, "bins": BINS,
    },
}  # fmt: skip
LAST_SEEN = {
    "Markets": "halted", "Accounts": "bob", "Invitations": "revoked", "Groups": "player-13",
    "Seasons": "Practice", "Calibration": "0.9474",
}  # fmt: skip
"""What a page shows when it has loaded."""


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "{}x{}".format(*size))
async def test_how_the_pages_look(tmp_path: Path, size: tuple[int, int]) -> None:
    """All pages line up, with long names and at the smallest size, too."""
    scene = deep()
    scene.answers |= ANSWERS
    found = []
    async with staged(scene, tmp_path, size=size) as desktop:
        for name in NAMES[1:]:
            await to_page(desktop, name)
            await desktop.sees(LAST_SEEN[name])
            await desktop.press("down")
            await desktop.frame()
            found += desktop.text().splitlines()
    expect("admin-{}x{}".format(*size), "".join(f"|{line}|\n" for line in found))
