"""An admin's work on the screen, with a whole exchange."""

from pathlib import Path

from predmarket.tui.screens.admin.screen import AdminScreen
from predmarket.tui.screens.form import FormDialog
from predmarket.tui.widgets.table import Table
from tests.support.http_exchange import Exchange
from tests.tui.screens import Desktop, trading


async def field(desktop: Desktop, name: str, text: str) -> None:
    """Type into a form's field."""
    desktop.app.screen.query_one(f"#{name}").focus()
    await desktop.until(lambda: desktop.app.focused and desktop.app.focused.id == name)
    await desktop.type(text)


async def opened(desktop: Desktop, key: str) -> None:
    """Press a key and return the form that it opens."""
    await desktop.press(key)
    await desktop.until(lambda: isinstance(desktop.app.screen, FormDialog), "form")


async def test_a_market_from_creation_to_resolution(exchange: Exchange, tmp_path: Path) -> None:
    """An admin creates, halts and resolves a market; resolving requires its typed name."""
    await exchange.market("rain")
    async with trading(exchange, exchange.admin, tmp_path) as desktop:
        await desktop.press("f5")
        await desktop.until(lambda: isinstance(desktop.app.screen, AdminScreen))
        await opened(desktop, "n")
        await field(desktop, "slug", "snow")
        await desktop.press("enter")
        await desktop.until(lambda: "question is needed" in desktop.text())
        await field(desktop, "question", "Will it snow?")
        await desktop.press("enter")
        await desktop.until(lambda: desktop.trader.state.markets.named("snow"), "created")
        assert desktop.trader.echo == "predmarket market create snow 'Will it snow?'"
        snow = desktop.trader.state.markets.named("snow")
        assert snow is not None
        table = desktop.app.screen.query_one("#all-markets", Table)
        table.put(snow.id)
        await desktop.press("h")
        await desktop.until(lambda: "SAFE, would send: halt snow" in desktop.text(), "kept back")
        answer = await exchange.anonymous.get("/v1/markets/snow")
        assert answer.json()["status"] == "OPEN"
        await desktop.press("f8", "h")
        await desktop.until(lambda: "HALTED" in desktop.text(), "halted")
        table.put(snow.id)
        await opened(desktop, "v")
        await field(desktop, "confirm", "rain")
        await desktop.press("enter")
        await desktop.until(lambda: "type snow to go on" in desktop.text(), "asked again")
        await field(desktop, "confirm", "snow")
        await desktop.press("enter")
        await desktop.until(lambda: "snow resolved YES" in desktop.trader.said[0], "resolved")
        answer = await exchange.anonymous.get("/v1/markets/snow")
        assert (answer.json()["status"], answer.json()["outcome"]) == ("RESOLVED", "YES")


