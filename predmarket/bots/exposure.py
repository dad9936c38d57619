"""A bot's exact exposure in one market, computed from its orders' executions.

Invariants: each part of an order's execution is counted once, for any order and number of its state
messages; amounts are integer money units, rounded against the bot.
"""

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


@dataclass(slots=True)
class Working:
    """An order that may still trade. ``notional`` and ``fees`` are what its fills have cost."""

    id: int
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
    """One market's result under either end: ``if_yes`` and ``if_no``, as money won since the
    account began there.
    """

    def __init__(self, rate: Rate) -> None:
        """rate: the fee rate that executions will cost."""
        self.rate = rate
        self.if_yes: Money = 0
        self.if_no: Money = 0
        self.held: Qty = 0
        """YES shares, negative for NO."""

    def begin(self, position: Position | None) -> None:
        """Start from a position as the exchange reports it, None for none. avgPrice is rounded to
        a millionth, which is counted against the bot.
        """
        self.if_yes = self.if_no = self.held = 0
        if position is None:
            return
        self.if_yes = self.if_no = parse_money(position["realizedPnl"])
        long, short = (parse(position[side], QTY_DECIMALS) for side in ("qtyLong", "qtyShort"))
        self.held = long - short
        if position["avgPrice"] is None:
            return
        average = parse(position["avgPrice"], 6)
        paid = -(-self.held * average // 100) + (abs(self.held) // 100 + 1)
        self.if_no -= paid
        self.if_yes += self.held * PRICE_ONE - paid

    def heard(self, order: Working, state: OrderState) -> None:
        """Count the new executions in an order's state."""
        filled = parse(state["qtyFilled"], QTY_DECIMALS)
        if filled <= order.filled or state["avgFillPrice"] is None:
            return
        # the average is rounded to a millionth, so the sum is rounded against the bot
        sign = 1 if order.side is Side.BUY else -1
        notional = parse(state["avgFillPrice"], 6) * filled // 100 + sign * (filled // 200 + 2)
        fees = parse_money(state["feesPaid"])
        qty, paid = filled - order.filled, sign * (notional - order.notional) + fees - order.fees
        self.held += sign * qty
        self.if_no -= paid
        self.if_yes += sign * qty * PRICE_ONE - paid
        order.filled, order.notional, order.fees = filled, notional, fees

    def at_stake(self, side: Side, price: Price, qty: Qty) -> Money:
        """Return the cost of a fill under the worse outcome of its side, fees included."""
        risk = price if side is Side.BUY else PRICE_ONE - price
        return risk * qty + fee(self.rate, qty, price)

    def worst(self, side: Side) -> Money:
        """Return the result under the outcome that a fill of ``side`` makes worse."""
        return self.if_no if side is Side.BUY else self.if_yes

    @property
    def loss(self) -> Money:
        """Return the loss under the worse outcome; negative if both outcomes win."""
        return -min(self.if_yes, self.if_no)


def fee(rate: Rate, qty: Qty, price: Price) -> Money:
    """Return the fee for a fill, rounded up."""
    return -(-rate * qty * price * (PRICE_ONE - price) // _FEE_UNITS)
