"""Order entry: what every screen with a ladder does with its clicks and keys.

The guards are not here: the widgets hold clicks, and the trader refuses in SAFE and on old data.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from textual import on

from predmarket.enums import Side
from predmarket.tui.screens import limits
from predmarket.tui.screens.amend import AmendDialog
from predmarket.tui.screens.base import DeskScreen, start
from predmarket.tui.screens.order import OrderDialog
from predmarket.tui.state.journal import Weight
from predmarket.tui.state.markets import Market
from predmarket.tui.widgets.footer import Foot
from predmarket.tui.widgets.ladder import Ladder
from predmarket.tui.widgets.table import Table
from predmarket.tui.widgets.tables import OrdersTable
from predmarket.units import Price


class Aim(NamedTuple):
    """What the next order is for: a market, and a price if one was chosen."""

    market: Market | None
    price: Price | None = None


class OrderEntry(DeskScreen[None]):
    """A screen on which orders are entered."""

    def aim(self) -> Aim:
        """Return what the keyboard is at."""
        raise NotImplementedError

    # the ladder

    @on(Ladder.Place)
    async def _place(self, event: Ladder.Place) -> None:
        trader = self.trader
        qty = trader.sizes[trader.second if event.qty_index else trader.size]
        start(self, partial(trader.place_at, event.side, event.price, qty, event.market))

    @on(Ladder.CancelOrders)
    async def _cancel(self, event: Ladder.CancelOrders) -> None:
        start(self, partial(self.trader.cancel, event.ids))

    @on(Ladder.MoveOrders)
    async def _move(self, event: Ladder.MoveOrders) -> None:
        start(self, partial(self.trader.move, event.ids, event.price))

    @on(Ladder.CancelSide)
    async def _cancel_side(self, event: Ladder.CancelSide) -> None:
        start(self, partial(self.trader.cancel_side, event.side, event.market))

    @on(Ladder.SizeChosen)
    def _sized(self, event: Ladder.SizeChosen) -> None:
        self.trader.choose_size(event.index, second=event.second)

    @on(Ladder.Held)
    @on(Table.Held)
    def _held(self, event: Ladder.Held | Table.Held) -> None:
        self.trader.say(f"held: {event.reason}", Weight.WARNING)

    @on(Ladder.Note)
    def _noted(self, event: Ladder.Note) -> None:
        self.trader.say(event.text, Weight.WARNING)

    # the list of orders

    @on(Table.Chosen, "#orders")
    def _amend(self, event: Table.Chosen) -> None:
        self.app.push_screen(AmendDialog(int(str(event.key))))

    @on(OrdersTable.Cancel)
    def _cancel_one(self, event: OrdersTable.Cancel) -> None:
        start(self, partial(self.trader.cancel, [event.order]))

    @on(Foot.Pressed)
    async def _pressed(self, event: Foot.Pressed) -> None:
        await self.run_action(event.action)

    # keys

    def action_size(self, index: int) -> None:
        """Choose the first size."""
        self.trader.choose_size(index)

    def action_swap(self) -> None:
        """Swap the sizes."""
        trader = self.trader
        trader.size, trader.second = trader.second, trader.size

    def action_order(self) -> None:
        """Open the form."""
        self._form(at_market=False)

    def action_market_order(self) -> None:
        """Open the form for a market order."""
        self._form(at_market=True)

    def _form(self, *, at_market: bool) -> None:
        market, price = self.aim()
        if market is None:
            self.trader.say("no market is open", Weight.WARNING)
            return
        ask = self.trader.state.book_of(market.id).best_ask
        side = Side.SELL if price is not None and ask is not None and price >= ask else Side.BUY
        form = OrderDialog(
            market, side=side, price=price, at_market=at_market, ladder_ends=self.ladder_ends()
        )
        self.app.push_screen(form)

    def ladder_ends(self) -> Callable[[], int]:
        """Return a function that returns the first column that a form may cover."""
        ladder = self.query_one(Ladder)
        return lambda: ladder.region.right

    def action_flatten(self, times: int) -> None:
        """Open the form for a market order of ``times`` the position: 1 ends it, 2 reverses it."""
        market, _ = self.aim()
        held = None if market is None else self.trader.state.positions.get(market.id)
        net = held.yes - held.no if held is not None else 0
        if market is None or not net:
            self.trader.say("there is no position in this market", Weight.WARNING)
            return
        form = OrderDialog(
            market,
            side=Side.SELL if net > 0 else Side.BUY,
            qty=times * abs(net),
            at_market=True,
            reduce=times == 1,
            ladder_ends=self.ladder_ends(),
        )
        self.app.push_screen(form)

    def action_limits(self) -> None:
        """Show and change the trader's own limits."""
        start(self, partial(limits.change, self), exclusive=True, group="limits")
