"""A bot's exact exposure to one question, computed from its orders' executions.

The question is a market without an event, or an event with all of its markets. Its outcomes are its
markets and, unless it is exhaustive, NONE. A position in a market is a number of shares of its
outcome, negative for NO: what a bot has won in an outcome is its cash and what it holds of that
outcome. So a market alone has two outcomes, itself and NONE, and needs no rule of its own.

Invariants: each part of an order's execution is counted once, for any order and number of its state
messages; amounts are integer money units, rounded against the bot.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from predmarket.client.response_types import OrderState, Position
from predmarket.enums import Side
from predmarket.units import (
    PRICE_ONE,
    QTY_DECIMALS,
    Money,
    Price,
    Qty,
    Rate,
    parse,
    parse_money,
)

_FEE_UNITS = 10**8
"""rate x qty x price x (1 - price) in one money unit."""
OPEN = ("OPEN", "PARTIALLY_FILLED")
NONE = 0
"""Stands for the outcome without a market among the ids of markets."""


@dataclass(slots=True)
class Working:
    """An order that may still trade. ``notional`` and ``fees`` are what its fills have cost."""

    id: int
    market_id: int
    side: Side
    price: Price
    qty: Qty
    filled: Qty = 0
    notional: Money = 0
    fees: Money = 0

    @property
    def left(self) -> Qty:
        """Return the unfilled quantity."""
        return self.qty - self.filled


class Exposure:
    """What a bot has won in every outcome of a question, since its account began there, and what
    its working orders can still make of it.
    """

    def __init__(self, rate: Rate, market_ids: Iterable[int], *, exhaustive: bool = False) -> None:
        """rate: the fee rate that executions will cost."""
        self.rate = rate
        self.cash: Money = 0
        self.held: dict[int, Qty] = {}
        """Shares of each market's outcome, negative for NO."""
        self.orders: dict[int, dict[int, Working]] = {}
        """The working orders of each market by their ids."""
        self._possible: dict[int, None] = {} if exhaustive else {NONE: None}
        """The outcomes that may still happen."""
        for market_id in market_ids:
            self.add(market_id)

    def add(self, market_id: int) -> None:
        """Take a market in, one that a live event was given for instance."""
        self.orders.setdefault(market_id, {})
        self.held.setdefault(market_id, 0)
        self._possible[market_id] = None

    def strike(self, market_id: int) -> None:
        """Rule an outcome out. What was paid for it stays paid."""
        self._possible.pop(market_id, None)

    def possible(self, outcome: int) -> bool:
        """Tell whether an outcome may still happen."""
        return outcome in self._possible

    def begin(self, positions: Iterable[Position]) -> None:
        """Start without orders from the positions that the exchange reports. avgPrice is rounded to
        a millionth, which is counted against the bot.
        """
        self.cash = 0
        self.held = dict.fromkeys(self.orders, 0)
        for orders in self.orders.values():
            orders.clear()
        for position in positions:
            self.cash += parse_money(position["realizedPnl"])
            long, short = (parse(position[side], QTY_DECIMALS) for side in ("qtyLong", "qtyShort"))
            held = self.held[position["marketId"]] = long - short
            if position["avgPrice"] is not None:
                average = parse(position["avgPrice"], 6)
                self.cash -= -(-held * average // 100) + (abs(held) // 100 + 1)

    def heard(self, order: Working, state: OrderState) -> None:
        """Count the new executions in an order's state."""
        filled = parse(state["qtyFilled"], QTY_DECIMALS)
        if filled <= order.filled or state["avgFillPrice"] is None:
            return
        # the average is rounded to a millionth, so the sum is rounded against the bot
        sign = 1 if order.side is Side.BUY else -1
        notional = parse(state["avgFillPrice"], 6) * filled // 100 + sign * (filled // 200 + 2)
        fees = parse_money(state["feesPaid"])
        self.held[order.market_id] += sign * (filled - order.filled)
        self.cash -= sign * (notional - order.notional) + fees - order.fees
        order.filled, order.notional, order.fees = filled, notional, fees

    def at_stake(self, side: Side, price: Price, qty: Qty) -> Money:
        """Return the cost of a fill in an outcome that it makes worse, fees included: a BUY in
        every other outcome than its market's, a SELL in that one.
        """
        risk = price if side is Side.BUY else PRICE_ONE - price
        return risk * qty + fee(self.rate, qty, price)

    def won(self, outcome: int) -> Money:
        """Return what was won in an outcome, negative for a loss."""
        return self.cash + self.held.get(outcome, 0) * PRICE_ONE

    @property
    def worst(self) -> Money:
        """Return the result in the worst outcome."""
        return min(map(self.won, self._possible), default=self.cash)

    def worst_for(self, market_id: int, side: Side, leave_out: Working | None = None) -> Money:
        """Return the worst result in the outcomes that a fill makes worse, should every working
        order that makes them worse be filled, but for ``leave_out``.
        """
        buys, of_market = 0, {}
        for id, orders in self.orders.items():
            bought = sold = 0
            for order in orders.values():
                if order is not leave_out:
                    stake = self.at_stake(order.side, order.price, order.left)
                    if order.side is Side.BUY:
                        bought += stake
                    else:
                        sold += stake
            buys += bought
            of_market[id] = sold - bought
        if side is Side.BUY:
            hurt = [outcome for outcome in self._possible if outcome != market_id]
        else:
            hurt = [market_id]
        results = (self.won(outcome) - buys - of_market.get(outcome, 0) for outcome in hurt)
        return min(results, default=self.cash)


def fee(rate: Rate, qty: Qty, price: Price) -> Money:
    """Return the fee for a fill, rounded up."""
    return -(-rate * qty * price * (PRICE_ONE - price) // _FEE_UNITS)
