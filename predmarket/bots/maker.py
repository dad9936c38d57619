"""Runs a market maker: one connection, many markets, one action at a time at a human pace.

When the state of its orders is unknown (at the start, after a lost connection, after a missing
answer), it cancels all of its account's orders in that market and begins again from the exchange's
position. So give a bot its own account.
"""

import math
import random
import time
from collections.abc import Collection
from functools import partial

from predmarket.bots.connection import Connection, Tell, connect, silent, together, withdraw
from predmarket.bots.quoting import Amend, Cancel, PlaceQuote, Quoter, Style
from predmarket.client import ApiError, Session, Unreachable
from predmarket.client.calls import MarketRef
from predmarket.client.response_types import Market, OrderState
from predmarket.units import (
    PRICE_ONE,
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
        self._quoters = {id: _quoter(market, style, rng) for id, market in at.markets.items()}
        self._known: dict[int, int] = {}
        """For each market the connection on which its orders became known."""
        self._soon: list[int] = []
        """Markets to be looked after without a pause before."""
        self._markets = list(self._quoters)
        self._looked = dict.fromkeys(self._quoters, time.monotonic())
        at.on_order = self._heard

    async def run(self) -> None:
        """Quote until cancelled. Raises ApiError if the exchange refuses this bot."""
        renewed = -math.inf
        while True:
            strange = self._strange()
            await self._exchange.pause(_AT_ONCE_S if strange or self._soon else self._pace_s)
            market_id = self._soon.pop() if self._soon else self._rng.choice(self._markets)
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
                self._known.pop(market_id, None)
                self._exchange.tell("unanswered", reason=str(error))
            except ApiError as error:
                if error.code in _UNSURE:
                    self._known.pop(market_id, None)
                await self._exchange.refused(error, self._exchange.markets[market_id]["slug"])

    def _strange(self) -> list[int]:
        """Return the trading markets in which the own orders are unknown."""
        connection = self._exchange.connections
        return [
            market_id
            for market_id in self._quoters
            if self._known.get(market_id) != connection and self._exchange.ready(market_id)
        ]

    def _heard(self, state: OrderState) -> None:
        quoter = self._quoters.get(state["marketId"] or 0)
        if quoter is None:
            return
        order = quoter.orders.get(state["id"])
        before = 0 if order is None else order.filled
        quoter.heard(state)
        if order is not None and order.filled > before:
            self._exchange.tell(
                "filled",
                market=state["marketSlug"],
                id=order.id,
                side=order.side.value,
                price=format_price(order.price),
                qty=format_qty(order.filled - before),
                held=format_qty(quoter.exposure.held),
            )

    async def _look_after(self, market_id: int) -> None:
        """Do the next few actions in a market. Raises ApiError, Unreachable."""
        quoter, connection = self._quoters[market_id], self._exchange.connections
        now = time.monotonic()
        quoter.drift(now - self._looked[market_id])
        self._looked[market_id] = now
        for _ in range(2 if quoter.orders else 2 * quoter.style.levels):
            action = quoter.next(*self._exchange.best(market_id))
            if action is None or self._exchange.connections != connection:
                return
            try:
                await self._do(market_id, quoter, action)
            except ApiError as error:
                if error.code in ("ORDER_NOT_FOUND", "ORDER_NOT_OPEN", "QTY_BELOW_FILLED"):
                    return  # filled meanwhile; the feed will report it
                raise

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

    async def _begin(self, market_ids: Collection[int]) -> None:
        """Begin markets anew from the exchange's state. Raises ApiError, Unreachable."""
        connection = self._exchange.connections
        for market_id in market_ids:
            await self._exchange.feed.cancel_all(market=market_id)
        positions = (await self._exchange.client.positions())["items"]
        held = {position["marketId"]: position for position in positions}
        for market_id in market_ids:
            self._quoters[market_id].begin(held.get(market_id))
            self._known[market_id] = connection
        self._soon = [*market_ids]


def _quoter(market: Market, style: Style, rng: random.Random) -> Quoter:
    """Return the quotes of a market, around its last price."""
    start = 0.5
    if market["bestBid"] is not None and market["bestAsk"] is not None:
        start = (parse_price(market["bestBid"]) + parse_price(market["bestAsk"])) / 2 / PRICE_ONE
    elif market["lastPrice"] is not None:
        start = parse_price(market["lastPrice"]) / PRICE_ONE
    tick, rate = parse_tick(market["tickSize"]), parse_rate(market["makerFeeRate"])
    return Quoter(tick, rate, style, start, rng)


async def make_markets(
    url: str,
    markets: Collection[MarketRef],
    *,
    api_key: str | None = None,
    session: Session | None = None,
    style: Style | None = None,
    seed: int | None = None,
    pace_s: float = 1.0,
    tell: Tell = silent,
) -> None:
    """Quote both sides of ``markets`` until cancelled, and then withdraw.

    Raises ApiError if the exchange refuses this bot, Unreachable if there is no exchange.
    """
    rng = random.Random(seed)
    async with connect(url, markets, rng, api_key=api_key, session=session, tell=tell) as at:
        maker = Maker(at, style or Style(), rng, pace_s)
        try:
            await together(at.listen(), maker.run())
        finally:
            await withdraw(at, partial(at.client.cancel_after, 0))
