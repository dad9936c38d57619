"""The ledger: who has what, and what follows from it.

Invariants: `live` holds exactly the orders that are open. Locked cash and reserved shares are
never stored: they are summed over `live` on each question, so they cannot drift. Shares are held
one count for each outcome of an event, and nothing stands for anything else.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from .records import CLOSES, Event, Group, Market, Notice, Order, Position, Proposal
from .units import ONE_DOLLAR_PRICE, exact_fee, show_qty

HALF_DOLLAR_PRICE = ONE_DOLLAR_PRICE // 2


def cost_of_open(side: str, price: int, qty: int) -> int:
    """Return what opening qty shares at price costs: a SELL buys NO at 1 − price."""
    return qty * (price if side == "BUY" else ONE_DOLLAR_PRICE - price)


def proceeds_of_close(side: str, price: int, qty: int) -> int:
    """Return what giving qty shares at price brings: a BUY gives NO, worth 1 − price."""
    return qty * (ONE_DOLLAR_PRICE - price if side == "BUY" else price)


def lock_for(market: Market, side: str, limit: int, open_qty: int, fee_so_far: Fraction) -> int:
    """Return the cash an order locks, fee lock included (docs/market_rules.md, Collateral)."""
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
        self.events: dict[int, Event] = {}
        """Events of several markets; those of markets that stand alone are only in the market."""
        self.positions: dict[tuple[int, int], Position] = {}
        self.orders: dict[int, Order] = {}
        self.groups: dict[int, Group] = {}
        """The order groups that were not deleted."""
        self.groups_made = 0
        self.proposals: dict[tuple[str, int], Proposal] = {}
        """What is proposed, by ("market", id) or ("event", id)."""
        self.now = 0
        """The latest time seen, in µs."""
        self.live: list[Order] = []
        self.deadman: dict[int, int] = {}
        """When each user's dead-man switch goes off, in µs."""
        self.arrivals = 0
        self.trades = 0

    # --- questions -------------------------------------------------------------------------

    def position(self, user: int, market: int) -> Position:
        """Return the user's position in the market, an empty one by default."""
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
        """Return how many YES or NO shares the user's open orders in this market reserve."""
        return sum(
            order.close_left
            for order in self.live
            if order.user == user and order.market == market and CLOSES[order.side] == share
        )

    def free_shares(self, user: int, event: Event) -> dict[int, int]:
        """Return how many of the user's shares of each outcome no open order reserves."""
        free = dict(event.shares_of(user))
        for order in self.live:
            if order.user == user and order.market in event.markets:
                for outcome in event.given_by_closing(order.side, order.market):
                    free[outcome] -= order.close_left
        return free

    def free(self, user: int, market: int, share: str) -> int:
        """Return how many YES or NO shares of the market the user may still give."""
        event = self.markets[market].event
        side = {"YES": "SELL", "NO": "BUY"}[share]
        free = self.free_shares(user, event)
        return min(free[outcome] for outcome in event.given_by_closing(side, market))

    def payoff(self, user: int, event: Event, outcome: int) -> int:
        """Return what the user is paid if this outcome happens."""
        return event.shares_of(user)[outcome] * ONE_DOLLAR_PRICE

    def shown_shares(self, user: int, event: Event, outcome: int) -> int:
        """Return how many shares of an outcome the user's positions would be if each stood alone.

        A long position is shares of its market, a short one shares of everything else.
        """
        shown = 0
        for market in event.outcomes:
            position = self.positions.get((user, market))
            if position is not None:
                shown += position.yes.count if market == outcome else position.no.count
        return shown

    def returned(self, user: int, event: Event) -> int:
        """Return what merging has paid out ahead: shares that positions show and nobody holds."""
        held = event.shares_of(user)
        gaps = {self.shown_shares(user, event, k) - held[k] for k in event.outcomes}
        assert len(gaps) == 1, "what an outcome pays depends on how it is stored"
        return gaps.pop()

    def sets(self, event: Event) -> int:
        """Return how many complete sets there are."""
        totals = {sum(held[k] for held in event.shares.values()) for k in event.outcomes}
        assert len(totals) <= 1, "there are more shares of one outcome than of another"
        return totals.pop()

    def reducible(self, order: Order) -> int:
        """Return how much of this order may be filled if it is to reduce only.

        Alone: the free opposite shares. In an event: what brings the net position to 0, less what
        the user's other orders of that side have left. What the order itself has is not counted.
        """
        market = self.markets[order.market]
        if market.stands_alone:
            held = self.free(order.user, market.id, CLOSES[order.side])
            return held + (order.close_left if order in self.live else 0)
        held = self.position(order.user, market.id).holding(CLOSES[order.side]).count
        others = sum(
            other.left
            for other in self.resting(market.id, order.side)
            if other.user == order.user and other is not order
        )
        return max(0, held - others)

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

    def pay(self, user: int, event: Event, amount: int) -> None:
        """Give the user money (or take it, if negative) that this event brought."""
        self.cash[user] += amount
        event.received[user] = event.received.get(user, 0) + amount

    def give(self, user: int, event: Event, outcomes: list[int], count: int) -> None:
        """Add count shares (negative: take them away) of each of the outcomes to the user's."""
        held = event.shares_of(user)
        for outcome in outcomes:
            held[outcome] += count

    def merge(self, user: int, market: Market) -> list[Notice]:
        """Turn each complete set of free shares, one of every outcome, back into 1.00.

        The notice names the market in which something was filled, released or struck.
        """
        event = market.event
        sets = min(self.free_shares(user, event).values())
        if sets == 0:
            return []
        self.give(user, event, event.outcomes, -sets)
        proceeds = sets * ONE_DOLLAR_PRICE
        self.pay(user, event, proceeds)
        if market.stands_alone:
            position = self.position(user, market.id)
            position.realized += proceeds - position.yes.remove(sets) - position.no.remove(sets)
        return [("MERGED", user, market.id, show_qty(sets))]

    def end(self, order: Order, reason: str) -> list[Notice]:
        """End an open order, release all it held, and merge what that freed."""
        order.status = "EXPIRED" if reason == "EXPIRED" else "CANCELED"
        order.reason = reason
        self.live.remove(order)
        canceled: Notice = ("ORDER_CANCELED", order.id, reason)
        return [canceled, *self.merge(order.user, self.markets[order.market])]

    def end_all(self, orders: list[Order], reason: str) -> list[Notice]:
        """End several open orders, each before the next."""
        events: list[Notice] = []
        for order in orders:
            events += self.end(order, reason)
        return events
