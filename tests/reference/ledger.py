"""The ledger: who has what, and what follows from it.

Invariants: `live` holds exactly the orders that are open. Locked cash and reserved shares are
never stored: they are summed over `live` on each question, so they cannot drift.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from .records import CLOSES, Event, Market, Order, Position
from .units import ONE_DOLLAR_PRICE, exact_fee, show_qty

HALF_DOLLAR_PRICE = ONE_DOLLAR_PRICE // 2


def cost_of_open(side: str, price: int, qty: int) -> int:
    """Return what opening qty shares at price costs: a SELL buys NO at 1 − price."""
    return qty * (price if side == "BUY" else ONE_DOLLAR_PRICE - price)


def proceeds_of_close(side: str, price: int, qty: int) -> int:
    """Return what giving qty shares at price brings: a BUY gives NO, worth 1 − price."""
    return qty * (ONE_DOLLAR_PRICE - price if side == "BUY" else price)


def lock_for(market: Market, side: str, limit: int, open_qty: int, fee_so_far: Fraction) -> int:
    """Return the cash an order locks, fee lock included (MARKET_RULES, Collateral)."""
    # The fee curve p(1 − p) tops at one half, so the dearest price is the one nearest to it.
    dearest = min(limit, HALF_DOLLAR_PRICE) if side == "BUY" else max(limit, HALF_DOLLAR_PRICE)
    fee_at_most = fee_so_far + exact_fee(market.larger_rate, open_qty, dearest)
    return cost_of_open(side, limit, open_qty) + ceil(fee_at_most) - ceil(fee_so_far)


def crosses(side: str, limit: int, other_limit: int) -> bool:
    """Tell whether an order of this side and limit may trade at the other side's limit."""
    return limit >= other_limit if side == "BUY" else limit <= other_limit


class Ledger:
    """All facts of the exchange, the questions about them, and the smallest changes to them."""

    def __init__(self) -> None:
        self.cash: dict[int, int] = {}
        """All of a user's money, locked or not."""
        self.net_deposits = 0
        self.markets: dict[int, Market] = {}
        self.positions: dict[tuple[int, int], Position] = {}
        self.orders: dict[int, Order] = {}
        self.live: list[Order] = []
        self.deadman: dict[int, int] = {}
        """When each user's dead-man switch goes off, in µs."""
        self.arrivals = 0
        self.trades = 0

    # --- questions -------------------------------------------------------------------------

    def position(self, user: int, market: int) -> Position:
        """Return the user's position in the market, an empty one if there was none."""
        return self.positions.setdefault((user, market), Position())

    def lock(self, order: Order) -> int:
        """Return the cash this open order locks, in money units."""
        market = self.markets[order.market]
        return lock_for(market, order.side, order.limit, order.open_left, order.exact_fee)

    def locked(self, user: int) -> int:
        """Return the cash all open orders of the user lock."""
        return sum(self.lock(order) for order in self.live if order.user == user)

    def available(self, user: int) -> int:
        """Return the cash the user may spend; negative only after a VOID."""
        return self.cash[user] - self.locked(user)

    def reserved(self, user: int, market: int, share: str) -> int:
        """Return how many of the user's shares open orders reserve."""
        return sum(
            order.close_left
            for order in self.live
            if order.user == user and order.market == market and CLOSES[order.side] == share
        )

    def free(self, user: int, market: int, share: str) -> int:
        """Return how many of the user's shares no open order reserves."""
        held = self.position(user, market).holding(share).count
        return held - self.reserved(user, market, share)

    def resting(self, market: int, side: str) -> list[Order]:
        """Return the open orders of one side in price-time priority, first to trade first."""
        best_first = -1 if side == "BUY" else 1
        return sorted(
            (order for order in self.live if order.market == market and order.side == side),
            key=lambda order: (best_first * order.limit, order.arrival),
        )

    def of_user(self, user: int) -> list[Order]:
        """Return a user's open orders by market, SELL before BUY, by arrival."""
        mine = [order for order in self.live if order.user == user]
        return sorted(mine, key=lambda o: (o.market, o.side == "BUY", o.arrival))

    # --- the smallest changes --------------------------------------------------------------

    def next_arrival(self) -> int:
        """Return a place behind everybody who came before."""
        self.arrivals += 1
        return self.arrivals

    def pay(self, user: int, market: int, amount: int) -> None:
        """Give the user money (or take it, if negative) that this market brought."""
        self.cash[user] += amount
        self.position(user, market).received += amount

    def merge(self, user: int, market: int) -> list[Event]:
        """Turn each pair of a free YES and a free NO share back into 1.00."""
        pairs = min(self.free(user, market, "YES"), self.free(user, market, "NO"))
        if pairs == 0:
            return []
        position = self.position(user, market)
        proceeds = pairs * ONE_DOLLAR_PRICE
        position.realized += proceeds - position.yes.remove(pairs) - position.no.remove(pairs)
        self.pay(user, market, proceeds)
        return [("MERGED", user, market, show_qty(pairs))]

    def end(self, order: Order, reason: str) -> list[Event]:
        """End an open order, release all it held, and merge what that freed."""
        order.status = "EXPIRED" if reason == "EXPIRED" else "CANCELED"
        order.reason = reason
        self.live.remove(order)
        canceled: Event = ("ORDER_CANCELED", order.id, reason)
        return [canceled, *self.merge(order.user, order.market)]

    def end_all(self, orders: list[Order], reason: str) -> list[Event]:
        """End several open orders, each before the next."""
        events: list[Event] = []
        for order in orders:
            events += self.end(order, reason)
        return events