async def test_a_resolution_is_proposed_and_confirmed(exchange: Exchange, tmp_path: Path) -> None:
    """A resolution with a later time takes one more question.

    It is shown and withdrawn; an event's is confirmed.
    """
    await exchange.market("rain", closesAt="2099-01-01T00:00:00Z")
    markets = [{"slug": slug, "question": "?"} for slug in ("ann", "bob")]
    body = {"slug": "vote", "title": "Who wins?", "markets": markets}
    assert (await exchange.admin.client.post("/v1/events", json=body)).status_code == 201
    async with trading(exchange, exchange.admin, tmp_path) as desktop:
        state = desktop.trader.state
        await desktop.press("f5")
        await desktop.until(lambda: isinstance(desktop.app.screen, AdminScreen))
        table = desktop.app.screen.query_one("#all-markets", Table)
        rain, ann = state.markets.named("rain"), state.markets.named("ann")
        assert rain is not None
        assert ann is not None
        table.put(rain.id)
        await desktop.press("f")
        await desktop.until(lambda: "no resolution of it is proposed" in desktop.trader.said[0])
        await opened(desktop, "v")
        await field(desktop, "confirm", "rain")
        await desktop.press("enter")
        await desktop.until(lambda: "closes only in" in desktop.text(), "asked again")
        await desktop.press("escape")
        await desktop.until(lambda: isinstance(desktop.app.screen, AdminScreen))
        await opened(desktop, "v")
        await field(desktop, "after", "24h")
        await field(desktop, "note", "It rained.")
        await field(desktop, "confirm", "rain")
        await desktop.press("enter")
        await desktop.until(lambda: "YES?" in desktop.text(), "proposed")
        assert desktop.trader.echo == (
            "predmarket market resolve rain YES --after 24h --note 'It rained.'"
        )
        await opened(desktop, "w")
        assert "YES proposed by user 1: It rained." in desktop.text()
        await desktop.pilot.click("#send")
        await desktop.until(lambda: state.markets.named("rain").proposal is None, "withdrawn")  # type: ignore[union-attr]
        proposal = {"outcome": "ann", "after": "1h"}
        await exchange.admin.client.post("/v1/events/vote/resolve", json=proposal)
        await desktop.until(lambda: state.events.named("vote").proposal, "told")  # type: ignore[union-attr]
        table.put(ann.id)
        await opened(desktop, "f")
        await field(desktop, "confirm", "vote")
        await desktop.press("enter")
        await desktop.until(lambda: state.events.named("vote").outcome == "ann", "made")  # type: ignore[union-attr]
        assert desktop.trader.echo == "predmarket event proposal confirm vote"


async def test_money_and_accounts(exchange: Exchange, tmp_path: Path) -> None:
    """A transfer arrives, a role change takes a question, and invalid input is refused."""
    await exchange.market("rain")
    bob = await exchange.register("bob@example.com")
    async with trading(exchange, exchange.admin, tmp_path) as desktop:
        await desktop.press("f5", "t")
        await desktop.until(lambda: bob.email in desktop.text(), "listed")
        users = desktop.app.screen.query_one("#all-users", Table)
        users.put(bob.id)
        await opened(desktop, "d")
        await field(desktop, "amount", "a lot")
        await field(desktop, "reason", "welcome")
        await desktop.press("enter")
        await desktop.until(lambda: "VALIDATION_FAILED" in desktop.trader.said[0], "refused")
        await opened(desktop, "d")
        await field(desktop, "amount", "12.50")
        await field(desktop, "reason", "welcome")
        await desktop.press("enter")
        await desktop.until(lambda: desktop.trader.said[0].startswith("done: transfer 12.50"))
        await desktop.sees("12.50")
        assert (await bob.client.get("/v1/user/balance")).json()["total"] == "12.500000"
        await opened(desktop, "g")
        await desktop.pilot.click("#send")
        await desktop.until(lambda: desktop.trader.said[0] == f"done: update {bob.email}")
        assert (await bob.client.get("/v1/auth/me")).json()["role"] == "ADMIN"


async def test_others_have_no_admin_screen(exchange: Exchange, tmp_path: Path) -> None:
    """A trader gets a message in place of the admin screen."""
    await exchange.market("rain")
    ann = await exchange.trader("ann")
    async with trading(exchange, ann, tmp_path) as desktop:
        await desktop.press("f5")
        await desktop.until(lambda: "only admins have that screen" in desktop.text())
        assert not isinstance(desktop.app.screen, AdminScreen)


async def test_a_long_name_hides_no_status(exchange: Exchange, tmp_path: Path) -> None:
    """A long name is cut, so that the market's status stays visible."""
    await exchange.market("will-the-" + "very-" * 10 + "end")
    async with trading(exchange, exchange.admin, tmp_path, size=(80, 24)) as desktop:
        await desktop.press("f5")
        await desktop.until(lambda: isinstance(desktop.app.screen, AdminScreen))
        await desktop.sees("STATUS")
        await desktop.until(
            lambda: "will-the-very-very-very-ver…  OPEN" in desktop.text(), "the status"
        )
