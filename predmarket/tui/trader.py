"""The trader at the desk: carries actions out, and says what became of them.

Everything that the screens do to the exchange goes through here, and nothing here draws. It
promises: an action that enters or changes an order is refused unless the data is live and the desk
armed; the kill switch always goes out; no error of the exchange or the network escapes, each
becomes a line in the journal.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from predmarket.client import ApiError, ClientError, shapes
from predmarket.terms import Side
from predmarket.tui import actions
from predmarket.tui.actions import Action, Ticket
from predmarket.tui.desk import read, spell
from predmarket.tui.desk.desk import in_words
from predmarket.tui.desk.journal import Weight
from predmarket.tui.keymap import SIZES
from predmarket.tui.watcher import Client, Watcher, wall_clock
from predmarket.units import Micros, Price, Qty

T = TypeVar("T")


class Trader(Watcher):
    """``echo`` is the command that does what was done last."""

    def __init__(self, client: Client, *, clock: Callable[[], Micros] = wall_clock) -> None:
        super().__init__(client, clock=clock)
        self.armed = False
        self.sizes = SIZES
        self.size = 0
        self.second = 1
        self.echo = ""

    def refusal(self) -> str | None:
        """Return why an order may not be entered now."""
        self._hear()
        return self.desk.may_trade(self.clock())

    def keeps_back(self, action: Action[T]) -> bool:
        """Tell whether an action must wait for ARM; then say what it would have sent."""
        if self.armed:
            return False
        self.echo = action.command
        self.say(f"SAFE, would send: {action.words}", Weight.WARNING)
        return True

    async def perform(self, action: Action[T]) -> T | None:
        """Carry an action out; None when it was refused, which the journal says."""
        self.echo = action.command
        if action.guarded:
            why = self.refusal()
            if why is not None:
                self.say(f"not sent: {action.words}: {why}", Weight.WARNING)
                return None
            if self.keeps_back(action):
                return None
        try:
            return await self.client.send(action.call)
        except ApiError as error:
            self.say(f"{action.words}: {error.message} ({error.code})", Weight.BAD)
        except ClientError as error:
            self.say(f"{action.words}: {error}", Weight.BAD)
        return None

    async def place(self, ticket: Ticket) -> shapes.Order | None:
        """Place an order and say what became of it."""
        order = await self.perform(actions.place(ticket))
        if order is not None:
            self.say(f"order {order['id']} {in_words(order)}: {_outcome(order)}", Weight.GOOD)
        return order

    async def place_at(self, side: Side, price: Price, qty: Qty) -> shapes.Order | None:
        """Place a limit order in the open market."""
        market = self.desk.market
        if market is None:
            return None
        ticket = Ticket(market=market.id, slug=market.slug, side=side, qty=qty, price=price)
        return await self.place(ticket)

    async def cancel(self, orders: Iterable[int]) -> None:
        """Cancel orders one by one."""
        for order in orders:
            done = await self.perform(actions.cancel(order))
            if done is not None:
                self.say(f"order {order} {in_words(done)} cancelled")

    async def cancel_side(self, side: Side) -> None:
        """Cancel a side of the open market."""
        market = self.desk.market
        if market is None:
            return
        done = await self.perform(actions.cancel_side(market.id, market.slug, side))
        if done is not None:
            self.say(f"{_count(len(done['canceled']))} of {side} cancelled")

    async def kill(self) -> int | None:
        """Cancel everything, everywhere; return how many orders the exchange says it ended."""
        self.armed = False
        self.say("CANCEL ALL sent", Weight.WARNING)
        done = await self.perform(actions.cancel_everything())
        if done is None:
            return None
        count = len(done["canceled"])
        self.say(f"CANCEL ALL acknowledged: {_count(count)} cancelled", Weight.WARNING)
        return count

    async def amend(self, order: int, price: Price | None, qty: Qty | None) -> shapes.Order | None:
        """Change an order."""
        done = await self.perform(actions.amend(order, price, qty))
        if done is not None:
            self.say(f"order {order} is now {in_words(done)}", Weight.GOOD)
        return done

    def choose_size(self, index: int, *, second: bool = False) -> None:
        """Choose the first or second size."""
        if 0 <= index < len(self.sizes):
            if second:
                self.second = index
            else:
                self.size = index


def _outcome(order: shapes.Order) -> str:
    filled = read.qty(order["qtyFilled"])
    status = order["status"].lower().replace("_", " ")
    if filled and order["avgFillPrice"] is not None:
        average = spell.average(read.money(order["avgFillPrice"]))
        return f"{status}, {spell.qty(filled)} at {average}"
    return status


def _count(orders: int) -> str:
    return "1 order" if orders == 1 else f"{orders} orders"
