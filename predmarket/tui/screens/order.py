"""The order form: all fields of an order, with a live preview.

The preview is requested again every second, and once more when the order is sent. The order is sent
only if that preview is no worse than the one that the trader saw: a limit order, too, must not
trade or lock more than was shown. In SAFE the form sends nothing. The order keeps one client order
id until the exchange has decided.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ClassVar
from uuid import uuid4

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

from predmarket.client import ApiError, ClientError, response_types
from predmarket.enums import OrderType, Side, TimeInForce
from predmarket.tui import actions
from predmarket.tui.actions import Ticket
from predmarket.tui.screens import field_parsing
from predmarket.tui.screens.base import DeskDialog, start
from predmarket.tui.screens.field_parsing import Wrong
from predmarket.tui.state import formatting, parse
from predmarket.tui.state.markets import Market
from predmarket.tui.widgets.radio import Choice
from predmarket.tui.widgets.untrusted_text import foreign
from predmarket.units import Price, Qty

_PAUSE_S = 0.15
AGAIN_S = 1.0
"""How often the preview is asked for again."""
_OFF, _ON = "no", "yes"
_NARROWEST, _WIDEST = 40, 62
"""How few and how many columns the form has."""


class OrderDialog(DeskDialog[None]):
    """The dialog for an order; it closes when the order is placed or given up."""

    # Not by focus() when mounted: that comes after the first of the keys that were typed ahead.
    AUTO_FOCUS = "#qty"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="order.close", tooltip="Close; nothing is sent."),
        Binding("ctrl+s", "send", "Send", id="order.send", tooltip="Send the order."),
    ]

    def __init__(
        self,
        market: Market,
        *,
        side: Side = Side.BUY,
        price: Price | None = None,
        qty: Qty | None = None,
        at_market: bool = False,
        reduce: bool = False,
        ladder_ends: Callable[[], int] = int,
    ) -> None:
        """``ladder_ends`` returns the first column behind the ladder, which stays in sight."""
        super().__init__()
        self._ladder_ends = ladder_ends
        self._qty = qty
        self._reduce = reduce
        self._market = market
        self._side = side
        self._price = price
        self._at_market = at_market
        self._order_id = uuid4().hex
        self._shown: tuple[Ticket, response_types.Preview] | None = None
        """The preview that the trader sees, and its ticket."""
        self._proposed = ""
        """The price that the form has filled in by itself."""
        self._notice = ("", "")
        """The message about the form as it stands, and its tone."""

    def compose(self) -> ComposeResult:
        trader, market = self.trader, self._market
        side = Choice([Side.BUY, Side.SELL], self._side, id="side")
        side.tones = {Side.BUY: "buytag", Side.SELL: "selltag"}
        self._proposed = self._propose(self._side)
        kind = OrderType.MARKET if self._at_market else OrderType.LIMIT
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = foreign(f"Order in {market.slug}")
            yield _row("Side", side)
            yield _row("Type", Choice([OrderType.LIMIT, OrderType.MARKET], kind, id="type"))
            yield _row(
                "Quantity",
                Input(
                    formatting.qty(self._qty or trader.sizes[trader.size]), id="qty", compact=True
                ),
            )
            yield _row("Price", Input(self._proposed, id="price", compact=True))
            yield _row("Slippage", Input(placeholder="0.10", id="slippage", compact=True))
            yield _row("In force", Choice([*TimeInForce], id="tif"))
            yield _row("Expires", Input(placeholder="30m, 2h, 1d", id="expires", compact=True))
            yield _row("Post only", Choice([_OFF, _ON], id="post-only"))
            yield _row(
                "Reduce only", Choice([_OFF, _ON], _ON if self._reduce else _OFF, id="reduce-only")
            )
            yield Static(id="preview")
            with Horizontal(classes="buttons"):
                yield Button("Send", id="send", variant="primary", compact=True)
                yield Button("Close", id="close", compact=True)

    def on_mount(self) -> None:
        self._stand_beside_ladder()
        self._fit_form()
        self._look()
        self.set_interval(AGAIN_S, self._look)

    def on_resize(self) -> None:
        self.call_after_refresh(self._stand_beside_ladder)

    def _stand_beside_ladder(self) -> None:
        """Use the room to the right of the ladder, and over its last columns what that lacks."""
        room = self.app.size.width - self._ladder_ends()
        width = max(_NARROWEST, min(_WIDEST, room))
        self.query_one(".dialog").styles.width = width
        self.set_class(width < _WIDEST, "-slim")

    @on(Choice.Changed, "#side")
    def _side_changed(self) -> None:
        """Propose a price for the new side, unless the trader has typed one."""
        price = self.query_one("#price", Input)
        if price.value == self._proposed:
            self._price = None
            price.value = self._proposed = self._propose(Side(self._value("side")))

    def _propose(self, side: Side) -> str:
        """Return the price where an order of ``side`` joins the queue."""
        book = self.trader.state.book_of(self._market.id)
        best = book.best_bid if side is Side.BUY else book.best_ask
        price = self._price or best or self._quoted(side) or self._market.last
        return "" if price is None else formatting.price(price, self._market.tick)

    def _quoted(self, side: Side) -> Price | None:
        return self._market.bid if side is Side.BUY else self._market.ask

    @on(Input.Changed)
    @on(Choice.Changed)
    def _changed(self) -> None:
        self._notice = ("", "")
        self._fit_form()
        self._look()

    @on(Input.Submitted)
    @on(Button.Pressed, "#send")
    def action_send(self) -> None:
        """Send, if what would happen has been shown where it must be."""
        try:
            ticket = self._ticket()
        except Wrong as error:
            self.tell(str(error), "$error")
            return
        if not self.trader.armed:
            self.trader.echo = ticket.command
            key = self.trading.key_of("app.arm")
            self.tell(f"SAFE: press {key} to arm, then send", "$warning")
        else:
            self.send(partial(self._place, ticket))

    async def _place(self, ticket: Ticket) -> str:
        held = await self._why_not(ticket)
        if held:
            return held
        done = await self.trader.place(ticket, self._order_id)
        if done is not None:
            return ""
        if not self.trader.unanswered:
            self._order_id = uuid4().hex  # decided: another try is another order
        return self.trader.said[0]

    async def _why_not(self, ticket: Ticket) -> str:
        """Say why the order must be asked for again, "" if it does what the trader has seen.

        A limit order that was sent before its preview came is not held: its price bounds it.
        """
        at_market = ticket.type is OrderType.MARKET
        shown = self._shown if self._shown is not None and self._shown[0] == ticket else None
        if shown is None and not at_market:
            return ""
        found = await self._ask(ticket)
        if found is None:
            why = self._notice[0]
            return f"NOT SENT, {why}" if why else "there was no preview, so it was not sent"
        self._show(ticket, found)
        if shown is None:
            return "see what it would do, then send again"
        moved = _worse(found, shown[1], ticket.side)
        moved = moved or ("" if at_market else _beyond(found, shown[1]))
        return f"NOT SENT, {moved}: send again for what it would do now" if moved else ""

    @on(Button.Pressed, "#close")
    def action_close(self) -> None:
        """Give up."""
        self.close()

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
            qty=field_parsing.qty(self._text("qty")),
            price=None
            if at_market
            else field_parsing.price(self._text("price"), self._market.tick),
            slippage=field_parsing.share(slippage, "slippage") if at_market and slippage else None,
            tif=None if tif is default else tif,
            expires_at=field_parsing.moment(self._text("expires"), "expiry") if gtd else None,
            post_only=not self.query_one("#post-only").disabled and self._value("post-only") == _ON,
            reduce_only=self._value("reduce-only") == _ON,
        )

    def _look(self) -> None:
        start(self, self._look_soon, exclusive=True, group="preview")

    async def _look_soon(self) -> None:
        await asyncio.sleep(_PAUSE_S)
        if self._sending:
            return
        try:
            ticket = self._ticket()
        except Wrong as error:
            self._shown = None
            self.tell(str(error), "$text-faint")
            return
        found = await self._ask(ticket)
        if found is not None and not self._sending:
            self._show(ticket, found)

    async def _ask(self, ticket: Ticket) -> response_types.Preview | None:
        """Ask what ``ticket`` would do; None when there is no answer, which is said."""
        try:
            return await self.trader.client.send(actions.preview(ticket).call)
        except ClientError as error:
            self._shown = None
            self.tell(error.message if isinstance(error, ApiError) else str(error), "$error")
            return None

    def _show(self, ticket: Ticket, found: response_types.Preview) -> None:
        self._shown = (ticket, found)
        self._tell_both()

    def tell(self, text: str, tone: str = "") -> None:
        """Show a message about the form as it stands, above the preview."""
        self._notice = (text, tone)
        self._tell_both()

    def _tell_both(self) -> None:
        if self._over:
            return
        parts = [foreign(*self._notice)] if self._notice[0] else []
        parts += [in_words(*self._shown, self._market.tick)] if self._shown else []
        self.query_one("#preview", Static).update(Content("\n").join(parts))


def _worse(now: response_types.Preview, before: response_types.Preview, side: Side) -> str:
    """Say in which way an order would do worse now: fill less, or at worse prices."""
    moved = "the book moved"
    if parse.qty(now["fillQty"]) < parse.qty(before["fillQty"]):
        return moved
    for name in ("avgPrice", "worstPrice"):
        price, was = now[name], before[name]
        if price is None or was is None:
            continue
        dearer = parse.money(price) - parse.money(was)
        if (dearer if side is Side.BUY else -dearer) > 0:
            return moved
    return ""


def _beyond(now: response_types.Preview, before: response_types.Preview) -> str:
    """Say what a limit order would do now besides what was shown: trade at once, or lock more."""
    if parse.qty(now["fillQty"]) and not parse.qty(before["fillQty"]):
        return "it would trade at once now"
    if parse.money(now["locked"]) > parse.money(before["locked"]):
        return "it would lock more now"
    return ""


def in_words(ticket: Ticket, found: response_types.Preview, tick: Price) -> Content:
    """Return what an order would do, in three lines; a fourth if it gives shares that are held."""
    fills, rests = parse.qty(found["fillQty"]), parse.qty(found["restQty"])
    lines = []
    if fills and found["avgPrice"] and found["worstPrice"]:
        average = formatting.average(parse.money(found["avgPrice"]), tick)
        worst = formatting.price(parse.price(found["worstPrice"]), tick)
        fees = formatting.money(parse.money(found["fees"]))
        lines.append(f"fills {formatting.qty(fills)} at {average}, worst {worst}, fees {fees}")
    else:
        lines.append("fills nothing now")
    if rests and found["queueAhead"] is not None:
        ahead = formatting.qty(parse.qty(found["queueAhead"]))
        locked = formatting.money(parse.money(found["locked"]))
        lines.append(f"rests {formatting.qty(rests)} behind {ahead}, locks {locked}")
    else:
        lines.append(f"cancels the remaining {formatting.qty(rests)}" if rests else "rests nothing")
    covered = parse.qty(found["coveredQty"])
    if covered:
        lines.append(f"gives {formatting.qty(covered)} that you hold, which locks nothing")
    return Content.assemble(foreign(ticket.words, "b"), *(f"\n{line}" for line in lines))


def _row(name: str, field: Choice | Input) -> Horizontal:
    return Horizontal(Label(name), field, classes="field")
