"""The form that changes an open order's price or quantity."""

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label, Static

from predmarket.tui.screens import field_parsing
from predmarket.tui.screens.base import DeskDialog
from predmarket.tui.screens.field_parsing import Wrong
from predmarket.tui.state import formatting
from predmarket.tui.widgets.untrusted_text import foreign
from predmarket.units import Price, Qty


class AmendDialog(DeskDialog[None]):
    """The dialog for an amend; it closes when the order is changed or left unchanged."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="amend.close", tooltip="Leave the order as it is."),
    ]

    def __init__(self, order: int) -> None:
        super().__init__()
        self._order = order

    def compose(self) -> ComposeResult:
        order = self.trader.state.orders.get(self._order)
        price = (
            ""
            if order is None
            else formatting.price(order.price, self.trader.state.tick(order.market))
        )
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"Amend order {self._order}"
            what = "" if order is None else f"{order.side} in {order.slug}"
            yield Static(foreign(what), id="what")
            yield Horizontal(
                Label("Price"), Input(price, id="price", compact=True), classes="field"
            )
            qty = "" if order is None else formatting.qty(order.qty)
            yield Horizontal(
                Label("Total quantity"), Input(qty, id="qty", compact=True), classes="field"
            )
            yield Static(
                "A smaller quantity keeps its place in the queue;\nanything else goes to the back.",
                id="preview",
            )
            with Horizontal(classes="buttons"):
                yield Button("Amend", id="send", variant="primary", compact=True)
                yield Button("Close", id="close", compact=True)

    @on(Input.Submitted)
    @on(Button.Pressed, "#send")
    def action_send(self) -> None:
        """Send the changed fields."""
        order = self.trader.state.orders.get(self._order)
        if order is None:
            self.tell("the order is not open any more", "$error")
            return
        try:
            price = field_parsing.price(
                self.query_one("#price", Input).value, self.trader.state.tick(order.market)
            )
            qty = field_parsing.qty(self.query_one("#qty", Input).value)
        except Wrong as error:
            self.tell(str(error), "$error")
            return
        new_price = None if price == order.price else price
        new_qty = None if qty == order.qty else qty
        if new_price is None and new_qty is None:
            self.tell("nothing changed")
        else:
            self.send(partial(self._amend, order.id, new_price, new_qty))

    async def _amend(self, order: int, price: Price | None, qty: Qty | None) -> str:
        done = await self.trader.amend(order, price, qty)
        return self.trader.said[0] if done is None else ""

    @on(Button.Pressed, "#close")
    def action_close(self) -> None:
        """Give up."""
        self.close()
