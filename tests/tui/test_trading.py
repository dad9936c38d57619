"""Trading by keys and mouse, on a whole exchange."""

from pathlib import Path

import pytest

from predmarket.enums import Side
from predmarket.tui.screens import order as order_form
from predmarket.tui.screens.amend import AmendDialog
from predmarket.tui.screens.login import LoginScreen
from predmarket.tui.screens.order import OrderDialog
from predmarket.tui.screens.portfolio import PortfolioScreen
from predmarket.tui.screens.trading import TradingScreen
from predmarket.tui.state.journal import Weight
from tests.support.http_exchange import PASSWORD, Exchange, User
from tests.tui.screens import ann, live, open_orders, put_cursor, rest, trading

__all__ = ["ann"]


async def test_login(exchange: Exchange, ann: User, tmp_path: Path) -> None:
    """A wrong password gives a message; the right one leads to the ladder.

    After logging out, an account opened there trades at once, and so does one whose code is
    claimed.
    """
    made = await exchange.admin.client.post("/v1/users", json={"email": "pupil"})
    async with trading(exchange, None, tmp_path) as desktop:
        await desktop.until(lambda: isinstance(desktop.app.screen, LoginScreen))
        await desktop.type(ann.email)
        await desktop.press("enter")
        await desktop.type("not it at all")
        await desktop.press("enter")
        await desktop.until(lambda: "wrong" in desktop.text().lower(), "refused")
        await desktop.type(PASSWORD)
        await desktop.press("enter")
        await desktop.until(lambda: live(desktop), "live")
        await desktop.sees(ann.email)
        await desktop.app.action_log_out()
        await desktop.until(lambda: isinstance(desktop.app.screen, LoginScreen), "out")
        await desktop.type("new@example.com")
        await desktop.press("tab")
        await desktop.type(PASSWORD)
        await desktop.press("ctrl+r")
        await desktop.until(lambda: live(desktop), "live")
        await desktop.sees("new@example.com")
        await desktop.app.action_log_out()
        await desktop.until(lambda: isinstance(desktop.app.screen, LoginScreen), "out")
        await desktop.press("tab")
        await desktop.type(PASSWORD)
        await desktop.press("tab")
        await desktop.type(made.json()["code"])
        await desktop.press("enter")
        await desktop.until(lambda: live(desktop), "live")
        await desktop.sees("pupil")


async def test_safe_sends_nothing(exchange: Exchange, ann: User, tmp_path: Path) -> None:
    """In SAFE a key and a click only show their orders."""
    async with trading(exchange, ann, tmp_path) as desktop:
        await put_cursor(desktop, 5000)
        await desktop.press("b")
        await desktop.until(lambda: "SAFE, would send: BUY 10 at 0.50" in desktop.text())
        await desktop.click(Side.SELL, 5200)
        await desktop.until(lambda: "SAFE, would send: SELL 10 at 0.52" in desktop.text())
        assert await open_orders(ann) == []


async def test_keys_place_and_cancel(exchange: Exchange, ann: User, tmp_path: Path) -> None:
    """Armed, b buys at the cursor with the chosen size; x cancels there; the command is shown."""
    async with trading(exchange, ann, tmp_path) as desktop:
        await desktop.press("f8", "3")
        await put_cursor(desktop, 4900)
        await desktop.press("b")
        await desktop.until(lambda: len(desktop.trader.state.orders) == 1, "resting")
        assert await open_orders(ann) == [("BUY", "0.4900", "50.00")]
        assert desktop.trader.echo == "predmarket order place rain buy 50 --price 0.49"
        assert desktop.trader.echo in desktop.text()
        await desktop.until(
            lambda: not desktop.ladder.reason(Side.BUY, 4900, own=True, pointer=False)
        )
        await desktop.press("x")
        await desktop.until(lambda: len(desktop.trader.state.orders) == 0, "cancelled")
        assert await open_orders(ann) == []


async def test_the_mouse_places_and_cancels(exchange: Exchange, ann: User, tmp_path: Path) -> None:
    """A left click places the first size, a right one the second; an own order is cancelled."""
    async with trading(exchange, ann, tmp_path) as desktop:
        await desktop.press("f8")
        await desktop.click(Side.BUY, 4800)
        await desktop.until(lambda: len(desktop.trader.state.orders) == 1, "first")
        await desktop.click(Side.SELL, 5300, button=3)
        await desktop.until(lambda: len(desktop.trader.state.orders) == 2, "second")
        assert sorted(await open_orders(ann)) == [
            ("BUY", "0.4800", "10.00"),
            ("SELL", "0.5300", "25.00"),
        ]
        await desktop.until(lambda: len(desktop.ladder.data.own) == 2, "drawn")
        await desktop.click(Side.BUY, 4800, own=True)
        await desktop.until(lambda: len(desktop.trader.state.orders) == 1, "cancelled")
        assert await open_orders(ann) == [("SELL", "0.5300", "25.00")]


