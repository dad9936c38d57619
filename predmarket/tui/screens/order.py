"""The form for an order: everything the exchange takes, with what it would do shown as one types.

A market order is sent only once its preview has been shown for exactly what stands in the form. In
SAFE nothing is sent from here either.
"""

import asyncio
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

from predmarket.client import ClientError, shapes
from predmarket.terms import OrderType, Side, TimeInForce
from predmarket.tui import actions
from predmarket.tui.actions import Ticket
from predmarket.tui.desk import read, spell
from predmarket.tui.desk.markets import Market
from predmarket.tui.screens import entry
from predmarket.tui.screens.base import DeskDialog, start
from predmarket.tui.screens.entry import Wrong
from predmarket.tui.widgets.choice import Choice
from predmarket.tui.widgets.foreign import foreign

_PAUSE_S = 0.15
_OFF, _ON = "no", "yes"


class OrderDialog(DeskDialog[None]):
    """Dismissed once the order is placed, or given up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="order.close", tooltip="Close; nothing is sent."),
        Binding("ctrl+s", "send", "Send", id="order.send", tooltip="Send the order."),
    ]

    def __init__(self, market: Market, *, side: Side = Side.BUY, at_market: bool = False) -> None:
        super().__init__()
        self._market = market
        self._side = side
        self._at_market = at_market
        self._previewed: Ticket | None = None

    def compose(self) -> ComposeResult:
        trader, market = self.trader, self._market
        book = trader.desk.book
        start = (book.best_bid if self._side is Side.BUY else book.best_ask) or market.last
        side = Choice([Side.BUY, Side.SELL], self._side, id="side")
        side.tones = {Side.BUY: "buytag", Side.SELL: "selltag"}
        kind = OrderType.MARKET if self._at_market else OrderType.LIMIT
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = foreign(f"Order in {market.slug}")
            yield _row("Side", side)
            yield _row("Type", Choice([OrderType.LIMIT, OrderType.MARKET], kind, id="type"))
            yield _row(
                "Quantity", Input(spell.qty(trader.sizes[trader.size]), id="qty", compact=True)
            )
            price = "" if start is None else spell.price(start, market.tick)
            yield _row("Price", Input(price, id="price", compact=True))
            yield _row("Slippage", Input(placeholder="0.10", id="slippage", compact=True))
            yield _row("In force", Choice([*TimeInForce], id="tif"))
            yield _row("Expires", Input(placeholder="30m, 2h, 1d", id="expires", compact=True))
            yield _row("Post only", Choice([_OFF, _ON], id="post-only"))
            yield _row("Reduce only", Choice([_OFF, _ON], id="reduce-only"))
            yield Static(id="preview")
            with Horizontal(classes="buttons"):
                yield Button("Send", id="send", variant="primary", compact=True)
                yield Button("Close", id="close", compact=True)

    def on_mount(self) -> None:
        self._fit_form()
        self.query_one("#qty", Input).focus()
        self._look()

    @on(Input.Changed)
    @on(Choice.Changed)
    def _changed(self) -> None:
        self._fit_form()
        self._look()

    @on(Input.Submitted)
    @on(Button.Pressed, "#send")
    async def action_send(self) -> None:
        """Send, if what would happen has been shown where it must be."""
        try:
            ticket = self._ticket()
        except Wrong as error:
            self._show(foreign(str(error), "$error"))
            return
        if ticket.type is OrderType.MARKET and ticket != self._previewed:
            await self._preview(ticket)
            return
        if not self.trader.armed:
            self.trader.echo = ticket.command
            key = self.trading.key_of("app.arm")
            safe = foreign(f"SAFE: press {key} to arm, then send\n", "$warning")
            self._show(Content.assemble(safe, foreign(ticket.words)))
            return
        if await self.trader.place(ticket) is not None:
            self.dismiss()
        else:
            self._show(foreign(str(self.trader.said[0]), "$error"))

    @on(Button.Pressed, "#close")
    def action_close(self) -> None:
        """Give up."""
        self.dismiss()

    def _fit_form(self) -> None:
        """Show the fields that go with the type and time in force chosen."""
        kind, tif = self._value("type"), self.query_one("#tif", Choice)
        at_market = kind == OrderType.MARKET
        tif.words = [TimeInForce.IOC, TimeInForce.FOK] if at_market else [*TimeInForce]
        if tif.value not in tif.words:
            tif.value = tif.words[0]
        for name, shown in (
            ("price", not at_market),
            ("slippage", at_market),
            ("expires", tif.value == TimeInForce.GTD),
            ("post-only", not at_market and tif.value in {TimeInForce.GTC, TimeInForce.GTD}),
        ):
            row = self.query_one(f"#{name}").parent
            assert row is not None
            row.set_class(not shown, "-off")
            self.query_one(f"#{name}").disabled = not shown

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Choice).value

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value

    def _ticket(self) -> Ticket:
        kind, tif = OrderType(self._value("type")), TimeInForce(self._value("tif"))
        at_market = kind is OrderType.MARKET
        default = TimeInForce.IOC if at_market else TimeInForce.GTC
        slippage = self._text("slippage")
        gtd = tif is TimeInForce.GTD
        return Ticket(
            market=self._market.id,
            slug=self._market.slug,
            side=Side(self._value("side")),
            type=kind,
            qty=entry.qty(self._text("qty")),
            price=None if at_market else entry.price(self._text("price"), self._market.tick),
            slippage=entry.share(slippage, "slippage") if at_market and slippage else None,
            tif=None if tif is default else tif,
            expires_at=entry.moment(self._text("expires"), "expiry") if gtd else None,
            post_only=not self.query_one("#post-only").disabled and self._value("post-only") == _ON,
            reduce_only=self._value("reduce-only") == _ON,
        )

    def _look(self) -> None:
        start(self, self._look_soon, exclusive=True, group="preview")

    async def _look_soon(self) -> None:
        await asyncio.sleep(_PAUSE_S)
        try:
            ticket = self._ticket()
        except Wrong as error:
            self._previewed = None
            self._show(foreign(str(error), "$text-faint"))
            return
        await self._preview(ticket)

    async def _preview(self, ticket: Ticket) -> None:
        """Show what ``ticket`` would do."""
        try:
            found = await self.trader.client.send(actions.preview(ticket).call)
        except ClientError as error:
            self._previewed = None
            self._show(foreign(str(error), "$error"))
            return
        self._previewed = ticket
        self._show(in_words(ticket, found))

    def _show(self, text: str | Content) -> None:
        self.query_one("#preview", Static).update(text)


def in_words(ticket: Ticket, found: shapes.Preview) -> Content:
    """Return what an order would do, in three lines."""
    fills, rests = read.qty(found["fillQty"]), read.qty(found["restQty"])
    lines = []
    if fills and found["avgPrice"] and found["worstPrice"]:
        average = spell.average(read.money(found["avgPrice"]))
        worst = spell.price(read.price(found["worstPrice"]))
        fees = spell.money(read.money(found["fees"]))
        lines.append(f"fills {spell.qty(fills)} at {average}, worst {worst}, fees {fees}")
    else:
        lines.append("fills nothing now")
    if rests and found["queueAhead"] is not None:
        ahead = spell.qty(read.qty(found["queueAhead"]))
        locked = spell.money(read.money(found["locked"]))
        lines.append(f"rests {spell.qty(rests)} behind {ahead}, locks {locked}")
    else:
        lines.append(f"cancels the remaining {spell.qty(rests)}" if rests else "rests nothing")
    return Content.assemble(foreign(ticket.words, "b"), *(f"\n{line}" for line in lines))


def _row(name: str, field: Choice | Input) -> Horizontal:
    return Horizontal(Label(name), field, classes="field")
