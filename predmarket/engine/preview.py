"""Preview of an order: the engine places it on a copy of the state that it depends on.

A copy holds one market with the opposite levels, and one user's cash and shares, in an event those
of all its markets. ``place`` reads nothing else, so the preview equals the real outcome. A copy
shares nothing with the real state.

Invariant: money is not conserved on a copy, since the other traders have no accounts there. Never
call ``Exchange.apply`` on one: it checks that.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from predmarket.engine import sweeps
from predmarket.engine.book import Order
from predmarket.engine.commands import PlaceOrder
from predmarket.engine.ledger import Account
from predmarket.engine.market import Market
from predmarket.engine.order_group import OrderGroup, OrderGroupRecord
from predmarket.engine.orders import place, too_many_open_orders
from predmarket.engine.position import Holding, Position
from predmarket.engine.replies import OrderDone, Refused, Reply
from predmarket.engine.state import State
from predmarket.engine.steps import SweepSteps
from predmarket.enums import ErrorCode, OrderGroupStatus, Side
from predmarket.units import Micros, Money, Price, Qty

_OTHERS = 0
"""The user that owns the orders of all others: no account has this id."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of an order on a copy; ``worst_price`` is None without a fill.

    ``locked`` is the cash that the order itself holds at rest. Cash that self-trade prevention
    frees, by cancelling other orders of the user, is not taken off it. ``covered`` is the close
    part: it gives shares that the user holds, so it locks no cash.
    """

    filled: Qty
    rest: Qty
    notional: Money
    worst_price: Price | None
    fees: Money
    locked: Money
    covered: Qty


class Shares(NamedTuple):
    """A user's shares in one market of an event, with the fields of a position."""

    market_id: int
    yes: Qty
    no: Qty
    reserved_yes: Qty
    reserved_no: Qty


class Copy:
    """A state for one order. ``market`` is None if the order names no market that exists."""

    def __init__(self, now: Micros, user_id: int, market: Market | None) -> None:
        """Begin with an empty state; the user has no account yet."""
        self._state = State()
        self._state.now = self._state.happens_at = now
        self._user_id = user_id
        self._market = market
        self._open_orders = 0
        if market is not None:
            self._state.markets[market.id] = market

    def fund(self, available: Money, yes: Qty, no: Qty, open_orders: int) -> None:
        """Open the user's account with available cash and free shares.

        ``open_orders`` is the number of the user's orders that count towards the bound.
        """
        ledger = self._state.ledger
        for user_id in (self._user_id, _OTHERS):
            ledger.accounts[user_id] = Account(user_id)
        ledger.accounts[self._user_id].available = available
        self._open_orders = open_orders
        if self._market is not None and (yes or no):
            position = ledger.position(self._user_id, self._market)
            position.yes, position.no = yes, no

    def add_group(self, record: OrderGroupRecord, filled: Qty) -> None:
        """Let the user have an order group, of whose limit so much is filled."""
        group = OrderGroup(record.id, record.user_id, record.limit, record.created_at)
        group.status, group.filled = record.status, filled
        self._state.order_groups.add(group)

    def hold(self, base: Qty, positions: Iterable[Shares]) -> None:
        """Give the user shares of the market's event, in the markets that are not struck.

        ``event.outcomes`` must count the outcomes that can still happen. For reduceOnly the user's
        orders on the order's own side must rest, too, at any price.
        """
        assert self._market is not None  # it has an event
        event, user_id = self._market.event, self._user_id
        assert event is not None
        holding = event.holdings[user_id] = Holding(user_id, event.id)
        holding.base = base
        for shares in positions:
            position = Position(user_id, shares.market_id)
            position.yes, position.no = shares.yes, shares.no
            position.reserved_yes, position.reserved_no = shares.reserved_yes, shares.reserved_no
            holding.join(position)
            if shares.market_id == self._market.id:
                self._market.positions[user_id] = position

    def rest(self, side: Side, price: Price, qty: Qty, *, own: bool) -> None:
        """Add a resting order of ``qty`` behind the others; ``own``: it belongs to the user.

        The orders of others at one price are one order here. The result is the same, fees included,
        since the sum of an order's fees is rounded.
        """
        assert self._market is not None  # nothing rests nowhere
        state = self._state
        user_id = self._user_id if own else _OTHERS
        order = Order(-1 - len(state.orders), user_id, self._market.id, side, price, qty)
        state.rest(order, self._market)
        state.keep(order)

    def place(self, command: PlaceOrder) -> Trial | Refused:
        """Place the order, all steps included. Use a copy only once."""
        state = self._state
        at_most = command.max_open_orders
        free = self._free_opposite(command.side is Side.BUY)
        reply: Reply = place(state, self._counted(command))
        if isinstance(reply, Refused):
            if reply.code is ErrorCode.TOO_MANY_OPEN_ORDERS and at_most is not None:
                return too_many_open_orders(at_most)
            return Refused(reply.code, reply.message, reply.details)  # no record, so no order id
        assert isinstance(reply, OrderDone)  # it was placed
        order, fills = reply.order, reply.fills
        while reply.unfinished is not None:
            steps = state.unfinished.pop(reply.unfinished)
            assert isinstance(steps, SweepSteps)  # nothing else is begun here
            reply = sweeps.proceed(state, steps)
            order, fills = reply.order, reply.fills or fills
        resting = state.orders.get(order.id)
        group = None if resting is None else resting.group
        if group is not None and group.status is OrderGroupStatus.TRIPPED:
            resting = None  # its end is left to a step that is not taken here
        return Trial(
            order.filled,
            resting.remaining if resting is not None else 0,
            order.notional,
            fills[-1].price if fills else None,
            order.fees_paid,
            resting.lock if resting is not None else 0,
            min(free, order.qty),
        )

    def _free_opposite(self, is_buy: bool) -> Qty:
        """Return the user's unreserved shares that the order can give."""
        if self._market is None:
            return 0
        return self._state.ledger.free_opposite(self._user_id, self._market, is_buy)

    def _counted(self, command: PlaceOrder) -> PlaceOrder:
        """Return the command with a bound on open orders that fits the copy.

        The copy does not hold all of the user's open orders. A bound of 0 or none gives the answer
        of the real account.
        """
        at_most = command.max_open_orders
        if at_most is not None:
            at_most = 0 if self._open_orders >= at_most else None
        return msgspec.structs.replace(command, max_open_orders=at_most)