async def test_the_queue_ahead(exchange: Exchange, ann: User, tmp_path: Path) -> None:
    """A resting order shows the quantity before it."""
    bob = await exchange.trader("bob")
    await rest(bob, "BUY", "0.48", "7")
    async with trading(exchange, ann, tmp_path) as desktop:
        await rest(ann, "BUY", "0.48", "10")
        await desktop.until(lambda: [o.ahead for o in desktop.trader.state.orders] == [700])


async def test_a_fill_moves_position_and_cash(
    exchange: Exchange, ann: User, tmp_path: Path
) -> None:
    """A trade appears on the tape, in the fills, in the position and in cash."""
    bob = await exchange.trader("bob")
    await rest(ann, "BUY", "0.60", "10")
    async with trading(exchange, ann, tmp_path) as desktop:
        await rest(bob, "SELL", "0.60", "4")
        await desktop.until(lambda: desktop.trader.state.positions.get(1), "position")
        await desktop.until(lambda: desktop.trader.state.fills, "fill")
        await desktop.until(lambda: desktop.trader.state.candles.items, "candle")
        await desktop.until(lambda: "+1.60" in desktop.text(), "if YES")
        await desktop.until(lambda: "94.00" in desktop.text(), "available")
        assert "-2.40" in desktop.text()
        assert [each.qty for each in desktop.trader.state.tape] == [400]


async def test_amending_in_the_list(exchange: Exchange, ann: User, tmp_path: Path) -> None:
    """Enter on an open order changes its price and quantity."""
    await rest(ann, "BUY", "0.48", "10")
    async with trading(exchange, ann, tmp_path) as desktop:
        await desktop.press("f8", "t")
        desktop.app.screen.query_one("#orders").focus()
        await desktop.press("enter")
        await desktop.until(lambda: isinstance(desktop.app.screen, AmendDialog))
        await desktop.type("0.47")
        await desktop.press("tab")
        await desktop.type("6")
        await desktop.press("enter")
        await desktop.until(lambda: isinstance(desktop.app.screen, TradingScreen), "amended")
        assert await open_orders(ann) == [("BUY", "0.4700", "6.00")]


async def test_a_market_order_shows_its_preview_first(
    exchange: Exchange, ann: User, tmp_path: Path
) -> None:
    """The form sends an order only after showing its own preview."""
    bob = await exchange.trader("bob")
    await rest(bob, "SELL", "0.60", "10")
    async with trading(exchange, ann, tmp_path) as desktop:
        await desktop.press("f8", "m")
        await desktop.until(lambda: isinstance(desktop.app.screen, OrderDialog))
        await desktop.type("4")
        await desktop.press("enter")
        assert not desktop.trader.state.fills
        await desktop.until(lambda: "fills 4 at 0.600" in desktop.text(), "preview")
        form = desktop.app.screen
        assert isinstance(form, OrderDialog)
        await desktop.until(lambda: not form.query_one("#send").disabled, "answered")
        await desktop.press("enter")
        await desktop.until(lambda: desktop.trader.state.fills, "filled")
        assert desktop.trader.echo == "predmarket order place rain buy 4 --market"


async def test_a_limit_order_from_the_form(exchange: Exchange, ann: User, tmp_path: Path) -> None:
    """The form reports invalid input and SAFE; then it sends the order."""
    async with trading(exchange, ann, tmp_path) as desktop:
        await desktop.press("o")
        await desktop.until(lambda: isinstance(desktop.app.screen, OrderDialog))
        await desktop.type("5")
        await desktop.press("tab")
        await desktop.type("0.505")
        await desktop.press("enter")
        await desktop.until(lambda: "must be a multiple of 0.0100" in desktop.text())
        await desktop.type("0.51")
        await desktop.press("enter")
        await desktop.until(lambda: "SAFE: press F8 to arm" in desktop.text())
        assert await open_orders(ann) == []
        await desktop.press("f8", "enter")
        await desktop.until(lambda: isinstance(desktop.app.screen, TradingScreen), "sent")
        assert await open_orders(ann) == [("BUY", "0.5100", "5.00")]


