"""What an order would do: the engine's own decision, taken on a copy of what the order can see.

A copy holds one market with the levels that rest against the order, and one user's cash and shares,
in an event those of all its markets.
That is all that ``place`` looks at, so the outcome is that of the real thing by construction, and
nothing that is thrown away here was ever shared.

Invariant: money is not conserved on a copy, since whoever else trades there has none; nothing that
checks it (``Exchange.apply``) may be called on one.
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
from predmarket.engine.orders import place, too_many_open_orders
from predmarket.engine.position import Holding, Position
from predmarket.engine.replies import OrderDone, Refused, Reply
from predmarket.engine.state import State
from predmarket.engine.steps import SweepSteps
from predmarket.enums import ErrorCode, Side
from predmarket.units import Micros, Money, Price, Qty

_OTHERS = 0
"""The user that everybody else's orders belong to: no account has this id."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of an order on a copy; ``worst_price`` None without a fill.

    ``locked`` is what the order itself holds at rest: what self-trade prevention frees by
    cancelling others of the user's is not set off against it. ``covered`` is the close part: how
    much of the order gives shares that the user holds, and so locks no cash.
    """

    filled: Qty
    rest: Qty
    notional: Money
    worst_price: Price | None
    fees: Money
    locked: Money
    covered: Qty


class Shares(NamedTuple):
    """A user's shares in one market of an event, as a position has them."""

    market_id: int
    yes: Qty
    no: Qty
    reserved_yes: Qty
    reserved_no: Qty


class Copy:
    """A state for one order. ``market`` is None when there is none by the order's market id."""

    def __init__(self, now: Micros, user_id: int, market: Market | None) -> None:
        """Begin an empty one, where the user has no account yet."""
        self._state = State()
        self._state.now = now
        self._user_id = user_id
        self._market = market
        self._open_orders = 0
        if market is not None:
            self._state.markets[market.id] = market

    def fund(self, available: Money, yes: Qty, no: Qty, open_orders: int) -> None:
        """Open the user's account with cash that is not locked and shares that are not reserved.

        ``open_orders`` is how many of the user's orders count towards the bound.
        """
        ledger = self._state.ledger
        for user_id in (self._user_id, _OTHERS):
            ledger.accounts[user_id] = Account(user_id)
        ledger.accounts[self._user_id].available = available
        self._open_orders = open_orders
        if self._market is not None and (yes or no):
            position = ledger.position(self._user_id, self._market)
            position.yes, position.no = yes, no

    def hold(self, base: Qty, positions: Iterable[Shares]) -> None:
        """Let the user hold shares of the market's event, in the markets that are not struck.

        ``event.outcomes`` must count the outcomes that may still happen. For reduceOnly the user's
        orders on the order's own side must rest, too, at whatever price.
        """
        assert self._market is not None  # it has an event
        event, ledger, user_id = self._market.event, self._state.ledger, self._user_id
        assert event is not None
        holding = event.holdings[user_id] = Holding(user_id, event.id)
        holding.base = base
        for shares in positions:
            position = ledger.positions[user_id, shares.market_id] = Position(
                user_id, shares.market_id
            )
            position.yes, position.no = shares.yes, shares.no
            position.reserved_yes, position.reserved_no = shares.reserved_yes, shares.reserved_no
            holding.join(position)
            if shares.market_id == self._market.id:
                self._market.positions[user_id] = position

    def rest(self, side: Side, price: Price, qty: Qty, *, own: bool) -> None:
        """Let ``qty`` rest behind what rests already; ``own``: it is the user's.

        All that others have at a price is one order here. The outcome is the same, fees included,
        since those are rounded as a sum.
        """
        assert self._market is not None  # nothing rests nowhere
        state = self._state
        user_id = self._user_id if own else _OTHERS
        order = Order(-1 - len(state.orders), user_id, self._market.id, side, price, qty)
        state.rest(order, self._market)
        state.keep(order)

    def place(self, command: PlaceOrder) -> Trial | Refused:
        """Place the order with all of its steps, once: the copy is worthless afterwards."""
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
        """Return the unreserved shares of the user that the order gives."""
        if self._market is None:
            return 0
        return self._state.ledger.free_opposite(self._user_id, self._market, is_buy)

    def _counted(self, command: PlaceOrder) -> PlaceOrder:
        """Return the command with a bound on open orders that fits the copy.

        The copy does not hold all of the user's open orders: the bound is 0 or none, so that the
        answer is that of the real account.
        """
        at_most = command.max_open_orders
        if at_most is not None:
            at_most = 0 if self._open_orders >= at_most else None
        return msgspec.structs.replace(command, max_open_orders=at_most)
