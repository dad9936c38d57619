"""A market maker's wanted quotes in one market, and its next action. No I/O.

Fair value is the LMSR price of its own inventory (lmsr.py) around an opinion that drifts. A fill
moves the fair value against the taker, so the maker never charges less than the scoring rule. A
quote that is off by less than a part of the spread stays, so that the exchange does not store
meaningless orders for ever.

Invariants:
- the loss bound: for any drift and any trades, the account's loss in the market is at most b ln 2
  if it began without one. Quotes that could exceed it, if all were filled, are not placed;
- the next action is decided once the result of the one before is known.
"""

import math
import random
from dataclasses import dataclass
from typing import TypeAlias

from predmarket.bots import lmsr
from predmarket.bots.exposure import OPEN, Exposure, Working
from predmarket.client.response_types import OrderState, Position
from predmarket.enums import Side
from predmarket.units import (
    MONEY_ONE,
    PRICE_ONE,
    QTY_DECIMALS,
    QTY_ONE,
    Money,
    Price,
    Qty,
    Rate,
    parse,
    parse_price,
)

_EARLY = 100


@dataclass(frozen=True, slots=True)
class Style:
    """How a maker quotes. b and size are in contracts, half_spread is in dollars; stays is the part
    of it, below 1, by which a quote may be off before it is moved, at a fair value of 0.50
    (elsewhere less, as prices move less there); restless is how far the opinion's log-odds drift in
    an hour, pull what it makes up of its way home in an hour.
    """

    b: float = 2_000.0
    size: int = 25
    levels: int = 3
    half_spread: float = 0.004
    stays: float = 0.5
    restless: float = 0.12
    pull: float = 0.3


@dataclass(frozen=True, slots=True)
class PlaceQuote:
    """Place an order."""

    side: Side
    price: Price
    qty: Qty