async def test_a_limit_order_that_would_do_otherwise_is_asked_again(
    exchange: Exchange, ann: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that would trade now, unlike in its preview, is not sent.

    The form says why; sent again, the order goes as shown.
    """
    monkeypatch.setattr(order_form, "AGAIN_S", 3_600.0)
    bob = await exchange.trader("bob")
    async with trading(exchange, ann, tmp_path) as desktop:
        await desktop.press("f8", "o")
        await desktop.until(lambda: isinstance(desktop.app.screen, OrderDialog))
        form = desktop.app.screen
        assert isinstance(form, OrderDialog)
        await desktop.type("5")
        await desktop.press("tab")
        await desktop.type("0.51")
        await desktop.until(
            lambda: "BUY 5 @ 0.51" in desktop.text() and "rests 5" in desktop.text()
        )
        await rest(bob, "SELL", "0.51", "2")
        await desktop.press("enter")
        await desktop.until(lambda: "NOT SENT, it would trade at once" in desktop.text())
        assert "fills 2 at 0.510" in desktop.text()
        assert await open_orders(ann) == []
        await desktop.until(lambda: not form.query_one("#send").disabled, "answered")
        await desktop.press("enter")
        await desktop.until(lambda: isinstance(desktop.app.screen, TradingScreen), "sent")
        await desktop.until(lambda: desktop.trader.state.fills, "filled")


async def test_a_limit_order_that_would_lock_more_is_asked_again(
    exchange: Exchange, ann: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order whose shares another order has reserved since the preview is not sent."""
    monkeypatch.setattr(order_form, "AGAIN_S", 3_600.0)
    bob = await exchange.trader("bob")
    await rest(bob, "BUY", "0.40", "5")
    await rest(ann, "SELL", "0.40", "5")
    async with trading(exchange, ann, tmp_path) as desktop:
        await desktop.press("f8", "o")
        await desktop.until(lambda: isinstance(desktop.app.screen, OrderDialog))
        await desktop.type("5")
        await desktop.press("tab")
        await desktop.type("0.30")
        await desktop.until(
            lambda: "BUY 5 @ 0.30" in desktop.text() and "locks 0.00" in desktop.text()
        )
        await rest(ann, "BUY", "0.20", "5")
        await desktop.press("enter")
        await desktop.until(lambda: "NOT SENT, it would lock more now" in desktop.text())
        assert await open_orders(ann) == [("BUY", "0.2000", "5.00")]


async def test_the_kill_switch(exchange: Exchange, ann: User, tmp_path: Path) -> None:
    """F9 cancels all orders from any screen, also in SAFE, shows the count, and sets SAFE."""
    await exchange.market("snow")
    async with trading(exchange, ann, tmp_path) as desktop:
        for over in ("f4", "o"):
            for price in ("0.40", "0.41", "0.42"):
                await rest(ann, "BUY", price, "1")
            await desktop.press(over, "f9")
            await desktop.until(lambda: "acknowledged: 3 orders" in desktop.trader.said[0])
            await desktop.sees("3 orders cancelled")
            assert await open_orders(ann) == []
            assert not desktop.trader.armed
            desktop.trader.said = ("", Weight.PLAIN)
            await desktop.press("escape")


async def test_a_refusal_is_said(exchange: Exchange, ann: User, tmp_path: Path) -> None:
    """A refusal's reason and code are on the screen and in the messages."""
    async with trading(exchange, ann, tmp_path) as desktop:
        await desktop.press("f8", "5")
        await desktop.click(Side.BUY, 5000)
        await desktop.until(lambda: "INSUFFICIENT_FUNDS" in desktop.text())
        await desktop.until(lambda: "BUY 250 @ 0.50" in desktop.trader.state.journal.notes[0].text)


async def test_another_market(exchange: Exchange, ann: User, tmp_path: Path) -> None:
    """A search and Enter open a market; its book replaces the old one."""
    snow = await exchange.market("snow", question="Will it snow?")
    await rest(ann, "BUY", "0.48", "7")
    body = {"marketId": "snow", "side": "BUY", "type": "LIMIT", "price": "0.30", "qty": "3"}
    await ann.client.post("/v1/orders", json=body)
    async with trading(exchange, ann, tmp_path) as desktop:
        await desktop.press("slash", *"snow", "enter")
        await desktop.until(lambda: live(desktop) and desktop.trader.state.selected == snow["id"])
        await desktop.until(lambda: desktop.trader.state.book.bids == {3000: 300})
        await desktop.until(lambda: "Will it snow?" in desktop.text().splitlines()[0])


async def test_portfolio(exchange: Exchange, ann: User, tmp_path: Path) -> None:
    """F4 shows the portfolio with the statement, and cancels in SAFE, too; Esc leads back."""
    await rest(ann, "BUY", "0.40", "10")
    async with trading(exchange, ann, tmp_path) as desktop:
        await desktop.press("f4")
        await desktop.until(lambda: isinstance(desktop.app.screen, PortfolioScreen))
        await desktop.until(lambda: "Total 100.00" in desktop.text(), "worth")
        await desktop.press("t", "x")
        await desktop.until(lambda: not len(desktop.trader.state.orders), "cancelled")
        assert not desktop.trader.armed
        await desktop.press("t", "t")
        await desktop.until(lambda: "TRANSFER" in desktop.text(), "statement")
        await desktop.press("escape")
        await desktop.until(lambda: isinstance(desktop.app.screen, TradingScreen))
