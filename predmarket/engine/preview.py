"""What an order would do: the engine's own decision, taken on a copy of what the order can see.

A copy holds one market with the orders that rest against the order, and one user's cash and shares.
That is all that ``place`` looks at, so the outcome is that of the real thing by construction, and
nothing that is thrown away here was ever shared.

Invariant: money is not conserved on a copy, since whoever else trades there has none; nothing that
checks it (``Exchange.apply``) may be called on one.
"""

from dataclasses import dataclass

from predmarket.engine.book import Order
from predmarket.engine.commands import PlaceOrder
from predmarket.engine.ledger import Account
from predmarket.engine.market import Market
from predmarket.engine.orders import place
from predmarket.engine.replies import Refused
from predmarket.engine.state import State
from predmarket.terms import Side
from predmarket.units import Micros, Money, Price, Qty

_OTHERS = 0
"""The user that everybody else's orders belong to: no account has this id."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of an order on a copy; ``worst_price`` None without a fill.

    ``locked`` is what the order itself holds at rest: what self-trade prevention frees by
    cancelling others of the user's is not set off against it.
    """

    filled: Qty
    rest: Qty
    notional: Money
    worst_price: Price | None
    fees: Money
    locked: Money


class Copy:
    """A state for one order. ``market`` is None when there is none by the order's market id."""

    def __init__(self, now: Micros, user_id: int, market: Market | None) -> None:
        """Begin an empty one, where the user has no account yet."""
        self._state = State()
        self._state.now = now
        self._user_id = user_id
        self._market = market
        self._last: Order | None = None
        if market is not None:
            self._state.markets[market.id] = market

    def fund(self, available: Money, yes: Qty, no: Qty) -> None:
        """Open the user's account: cash not locked, and shares not reserved."""
        ledger = self._state.ledger
        for user_id in (self._user_id, _OTHERS):
            ledger.accounts[user_id] = Account(user_id)
        ledger.accounts[self._user_id].available = available
        if self._market is not None and (yes or no):
            position = ledger.position(self._user_id, self._market)
            position.yes, position.no = yes, no

    def rest(self, side: Side, price: Price, qty: Qty, *, own: bool) -> None:
        """Let an order rest, behind those that were let before; ``own``: it is the user's.

        Neighbours of others become one order: what trades with both trades alike, fees included,
        since those are rounded as a sum.
        """
        assert self._market is not None  # nothing rests nowhere
        last = self._last
        if last is not None and not own and last.user_id == _OTHERS and last.price == price:
            assert last.level is not None  # it was put there
            last.qty += qty
            last.remaining += qty
            last.level.qty += qty
            return
        user_id = self._user_id if own else _OTHERS
        self._last = Order(0, user_id, self._market.id, side, price, qty)
        self._market.book.side(self._last.is_buy).add(self._last)

    def place(self, command: PlaceOrder) -> Trial | Refused:
        """Place the order, once: the copy is worthless afterwards."""
        state = self._state
        reply = place(state, command)
        if isinstance(reply, Refused):
            return Refused(reply.code, reply.message, reply.details)  # no record, so no order id
        order = reply.order
        resting = state.orders.get(order.id)
        return Trial(
            order.filled,
            resting.remaining if resting is not None else 0,
            order.notional,
            reply.fills[-1].price if reply.fills else None,
            order.fees_paid,
            resting.lock if resting is not None else 0,
        )
