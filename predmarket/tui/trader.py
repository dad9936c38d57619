"""The trader at the desk: carries actions out, and says what became of them.

Everything that the screens do to the exchange goes through here, and nothing here draws. It
promises: an action that enters or changes an order is refused unless the data is live and the desk
armed; an order carries a deadline, so that it does not take effect long after; cancels always go
out; a lost connection, a new user and the end of trading make the desk SAFE; no error of the
exchange or the network escapes, each becomes a line in the journal.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from predmarket.client import ApiError, ClientError, shapes
from predmarket.client.messages import MarketChanged, Message, State, StateChanged
from predmarket.contracts.amounts import format_time
from predmarket.terms import Side
from predmarket.tui import actions
from predmarket.tui.actions import Action, Ticket
from predmarket.tui.desk import read, spell
from predmarket.tui.desk.brakes import Brakes
from predmarket.tui.desk.desk import in_words
from predmarket.tui.desk.journal import Weight
from predmarket.tui.kill_switch import KillSwitch
from predmarket.tui.watcher import Client, Watcher, wall_clock
from predmarket.units import QTY_ONE, Micros, Price, Qty

T = TypeVar("T")


SIZES: tuple[Qty, ...] = tuple(size * QTY_ONE for size in (10, 25, 50, 100, 250))
"""The sizes that the keys 1 to 5 choose, unless keys.toml says others."""
DEADLINE: Micros = 10_000_000
"""How long an order may take to reach the book."""


class Trader(Watcher):
    """Carries out everything that the screens do to the exchange.

    ``echo`` is the command that does what was done last. The connections of ``urgent`` serve the
    kill switch alone.
    """

    def __init__(
        self,
        client: Client,
        *,
        urgent: Client | None = None,
        clock: Callable[[], Micros] = wall_clock,
    ) -> None:
        super().__init__(client, clock=clock)
        self.urgent = urgent or client
        self.kill_switch = KillSwitch(self._cancel_everything, lambda: self._under_way, self.say)
        self.brakes = Brakes()
        self._under_way: set[asyncio.Future[Any]] = set()
        self.flags = ""
        """The flags of a command that acts where the screen does: its profile and address."""
        self.armed = False
        self.unanswered = False
        """Whether the last action had no answer: it may have happened."""
        self.sizes = SIZES
        self.size = 0
        self.second = 1
        self._echo = ""

    @property
    def echo(self) -> str:
        """The command that does what was done last, on this exchange and as this user."""
        return self._echo

    @echo.setter
    def echo(self, command: str) -> None:
        name, _, words = command.partition(" ")
        self._echo = " ".join(filter(None, (name, self.flags, words)))

    def go_safe(self, why: str) -> None:
        """Go to SAFE, if armed, and say ``why``."""
        if self.armed:
            self.armed = False
            self.say(f"SAFE: {why}", Weight.WARNING)

    def take(self, message: Message) -> None:
        """Take one message of the feed."""
        super().take(message)
        match message:
            case StateChanged(state=State.LIVE):
                self.kill_switch.retry()
            case StateChanged(state=State.LOST | State.CLOSED):
                self.go_safe("the connection was lost")
            case MarketChanged(data=market) if (
                market["id"] == self.desk.selected and not self.trading
            ):
                self.go_safe(f"the market is {market['status'].lower()}")

    @property
    def trading(self) -> bool:
        """Tell whether the open market takes orders."""
        return self.desk.market is not None and self.desk.market.trading

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
        self.unanswered = False
        if action.guarded:
            why = self.refusal()
            if why is not None:
                self.say(f"not sent: {action.words}: {why}", Weight.WARNING)
                return None
            if self.keeps_back(action):
                return None
        try:
            sending = asyncio.ensure_future(self.client.send(action.call))
            if action.guarded:
                self.brakes.sent(self.clock())
                self._under_way.add(sending)
                sending.add_done_callback(self._under_way.discard)
            return await sending
        except ApiError as error:
            self.unanswered = error.status >= 500
            self.say(f"{action.words}: {error.message} ({error.code})", Weight.BAD)
        except ClientError as error:
            self.unanswered = True
            self.say(f"{action.words}: {error}", Weight.BAD)
        except asyncio.CancelledError:
            self.unanswered = True
            self.say(f"{action.words}: given up, there was no answer", Weight.BAD)
            raise
        return None

    async def place(self, ticket: Ticket, order_id: str | None = None) -> shapes.Order | None:
        """Place an order and say what became of it.

        ``order_id`` is its client order id: sent again under the same one, it is placed once.
        """
        if self._brakes_hold(ticket.words, ticket.market, ticket.side, ticket.qty, ticket.price):
            return None
        until = None if self.offset is None else self.clock() + self.offset + DEADLINE
        deadline = None if until is None else format_time(until)
        order = await self.perform(actions.place(ticket, order_id, deadline))
        if order is not None:
            tick = self.desk.tick(ticket.market)
            words = f"{in_words(order, tick)}: {_outcome(order, tick)}"
            self.say(f"order {order['id']} {words}", Weight.GOOD)
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
                words = in_words(done, self.desk.tick(done["marketId"]))
                self.say(f"order {order} {words} cancelled")

    async def move(self, orders: Iterable[int], price: Price) -> None:
        """Move orders to another price, one by one."""
        for order in orders:
            await self.amend(order, price, None)

    async def cancel_side(self, side: Side) -> None:
        """Cancel a side of the open market."""
        market = self.desk.market
        if market is None:
            return
        done = await self.perform(actions.cancel_side(market.id, market.slug, side))
        if done is not None:
            self.say(f"{spell.orders(len(done['canceled']))} of {side} cancelled")

    async def kill(self) -> int | None:
        """Cancel everything, everywhere; return how many orders the exchange says it ended."""
        self.armed = False
        self.echo = actions.cancel_everything().command
        return await self.kill_switch.press()

    async def _cancel_everything(self) -> int:
        """Cancel everything, on a connection of its own. Raises ClientError."""
        done = await self.urgent.send(actions.cancel_everything().call)
        return len(done["canceled"])

    async def amend(self, order: int, price: Price | None, qty: Qty | None) -> shapes.Order | None:
        """Change an order."""
        resting = self.desk.orders.get(order)
        if resting is not None:
            more = 0 if qty is None else qty - resting.qty
            at = resting.price if price is None else price
            words = f"amend order {order}"
            if self._brakes_hold(words, resting.market, resting.side, more, at):
                return None
        done = await self.perform(actions.amend(order, price, qty))
        if done is not None:
            words = in_words(done, self.desk.tick(done["marketId"]))
            self.say(f"order {order} is now {words}", Weight.GOOD)
        return done

    def _brakes_hold(
        self, words: str, market: int, side: Side, qty: Qty, price: Price | None
    ) -> bool:
        """Tell whether the trader's own limits hold an order back; if so, say why."""
        why = self.brakes.reason(self.desk, market, side, qty, price, self.clock())
        if why is not None:
            self.unanswered = False
            self.say(f"held by your limits: {words}: {why}", Weight.WARNING)
        return why is not None

    def choose_size(self, index: int, *, second: bool = False) -> None:
        """Choose the first or second size."""
        if 0 <= index < len(self.sizes):
            if second:
                self.second = index
            else:
                self.size = index


def _outcome(order: shapes.Order, tick: Price) -> str:
    filled = read.qty(order["qtyFilled"])
    status = order["status"].lower().replace("_", " ")
    if filled and order["avgFillPrice"] is not None:
        average = spell.average(read.money(order["avgFillPrice"]), tick)
        return f"{status}, {spell.qty(filled)} at {average}"
    return status
