"""Runs a market maker: one connection, many markets, one action at a time at a human pace.

Markets of one event are quoted together (quoting.py). When the state of its orders is unknown (at
the start, after a lost connection, after a missing answer), it cancels all of its account's orders
in that market, or in all markets of that event, and begins again from the exchange's positions. So
give a bot its own account.
"""

import math
import random
import time
from collections.abc import Collection, Sequence
from functools import partial

from predmarket.bots.connection import FINAL, Connection, Tell, connect, silent, together, withdraw
from predmarket.bots.quoting import Amend, Cancel, PlaceQuote, Quoter, Quotes
from predmarket.bots.valuation import Style, starts
from predmarket.client import ApiError, Session, Unreachable
from predmarket.client.calls import EventRef, MarketRef
from predmarket.client.response_types import Market, OrderState
from predmarket.units import (
    PRICE_ONE,
    format_money,
    format_price,
    format_qty,
    parse_price,
    parse_rate,
    parse_tick,
)

SWITCH_S = 300
"""The dead-man switch: without a sign of life the exchange cancels everything after that."""
_RENEW_S = 120.0
_AT_ONCE_S = 0.05
_UNSURE = frozenset({"UNAVAILABLE", "OUTCOME_UNKNOWN", "INTERNAL"})


class Maker:
    """Quotes the markets of a connection."""

    def __init__(self, at: Connection, style: Style, rng: random.Random, pace_s: float) -> None:
        """pace_s: seconds between two looks at a market, on average, all markets together."""
        self._exchange = at
        self._rng = rng
        self._pace_s = pace_s
        self._quotes: dict[int, Quotes] = {}
        """By market; the markets of an event have theirs in common."""
        for question in at.questions():
            quotes = _quotes(question, style, rng, exhaustive=at.exhaustive(question[0]))
            self._quotes |= dict.fromkeys(quotes.quoters, quotes)
            self._tell_bound(question[0], quotes)
        self._known: dict[Quotes, int] = {}
        """For each the connection on which its orders became known."""
        self._soon: list[int] = []
        """Markets to be looked after without a pause before."""
        self._unfinished: dict[int, None] = {}
        """Markets to be looked after before others: quotes were filled there, or are not as wanted
        yet.
        """
        self._markets = list(self._quotes)
        self._looked = dict.fromkeys(self._quotes.values(), time.monotonic())
        at.on_order = self._heard
        at.on_market = self._market_changed

    async def run(self) -> None:
        """Quote until cancelled. Raises ApiError if the exchange refuses this bot."""
        renewed = -math.inf
        while True:
            strange = self._strange()
            await self._exchange.pause(_AT_ONCE_S if strange or self._soon else self._pace_s)
            market_id = self._next_market()
            if not (strange or self._exchange.ready(market_id)):
                continue
            try:
                if time.monotonic() - renewed > _RENEW_S:
                    await self._exchange.client.cancel_after(SWITCH_S)
                    renewed = time.monotonic()
                if strange:
                    await self._begin(strange)
                else:
                    await self._look_after(market_id)
            except Unreachable as error:
                self._known.pop(self._quotes[market_id], None)
                self._exchange.tell("unanswered", reason=str(error))
            except ApiError as error:
                if error.code in _UNSURE:
                    self._known.pop(self._quotes[market_id], None)
                await self._exchange.refused(error, self._exchange.markets[market_id]["slug"])

    def _next_market(self) -> int:
        """Choose the market to look after: one that waits for it, else any."""
        if self._soon:
            return self._soon.pop()
        if self._unfinished:
            market_id = next(iter(self._unfinished))
            del self._unfinished[market_id]
            return market_id
        return self._rng.choice(self._markets)

    def _strange(self) -> list[Quotes]:
        """Return the quotes of trading markets of which the own orders are unknown."""
        connection = self._exchange.connections
        return [
            quotes
            for quotes in dict.fromkeys(self._quotes.values())
            if self._known.get(quotes) != connection
            and any(map(self._exchange.ready, quotes.quoters))
        ]

    def _market_changed(self, market: Market) -> None:
        """Rule a final market's outcome out; begin an event anew that was given a market."""
        quotes = self._quotes.get(market["id"])
        if quotes is None:
            for known in self._exchange.markets_of(market):
                self._known.pop(self._quotes[known], None)
        elif market["status"] in FINAL:
            quotes.exposure.strike(market["id"])

    def _heard(self, state: OrderState) -> None:
        market_id = state["marketId"] or 0
        quotes = self._quotes.get(market_id)
        if quotes is None:
            return
        quoter = quotes.quoters[market_id]
        order = quoter.orders.get(state["id"])
        before = 0 if order is None else order.filled
        quoter.heard(state)
        if order is not None and order.filled > before:
            self._unfinished[market_id] = None
            self._exchange.tell(
                "filled",
                market=state["marketSlug"],
                id=order.id,
                side=order.side.value,
                price=format_price(order.price),
                qty=format_qty(order.filled - before),
                held=format_qty(quotes.exposure.held[market_id]),
            )

    async def _look_after(self, market_id: int) -> None:
        """Do the next few actions in a market. Raises ApiError, Unreachable."""
        quotes, connection = self._quotes[market_id], self._exchange.connections
        now = time.monotonic()
        quotes.valuation.drift(now - self._looked[quotes])
        self._looked[quotes] = now
        quoter = quotes.quoters[market_id]
        for _ in range(2 if quoter.orders else 2 * quotes.style.levels):
            action = quoter.next(*self._exchange.best(market_id))
            if action is None or self._exchange.connections != connection:
                return
            try:
                await self._do(market_id, quoter, action)
            except ApiError as error:
                if error.code in ("ORDER_NOT_FOUND", "ORDER_NOT_OPEN", "QTY_BELOW_FILLED"):
                    return  # filled meanwhile; the feed will report it
                raise
        self._unfinished[market_id] = None

    async def _do(
        self, market_id: int, quoter: Quoter, action: PlaceQuote | Amend | Cancel
    ) -> None:
        feed = self._exchange.feed
        match action:
            case PlaceQuote(side, price, qty):
                more = {"post_only": True}
                quoter.placed(await self._exchange.place(market_id, side, price, qty, **more))
            case Amend(order, price, qty):
                amended = await feed.amend(order.id, price=format_price(price), qty=format_qty(qty))
                quoter.amended(order, amended)
                self._exchange.told("amended", amended)
            case Cancel(order):
                canceled = await feed.cancel(order.id)
                quoter.heard(canceled)
                self._exchange.told("canceled", canceled)

    async def _begin(self, strange: Sequence[Quotes]) -> None:
        """Begin quotes anew from the exchange's state. Raises ApiError, Unreachable."""
        exchange, connection = self._exchange, self._exchange.connections
        for quotes in strange:
            await self._refresh(quotes)
            for market_id in quotes.quoters:
                await exchange.feed.cancel_all(market=market_id)
        positions = await exchange.refresh_positions()
        for quotes in strange:
            quotes.begin(positions)
            self._known[quotes] = connection
        self._soon = [market_id for quotes in strange for market_id in quotes.quoters]

    async def _refresh(self, quotes: Quotes) -> None:
        """Learn which markets an event has been given and which of them are out. Raises ApiError,
        Unreachable.
        """
        for market in await self._exchange.refresh(next(iter(quotes.quoters))):
            if market["id"] not in quotes.quoters:
                quotes.add(market["id"])
                self._quotes[market["id"]] = quotes
                self._markets.append(market["id"])
                self._tell_bound(market, quotes)
            if market["status"] in FINAL:
                quotes.exposure.strike(market["id"])

    def _tell_bound(self, market: Market, quotes: Quotes) -> None:
        """Tell the most that can be lost in a market, or in all of an event."""
        whole = self._exchange.is_of_event(market)
        where = {"eventSlug": market.get("eventSlug")} if whole else {"market": market["slug"]}
        self._exchange.tell("bound", **where, loss=format_money(quotes.budget))