@dataclass(frozen=True, slots=True)
class Amend:
    """Move an order to another price or size; ``qty`` is its total."""

    order: Working
    price: Price
    qty: Qty


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel an order."""

    order: Working


Action: TypeAlias = PlaceQuote | Amend | Cancel


class Quoter:
    """One market's quotes."""

    def __init__(
        self, tick: Price, rate: Rate, style: Style, start: float, rng: random.Random
    ) -> None:
        """tick and rate: the market's tick and maker fee; start: the opinion to begin with."""
        self.style = style
        self.exposure = Exposure(rate)
        self.budget: Money = math.floor(lmsr.bound(style.b) * MONEY_ONE)
        self._tick = tick
        self._rng = rng
        self._home = self._opinion = lmsr.log_odds(start)
        self.orders: dict[int, Working] = {}
        self._early: dict[int, OrderState] = {}
        """The last states of orders not known: one may be heard of before its placing returns."""

    def begin(self, position: Position | None) -> None:
        """Start without orders from the position that the exchange reports."""
        self.orders.clear()
        self._early.clear()
        self.exposure.begin(position)

    @property
    def fair(self) -> float:
        """Return the fair value in dollars."""
        return self._price(0)

    def drift(self, seconds: float) -> None:
        """Change the opinion over time."""
        hours = seconds / 3600
        self._opinion += (self._home - self._opinion) * min(1.0, self.style.pull * hours)
        self._opinion += self._rng.gauss(0, self.style.restless * math.sqrt(hours))
        self._opinion = max(-lmsr.FARTHEST, min(lmsr.FARTHEST, self._opinion))

    def heard(self, state: OrderState) -> bool:
        """Take an order's state; tell whether it is one of the quotes."""
        order = self.orders.get(state["id"])
        if order is None:
            self._early[state["id"]] = state
            if len(self._early) > _EARLY:
                del self._early[next(iter(self._early))]
            return False
        self.exposure.heard(order, state)
        if state["status"] not in OPEN:
            del self.orders[order.id]
        return True

    def placed(self, state: OrderState) -> None:
        """Take the acknowledgement of a placed order."""
        if state["id"] not in self.orders and state["price"] is not None:
            order = Working(
                state["id"],
                Side(state["side"]),
                parse_price(state["price"]),
                parse(state["qty"], QTY_DECIMALS),
            )
            self.orders[order.id] = order
        self.heard(state)
        if (later := self._early.pop(state["id"], None)) is not None:
            self.heard(later)

    def amended(self, order: Working, state: OrderState) -> None:
        """Take the acknowledgement of an amended order."""
        if state["price"] is not None:
            order.price = parse_price(state["price"])
        order.qty = parse(state["qty"], QTY_DECIMALS)
        self.heard(state)

    def next(self, best_bid: Price | None, best_ask: Price | None) -> Action | None:
        """Return the next thing to do, None when all is as wanted. The best prices are those of
        the whole book, own orders included. The side that has to give way comes first.
        """
        rising = self._middle() < self.fair
        sides = (Side.SELL, Side.BUY) if rising else (Side.BUY, Side.SELL)
        for side in sides:
            action = self._next(side, best_ask if side is Side.BUY else best_bid)
            if action is not None:
                return action
        return None

    def _next(self, side: Side, opposite: Price | None) -> Action | None:
        mine = sorted(
            (order for order in self.orders.values() if order.side is side),
            key=lambda order: order.price,
            reverse=side is Side.BUY,
        )
        wanted = self._wanted(side, opposite, [order.price for order in mine])
        for order in mine[len(wanted) :]:
            return Cancel(order)
        worse = max if side is Side.BUY else min
        pairs = zip(mine, wanted, strict=False)
        moves = [
            (order, price, size)
            for order, (price, size) in pairs
            if order.price != price or order.left * 2 < size
        ]
        if moves and worse(moves[0][0].price, moves[0][1]) == moves[0][0].price:
            moves.reverse()  # moving away from the touch, the farthest order moves first
        for order, price, size in moves:
            # fills that are not known yet were at the old price
            qty = self._affordable(side, worse(price, order.price), max(size, order.left), order)
            if qty < QTY_ONE:
                return Cancel(order)
            if (price, order.filled + qty) != (order.price, order.qty):
                return Amend(order, price, order.filled + qty)
        for price, size in wanted[len(mine) :]:
            qty = self._affordable(side, price, size, None)
            if qty >= QTY_ONE:
                return PlaceQuote(side, price, qty)
        return None

    def _wanted(
        self, side: Side, opposite: Price | None, present: list[Price]
    ) -> list[tuple[Price, Qty]]:
        """Return a side's wanted prices and sizes, the best first, each price once."""
        style, tick = self.style, self._tick
        slack = style.stays * style.half_spread * 4 * self.fair * (1 - self.fair) * PRICE_ONE
        wanted: list[tuple[Price, Qty]] = []
        sign = -1 if side is Side.BUY else 1
        ahead = 0.0
        for level in range(style.levels):
            size = style.size * (level + 1)
            ahead += size
            exact = (self._price(sign * ahead) + sign * style.half_spread) * PRICE_ONE
            ticks = math.floor(exact / tick) if sign < 0 else math.ceil(exact / tick)
            if level < len(present) and -slack <= sign * (present[level] - exact) < tick + slack:
                ticks = present[level] // tick
            if opposite is not None:  # post-only: one tick from crossing
                away = opposite // tick + sign
                ticks = min(ticks, away) if sign < 0 else max(ticks, away)
            if wanted:  # each on its own level, even with a coarse tick
                beyond = wanted[-1][0] // tick + sign
                ticks = min(ticks, beyond) if sign < 0 else max(ticks, beyond)
            if not 0 < ticks * tick < PRICE_ONE:
                break
            wanted.append((ticks * tick, size * QTY_ONE))
        return wanted

    def _affordable(self, side: Side, price: Price, qty: Qty, instead_of: Working | None) -> Qty:
        """Return the part of ``qty`` that the loss bound allows beside the other open orders."""
        exposure = self.exposure
        room = self.budget + exposure.worst(side)
        for order in self.orders.values():
            if order.side is side and order is not instead_of:
                room -= exposure.at_stake(side, order.price, order.left)
        whole = exposure.at_stake(side, price, qty)
        if whole > room:
            qty = max(0, room) * qty // whole // QTY_ONE * QTY_ONE
        return qty

    def _middle(self) -> float:
        """Return the middle of the own quotes, in dollars; without quotes, the fair value."""
        bids = [order.price for order in self.orders.values() if order.side is Side.BUY]
        asks = [order.price for order in self.orders.values() if order.side is Side.SELL]
        if not bids or not asks:
            return self.fair
        return (max(bids) + min(asks)) / 2 / PRICE_ONE

    def _price(self, further: float) -> float:
        """Return the scoring rule's price after selling ``further`` more contracts."""
        sold = -self.exposure.held / QTY_ONE
        return lmsr.price(self._opinion, sold + further, self.style.b)
