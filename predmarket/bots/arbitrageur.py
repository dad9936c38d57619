"""Runs an arbitrageur: it watches the best prices of events and trades whole sets (arbitrage.py).

The legs of sets go out one after the other, the thinnest first, each as an IOC order at the price
that was seen. A leg that is filled in part makes the later legs as small. What the earlier legs
have too much is traded away at the best prices, at once and again at every look, and meanwhile no
set is begun. So at most ``at_most`` contracts of each market are uneven, and no order ever rests.
"""

import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from predmarket.bots.arbitrage import Best, Leg, evening, sets
from predmarket.bots.connection import FINAL, Connection, Tell, connect, silent, together, withdraw
from predmarket.bots.exposure import OPEN
from predmarket.client import ApiError, Session, Unreachable
from predmarket.client.calls import EventRef
from predmarket.client.response_types import Market, Order
from predmarket.enums import Side
from predmarket.units import (
    PRICE_ONE,
    QTY_DECIMALS,
    QTY_ONE,
    Money,
    Qty,
    format_money,
    format_qty,
    parse,
    parse_money,
    parse_price,
    parse_rate,
)

AT_MOST: Qty = 50 * QTY_ONE
_AT_ONCE_S = 0.05
_MISSED = frozenset({"MARKET_NOT_OPEN", "INSUFFICIENT_FUNDS"})
"""Refusals of a leg that say no more than that it is not filled."""

Take: TypeAlias = Callable[[Leg], Awaitable["Taken"]]
"""Sends a leg as an IOC order and returns what came of it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A leg's result: how much was filled, and the cash that it brought, fees taken off."""

    qty: Qty
    cash: Money

    @classmethod
    def of(cls, order: Order) -> "Taken":
        """Return an order's result, exactly."""
        qty, cash = 0, 0
        for fill in order["fills"]:
            filled = parse(fill["qty"], QTY_DECIMALS)
            qty += filled
            cash += parse_price(fill["price"]) * filled
        sign = -1 if order["side"] == Side.BUY else 1
        return cls(qty, sign * cash - parse_money(order["feesPaid"]))


@dataclass(slots=True)
class Stock:
    """The positions in an event's markets, and the cash that the bot's trades have brought."""

    held: dict[int, Qty] = field(default_factory=dict)
    cash: Money = 0

    def uneven(self) -> Qty:
        """Return the most by which two positions differ; 0 means nothing but whole sets."""
        return max(self.held.values(), default=0) - min(self.held.values(), default=0)

    def certain(self) -> Money:
        """Return what the trades have won if that market wins of which least is held."""
        return self.cash + min(self.held.values(), default=0) * PRICE_ONE

    async def take(self, legs: Iterable[Leg], take: Take) -> None:
        """Trade legs one after the other, each by itself. Raises what ``take`` raises."""
        for leg in legs:
            taken = await take(leg)
            self.held[leg.market_id] += taken.qty if leg.side is Side.BUY else -taken.qty
            self.cash += taken.cash

    async def take_sets(self, legs: Sequence[Leg], take: Take) -> Qty:
        """Trade the legs of sets, each as large as the smallest fill before it; return how many
        sets there are. Raises what ``take`` raises.
        """
        qty = legs[0].qty
        for leg in legs:
            if not qty:
                break
            before = self.held[leg.market_id]
            await self.take([Leg(leg.market_id, leg.side, leg.price, qty)], take)
            qty = min(qty, abs(self.held[leg.market_id] - before))
        return qty


@dataclass(slots=True)
class _Watched:
    """An event, named by its first market, and what the bot has of it."""

    first: Market
    stock: Stock = field(default_factory=Stock)
    connection: int = 0
    """The connection on which the stock became known, 0 for none."""


