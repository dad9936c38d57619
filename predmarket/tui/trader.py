"""The trader: executes actions, and reports their results.

Every request of the screens goes through here, and nothing here draws. It promises: an action that
enters or changes an order is refused unless the data is live and the screen is armed; orders leave
in the order of the requests; an order has a deadline, so that it does not take effect much later;
cancels are always sent, at once; a lost connection, a new user and the end of trading switch to
SAFE; no error of the exchange or the network escapes, each becomes a line in the journal.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from predmarket.client import ApiError, ClientError, response_types
from predmarket.client.messages import EventChanged, MarketChanged, Message, State, StateChanged
from predmarket.contracts.amounts import format_time
from predmarket.enums import MarketStatus, Side
from predmarket.tui import actions
from predmarket.tui.actions import Action, Done, Ticket
from predmarket.tui.exchange import Client
from predmarket.tui.kill_switch import EventCancels, KillSwitch
from predmarket.tui.lane import Lane, LaneFullError
from predmarket.tui.session import Session, wall_clock
from predmarket.tui.state import formatting, parse
from predmarket.tui.state.brakes import Brakes
from predmarket.tui.state.journal import Weight
from predmarket.tui.state.markets import Market
from predmarket.tui.state.records import in_words
from predmarket.units import QTY_ONE, Micros, Price, Qty

T = TypeVar("T")


SIZES: tuple[Qty, ...] = tuple(size * QTY_ONE for size in (10, 25, 50, 100, 250))
"""The sizes that the keys 1 to 5 choose, unless keys.toml says others."""
DEADLINE: Micros = 10_000_000
"""How long an order may take to reach the book."""


class Trader(Session):
    """Executes all actions of the screens.

    ``echo`` is the command equivalent to the last action. Only the kill switch uses the connections
    of ``urgent``.
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
        self._event_cancels = EventCancels(self._cancel_event)
        self.event_kill_switch = KillSwitch(
            self._event_cancels.cancel, lambda: self._under_way, self.say, "CANCEL EVENT"
        )
        self.brakes = Brakes()
        self._under_way: set[asyncio.Future[Any]] = set()
        self._lane = Lane()
        self.flags = ""
        """The flags of a command that acts where the screen does: its profile and address."""
        self._armed = False
        self.unanswered = False
        """Whether the last action had no answer: it may have happened."""
        self.sizes = SIZES
        self.size = 0
        self.second = 1
        self._echo = ""

    @property
    def echo(self) -> str:
        """The command equivalent to the last action, for this exchange and user."""
        return self._echo

    @echo.setter
    def echo(self, command: str) -> None:
        name, _, words = command.partition(" ")
        self._echo = " ".join(filter(None, (name, self.flags, words)))

    @property
    def armed(self) -> bool:
        """Tell whether orders are sent. Switching it off drops waiting orders."""
        return self._armed

    @armed.setter
    def armed(self, armed: bool) -> None:
        self._armed = armed
        if not armed:
            self._lane.drop()

    def go_safe(self, why: str) -> None:
        """Switch to SAFE, if armed, and report ``why``."""
        if self.armed:
            self.armed = False
            self.say(f"SAFE: {why}", Weight.WARNING)

    def take(self, message: Message) -> None:
        """Take one message of the feed."""
        super().take(message)
        match message:
            case StateChanged(state=State.LIVE):
                self.kill_switch.retry()
                self.event_kill_switch.retry()
            case StateChanged(state=State.LOST | State.CLOSED):
                self.go_safe("the connection was lost")
            case MarketChanged(data=market) if (
                market["id"] == self.state.selected and not self.trading
            ):
                self.go_safe(f"the market is {market['status'].lower()}")
            case EventChanged(data=event) if (
                event["id"] == self.state.watched.event and event["status"] != MarketStatus.OPEN
            ):
                self.go_safe(f"the event is {event['status'].lower()}")

    @property
    def trading(self) -> bool:
        """Tell whether the open market takes orders."""
        return self.state.market is not None and self.state.market.trading

    @property
    def unconfirmed(self) -> str:
        """Return the name of the kill switch that the exchange has not confirmed yet; or none."""
        switches = (self.kill_switch, self.event_kill_switch)
        return next((each.name for each in switches if each.unconfirmed), "")

    def refusal(self, market: int | None = None) -> str | None:
        """Return why an order may not be entered now in a market, the open one by default."""
        self._hear()
        return self.state.may_trade(self.clock(), market)

    def keeps_back(self, action: Action[T]) -> bool:
        """Tell whether an action needs ARM; then report what it would have sent."""
        if self.armed:
            return False
        self.echo = action.command
        self.say(f"SAFE, would send: {action.words}", Weight.WARNING)
        return True

    async def perform(self, action: Action[T], *, in_turn: bool = False) -> T | None:
        """Execute an action and return its answer; None if it was refused, as ``attempt`` does."""
        done = await self.attempt(action, in_turn=in_turn)
        return None if done is None else done.answer

    async def attempt(self, action: Action[T], *, in_turn: bool = False) -> Done[T] | None:
        """Execute an action; None if it was refused, which the journal reports.

        Orders, and with ``in_turn`` all actions, wait for earlier ones.
        """
        self.echo = action.command
        self.unanswered = False
        if action.guarded and not self._may_enter(action):
            return None
        asked_at = self.clock()
        if action.guarded:
            self.brakes.sent(asked_at)
        try:
            async with self._lane.turn(at_once=not (action.guarded or in_turn)) as mine:
                if action.guarded and not self._still(action, asked_at, mine=mine):
                    return None
                return Done(await self._send(action))
        except LaneFullError:
            self.say(f"not sent: {action.words}: too many orders wait", Weight.WARNING)
        except ApiError as error:
            self.unanswered = error.status >= 500
            self.say(f"{action.words}: {error.message} ({error.code})", Weight.BAD)
        except ClientError as error:
            self.unanswered = True
            self.say(f"{action.words}: {error}", Weight.BAD)
        return None

    def _may_enter(self, action: Action[T]) -> bool:
        """Tell whether an order may be entered now; if not, report why."""
        why = self.refusal(action.market)
        if why is not None:
            self.say(f"not sent: {action.words}: {why}", Weight.WARNING)
        return why is None and not self.keeps_back(action)

    def _still(self, action: Action[T], asked_at: Micros, *, mine: bool) -> bool:
        """Tell whether an order may still be sent after its wait; if not, report why."""
        why = self.refusal(action.market) if mine else "the screen went SAFE while it waited"
        if why is None and self.clock() - asked_at > DEADLINE:
            why = f"it waited for more than {formatting.span(DEADLINE)}"
        if why is not None:
            self.say(f"not sent: {action.words}: {why}", Weight.WARNING)
        return why is None

    async def _send(self, action: Action[T]) -> T:
        """Send an action. Raises ClientError."""
        sending = asyncio.ensure_future(self.client.send(action.call))
        if action.guarded:
            self._under_way.add(sending)
            sending.add_done_callback(self._under_way.discard)
        try:
            return await sending
        except asyncio.CancelledError:
            self.unanswered = True
            self.say(f"{action.words}: given up, there was no answer", Weight.BAD)
            raise

    async def place(
        self, ticket: Ticket, order_id: str | None = None
    ) -> response_types.Order | None:
        """Place an order and report the result.

        ``order_id`` is its client order id: sent again with the same id, the order is placed once.
        """
        if self._brakes_hold(ticket.words, ticket.market, ticket.side, ticket.qty, ticket.price):
            return None
        until = None if self.offset is None else self.clock() + self.offset + DEADLINE
        deadline = None if until is None else format_time(until)
        with self.brakes.pending(ticket.market, ticket.side, ticket.qty) as pending:
            order = await self.perform(actions.place(ticket, order_id, deadline))
            pending.answered(None if order is None else order["id"], self.clock())
        if order is not None:
            tick = self.state.tick(ticket.market)
            words = f"{in_words(order, tick)}: {_outcome(order, tick)}"
            self.say(f"order {order['id']} {words}", Weight.GOOD)
        return order

    async def place_at(
        self, side: Side, price: Price, qty: Qty, market: int | None = None
    ) -> response_types.Order | None:
        """Place a limit order in a market, the open one by default."""
        found = self._market(market)
        if found is None:
            return None
        name = "" if market is None or market == self.state.selected else found.label
        ticket = Ticket(
            market=found.id, slug=found.slug, side=side, qty=qty, price=price, name=name
        )
        return await self.place(ticket)

    def _market(self, market: int | None) -> Market | None:
        return self.state.market if market is None else self.state.markets.get(market)

    async def cancel(self, orders: Iterable[int]) -> None:
        """Cancel orders one by one."""
        for order in orders:
            done = await self.perform(actions.cancel(order))
            if done is not None:
                words = in_words(done, self.state.tick(done["marketId"]))
                self.say(f"order {order} {words} cancelled")

    async def move(self, orders: Iterable[int], price: Price) -> None:
        """Move orders to another price, one by one."""
        for order in orders:
            await self.amend(order, price, None)

    async def cancel_side(self, side: Side, market: int | None = None) -> None:
        """Cancel a side of a market, the open one by default."""
        found = self._market(market)
        if found is None:
            return
        action = actions.cancel_side(found.id, found.slug, side)

        async def cancel(*, in_turn: bool) -> list[int] | None:
            done = await self.perform(action, in_turn=in_turn)
            return None if done is None else done["canceled"]

        # earlier orders may come to rest after the first cancel
        turns = (False, True) if self._lane.busy else (False,)
        done = await asyncio.gather(*(cancel(in_turn=turn) for turn in turns))
        ended = [ids for ids in done if ids is not None]
        if ended:
            self.say(f"{formatting.orders(sum(map(len, ended)))} of {side} cancelled")

    async def kill(self) -> int | None:
        """Cancel everything; return the number of orders that the exchange ended."""
        self.armed = False
        self.echo = actions.cancel_everything().command
        return await self.kill_switch.press()

    async def kill_event(self, event: int) -> int | None:
        """Cancel everything in an event; return the number of orders that the exchange ended."""
        self.armed = False
        known = self.state.events.get(event)
        self.echo = actions.cancel_event(event, known.slug if known else str(event)).command
        self._event_cancels.aim(event, more=self.event_kill_switch.unconfirmed)
        return await self.event_kill_switch.press()

    async def _cancel_event(self, event: int) -> int:
        """Cancel an event's orders, on a separate connection. Raises ClientError."""
        done = await self.urgent.send(actions.cancel_event(event, str(event)).call)
        return len(done["canceled"])

    async def _cancel_everything(self) -> int:
        """Cancel everything, on a separate connection. Raises ClientError."""
        done = await self.urgent.send(actions.cancel_everything().call)
        return len(done["canceled"])

    async def amend(
        self, order: int, price: Price | None, qty: Qty | None
    ) -> response_types.Order | None:
        """Change an order."""
        resting, more = self.state.orders.get(order), 0
        if resting is not None:
            more = 0 if qty is None else qty - resting.qty
            at = resting.price if price is None else price
            words = f"amend order {order}"
            if self._brakes_hold(words, resting.market, resting.side, more, at):
                return None
        market, side = (None, Side.BUY) if resting is None else (resting.market, resting.side)
        with self.brakes.pending(market, side, more):
            done = await self.perform(actions.amend(order, price, qty, market))
        if done is not None:
            words = in_words(done, self.state.tick(done["marketId"]))
            self.say(f"order {order} is now {words}", Weight.GOOD)
        return done

    def _brakes_hold(
        self, words: str, market: int, side: Side, qty: Qty, price: Price | None
    ) -> bool:
        """Tell whether the trader's own limits hold an order back; if so, report why."""
        why = self.brakes.reason(self.state, market, side, qty, price, self.clock())
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


def _outcome(order: response_types.Order, tick: Price) -> str:
    filled = parse.qty(order["qtyFilled"])
    status = order["status"].lower().replace("_", " ")
    if filled and order["avgFillPrice"] is not None:
        average = formatting.average(parse.money(order["avgFillPrice"]), tick)
        return f"{status}, {formatting.qty(filled)} at {average}"
    return status
