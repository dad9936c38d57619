"""Bursts of input: many keys in one read, repeated keys, sending twice."""

import asyncio
from pathlib import Path

from textual import events
from textual.widgets import Input

from predmarket.tui.screens.amend import AmendDialog
from predmarket.tui.screens.order import OrderDialog
from predmarket.tui.screens.trading import TradingScreen
from tests.support.http_exchange import Exchange, User
from tests.tui.screens import Desktop, ann, open_orders, put_cursor, rest, trading

__all__ = ["ann"]


def burst(desktop: Desktop, *keys: str) -> None:
    """Deliver keys in one read, as a terminal may."""
    for key in keys:
        desktop.app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_letters_of_a_search_are_no_orders(
    exchange: Exchange, ann: User, tmp_path: Path
) -> None:
    """`/b` in one read starts a search for b, even in ARM with the ladder focused."""
    async with trading(exchange, ann, tmp_path) as desktop:
        await put_cursor(desktop, 5000)
        await desktop.press("f8")
        burst(desktop, "slash", "b", "s")
        search = desktop.app.screen.query_one("#search", Input)
        await desktop.until(lambda: search.value == "bs", "searched")
        assert await open_orders(ann) == []


async def test_keys_of_a_field_act_in_their_order(
    exchange: Exchange, ann: User, tmp_path: Path
) -> None:
    """Two backspaces and two digits in one read turn 10 into 32."""
    order = await rest(ann, "BUY", "0.40", "10")
    async with trading(exchange, ann, tmp_path) as desktop:
        await desktop.until(lambda: desktop.trader.state.orders.get(order), "known")
        await desktop.app.push_screen(AmendDialog(order))
        field = desktop.app.screen.query_one("#qty", Input)
        desktop.app.screen.set_focus(field)
        burst(desktop, "end", "backspace", "backspace", "3", "2")
        await desktop.until(lambda: field.value == "32", "typed")


async def test_a_form_that_a_key_opens_owns_the_keys_behind_it(
    exchange: Exchange, ann: User, tmp_path: Path
) -> None:
    """After `o` in one read, the following digits go to the form, and choose no size."""
    async with trading(exchange, ann, tmp_path) as desktop:
        await put_cursor(desktop, 5000)
        await desktop.press("f8")
        burst(desktop, "o", "end", "backspace", "backspace", "3", "enter", "enter")
        await desktop.until(lambda: desktop.trader.state.orders.get(1), "placed")
        await desktop.until(lambda: isinstance(desktop.app.screen, TradingScreen), "closed")
        assert await open_orders(ann) == [("BUY", "0.5000", "3.00")]
        assert desktop.trader.size == 0


async def test_every_digit_typed_ahead_of_a_form_stands_in_it(
    exchange: Exchange, ann: User, tmp_path: Path
) -> None:
    """`o` and 45 in one read give the quantity 45: its field has the focus in time."""
    async with trading(exchange, ann, tmp_path) as desktop:
        await put_cursor(desktop, 5000)
        await desktop.press("f8")
        burst(desktop, "o", "4", "5", "enter")
        await desktop.until(lambda: desktop.trader.state.orders.get(1), "placed")
        assert await open_orders(ann) == [("BUY", "0.5000", "45.00")]


async def test_an_order_is_sent_once_however_often_enter_comes(
    exchange: Exchange, ann: User, tmp_path: Path
) -> None:
    """While its order is pending the form sends nothing else; the reply closes it once."""
    async with trading(exchange, ann, tmp_path) as desktop:
        await desktop.press("f8", "o")
        await desktop.until(lambda: isinstance(desktop.app.screen, OrderDialog), "form")
        form = desktop.app.screen
        assert isinstance(form, OrderDialog)
        form.query_one("#price", Input).value = "0.30"
        send = form.query_one("#send")
        for _ in range(3):
            form.action_send()
        assert send.disabled
        await desktop.until(lambda: isinstance(desktop.app.screen, TradingScreen), "closed")
        await asyncio.sleep(0.1)
        assert len(await open_orders(ann)) == 1
        assert isinstance(desktop.app.screen, TradingScreen)


async def test_a_paste_without_brackets_sends_one_order(
    exchange: Exchange, ann: User, tmp_path: Path
) -> None:
    """Forty order keys in one read send one order; the others are held."""
    async with trading(exchange, ann, tmp_path) as desktop:
        await put_cursor(desktop, 5000)
        await desktop.press("f8")
        burst(desktop, *["b"] * 40)
        await desktop.until(lambda: desktop.trader.state.orders.get(1), "placed")
        await desktop.until(lambda: not desktop.app.waiting_keys.busy, "all read")
        assert len(await open_orders(ann)) == 1
        assert any("the key repeats" in note.text for note in desktop.trader.state.journal.notes)