class Arbitrageur:
    """Trades whole sets of a connection's events."""

    def __init__(self, at: Connection, rng: random.Random, pace_s: float, at_most: Qty) -> None:
        """pace_s: seconds between two looks at an event, on average."""
        self._exchange = at
        self._rng = rng
        self._at_most = at_most
        firsts = [markets[0] for markets in at.questions() if at.is_of_event(markets[0])]
        self._events = [_Watched(first) for first in firsts]
        self._pace_s = pace_s / max(1, len(self._events))
        self._soon: _Watched | None = None
        """The event to be looked at without a pause before."""

    async def run(self) -> None:
        """Trade until cancelled. Raises ApiError if the exchange refuses this bot."""
        at = self._exchange
        while True:
            await at.pause(_AT_ONCE_S if self._soon else self._pace_s)
            event, self._soon = self._soon or self._rng.choice(self._events), None
            try:
                if event.connection != at.connections or not at.connections:
                    await self._begin(event)
                else:
                    await self.look_at(event)
            except Unreachable as error:
                event.connection = 0
                at.tell("unanswered", reason=str(error))
            except ApiError as error:
                event.connection = 0
                await at.refused(error, event.first.get("eventSlug") or event.first["slug"])

    async def _begin(self, event: _Watched) -> None:
        """Learn an event's markets and what is held there. Raises ApiError, Unreachable."""
        at, connection = self._exchange, self._exchange.connections
        if not connection:
            return
        markets = await at.refresh(event.first["id"])
        for market in markets:
            await at.feed.cancel_all(market=market["id"])
        await at.refresh_positions()
        event.stock = Stock({one["id"]: at.positions.get(one["id"], 0) for one in markets})
        event.connection = connection

    async def look_at(self, event: _Watched) -> None:
        """Even out what is left over, else trade sets if they earn something. Raises ApiError,
        Unreachable.
        """
        at, stock = self._exchange, event.stock
        live = [id for id in stock.held if at.markets[id]["status"] not in FINAL]
        stock.held = {id: stock.held[id] for id in live}  # what was struck counts no more
        if len(live) < 2:
            return
        best = {id: Best(*at.best_levels(id)) for id in live if at.ready(id)}
        rate = parse_rate(at.markets[live[0]]["takerFeeRate"])
        before = stock.certain()
        if stock.uneven():
            if legs := evening(stock.held, best, rate):
                await stock.take(legs, self._take)
                self._tell(event, "evened", before)
            return
        if len(best) < len(live):
            return
        exhaustive = at.exhaustive(event.first)
        legs = sets(best, rate, exhaustive=exhaustive, at_most=self._at_most)
        if not legs:
            return
        cash = parse_money((await at.client.balance())["available"])
        legs = sets(best, rate, exhaustive=exhaustive, at_most=self._at_most, cash=cash)
        if not legs:
            return
        qty = await stock.take_sets(legs, self._take)
        self._tell(event, "sets", before, side=legs[0].side.value, sets=format_qty(qty))
        if stock.uneven():
            self._soon = event

    async def _take(self, leg: Leg) -> Taken:
        """Send a leg. Raises ApiError, Unreachable."""
        at = self._exchange
        try:
            order = await at.place(leg.market_id, leg.side, leg.price, leg.qty, time_in_force="IOC")
        except ApiError as error:
            if error.code in _MISSED:
                return Taken(0, 0)
            raise
        if order["status"] in OPEN:  # it is filled in steps, and what is to come is not told yet
            raise Unreachable("the order is still being filled")
        return Taken.of(order)

    def _tell(self, event: _Watched, what: str, before: Money, **more: object) -> None:
        """Report a trade and what it is certain to have won."""
        result, uneven = event.stock.certain() - before, event.stock.uneven()
        more |= {"result": format_money(result)} | (
            {"uneven": format_qty(uneven)} if uneven else {}
        )
        self._exchange.tell(what, eventSlug=event.first.get("eventSlug"), **more)


async def arbitrage(
    url: str,
    events: Collection[EventRef],
    *,
    api_key: str | None = None,
    session: Session | None = None,
    seed: int | None = None,
    pace_s: float = 2.0,
    at_most: Qty = AT_MOST,
    tell: Tell = silent,
) -> None:
    """Trade whole sets of ``events`` until cancelled, at most ``at_most`` at a time.

    Raises ApiError if the exchange refuses this bot, Unreachable if there is no exchange.
    """
    rng = random.Random(seed)
    async with connect(
        url, (), rng, events=events, api_key=api_key, session=session, tell=tell
    ) as at:
        arbitrageur = Arbitrageur(at, rng, pace_s, at_most)
        try:
            await together(at.listen(), arbitrageur.run())
        finally:
            await withdraw(at)
