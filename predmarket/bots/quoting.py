"""A market maker's wanted quotes in one market, and its next action. No I/O.

Fair value is the scoring rule's price for the maker's inventory (valuation.py) around an opinion
that drifts. A fill moves the fair value against the taker, so the maker never charges less than the
scoring rule. A quote that is off by less than a part of the spread stays, so that the exchange does
not store meaningless orders for ever.

Invariants:
- the loss bound: for any drift and any trades, the account's loss in a market, or in all markets of
  an event together, is at most b ln N for N outcomes if it began without one. Quotes that could
  exceed it, if all that rest were filled, are not placed;
- the next action is decided once the result of the one before is known.
"""

import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from predmarket.bots import lmsr
from predmarket.bots.exposure import OPEN, Exposure, Working
from predmarket.bots.valuation import Style, Valuation
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


class Quotes:
    """The quotes of a market without an event, or of all markets of an event."""

    def __init__(
        self,
        tick: Price,
        rate: Rate,
        style: Style,
        starts: Mapping[int, float],
        rng: random.Random,
        *,
        exhaustive: bool = False,
    ) -> None:
        """tick and rate: the markets' tick and maker fee; starts: each market's price to begin
        with.
        """
        self.style = style
        self.exposure = Exposure(rate, starts, exhaustive=exhaustive)
        self.valuation = Valuation(style, self.exposure, starts, rng)
        self.quoters = {id: Quoter(self, id, tick) for id in starts}
        self.budget = self._bound(exhaustive)
        """The most that may be lost."""
        self._tick = tick

    def _bound(self, exhaustive: bool) -> Money:
        """Return b ln N; N counts the outcomes there have ever been, struck ones and NONE too."""
        outcomes = len(self.quoters) + (not exhaustive)
        return math.floor(lmsr.bound(self.style.b, outcomes) * MONEY_ONE)

    def begin(self, positions: Iterable[Position]) -> None:
        """Start without orders from the positions that the exchange reports."""
        self.exposure.begin(one for one in positions if one["marketId"] in self.quoters)
        for quoter in self.quoters.values():
            quoter.begin()

    def add(self, market_id: int) -> None:
        """Take in a market that the event was given, which is not exhaustive then."""
        self.exposure.add(market_id)
        self.valuation.add(market_id)
        self.quoters[market_id] = Quoter(self, market_id, self._tick)
        self.budget = self._bound(exhaustive=False)


class Quoter:
    """One market's quotes."""

    def __init__(self, quotes: Quotes, market_id: int, tick: Price) -> None:
        self.market_id = market_id
        self.orders = quotes.exposure.orders[market_id]
        self._quotes = quotes
        self._tick = tick
        self._early: dict[int, OrderState] = {}
        """The last states of orders not known: one may be heard of before its placing returns."""

    def begin(self) -> None:
        """Forget what was heard of orders before the exchange's state was asked for."""
        self._early.clear()

    @property
    def fair(self) -> float:
        """Return the fair value in dollars."""
        return self._price(0)

    def heard(self, state: OrderState) -> bool:
        """Take an order's state; tell whether it is one of the quotes."""
        order = self.orders.get(state["id"])
        if order is None:
            self._early[state["id"]] = state
            if len(self._early) > _EARLY:
                del self._early[next(iter(self._early))]
            return False
        self._quotes.exposure.heard(order, state)
        if state["status"] not in OPEN:
            del self.orders[order.id]
        return True

    def placed(self, state: OrderState) -> None:
        """Take the acknowledgement of a placed order."""
        if state["id"] not in self.orders and state["price"] is not None:
            order = Working(
                state["id"],
                self.market_id,
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
        style, tick = self._quotes.style, self._tick
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
        exposure = self._quotes.exposure
        room = self._quotes.budget + exposure.worst_for(self.market_id, side, instead_of)
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
        return self._quotes.valuation.price(self.market_id, further)