def _quotes(
    markets: Sequence[Market], style: Style, rng: random.Random, *, exhaustive: bool
) -> Quotes:
    """Return the quotes of markets, around their last prices."""
    tick, rate = parse_tick(markets[0]["tickSize"]), parse_rate(markets[0]["makerFeeRate"])
    around = starts({market["id"]: _last_price(market) for market in markets})
    quotes = Quotes(tick, rate, style, around, rng, exhaustive=exhaustive)
    for market in markets:
        if market["status"] in FINAL:
            quotes.exposure.strike(market["id"])
    return quotes


def _last_price(market: Market) -> float | None:
    """Return a market's midpoint, else its last price, in dollars; None without either."""
    if market["status"] in FINAL:
        return 0.0
    if market["bestBid"] is not None and market["bestAsk"] is not None:
        return (parse_price(market["bestBid"]) + parse_price(market["bestAsk"])) / 2 / PRICE_ONE
    return None if market["lastPrice"] is None else parse_price(market["lastPrice"]) / PRICE_ONE


async def make_markets(
    url: str,
    markets: Collection[MarketRef],
    *,
    events: Collection[EventRef] = (),
    api_key: str | None = None,
    session: Session | None = None,
    style: Style | None = None,
    seed: int | None = None,
    pace_s: float = 1.0,
    tell: Tell = silent,
) -> None:
    """Quote both sides of ``markets``, and of all markets of ``events``, until cancelled, and then
    withdraw.

    Raises ApiError if the exchange refuses this bot, Unreachable if there is no exchange.
    """
    rng = random.Random(seed)
    async with connect(
        url, markets, rng, events=events, api_key=api_key, session=session, tell=tell
    ) as at:
        maker = Maker(at, style or Style(), rng, pace_s)
        try:
            await together(at.listen(), maker.run())
        finally:
            await withdraw(at, partial(at.client.cancel_after, 0))
