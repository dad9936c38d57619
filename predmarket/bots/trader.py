"""Runs a trader: now and then it looks at a market and follows its strategy (strategies.py)."""

import random
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from predmarket.bots.connection import (
    FINAL,
    Connection,
    Tell,
    connect,
    silent,
    together,
    withdraw,
)
from predmarket.bots.strategies import Mind, Noise, Rest, Take, View
from predmarket.client import ApiError, Session, Unreachable
from predmarket.client.calls import EventRef, MarketRef
from predmarket.client.response_types import Market
from predmarket.units import parse_tick


class Trader:
    """Trades the markets of a connection, and those that its events are given."""

    def __init__(self, at: Connection, mind: Mind, rng: random.Random, pace_s: float) -> None:
        """pace_s: seconds between two looks at a market, on average."""
        self._exchange = at
        self._mind = mind
        self._rng = rng
        self._pace_s = pace_s
        self._interest = _interest(at)
        self._grown: dict[int, Market] = {}  # the newest unknown market of each event
        at.on_market = self._heard

    def _heard(self, market: Market) -> None:
        """Note that the interest has to be shared out anew."""
        if market["id"] not in self._exchange.markets:
            self._grown[market["eventId"] or 0] = market
        elif market["status"] in FINAL:
            self._interest.pop(market["id"], None)

    async def _follow(self) -> None:
        """Follow the markets that events were given. Raises ApiError, Unreachable."""
        for event_id, market in [*self._grown.items()]:
            known = self._exchange.markets_of(market)
            await self._exchange.refresh(known[0])
            del self._grown[event_id]
        self._interest = _interest(self._exchange)

    async def run(self) -> None:
        """Trade until cancelled. Raises ApiError if the exchange refuses this bot."""
        at = self._exchange
        while True:
            await at.pause(self._pace_s)
            slug = ""
            try:
                if self._grown:
                    await self._follow()
                if not self._interest:
                    continue
                (market_id,) = self._rng.choices([*self._interest], [*self._interest.values()])
                slug = at.markets[market_id]["slug"]
                if at.ready(market_id):
                    await self.look_at(market_id)
            except Unreachable as error:  # its outcome does not matter: the order ends by itself
                at.tell("unanswered", reason=str(error))
            except ApiError as error:
                await at.refused(error, slug)

    async def look_at(self, market_id: int) -> None:
        """Do the strategy's action in a market. Raises ApiError, Unreachable."""
        at = self._exchange
        market = at.markets[market_id]
        bid, ask = at.best(market_id)
        held = at.positions.get(market_id, 0)
        decision = self._mind.decide(
            market["slug"], View(parse_tick(market["tickSize"]), bid, ask, held)
        )
        match decision:
            case Take(side, price, qty):
                await at.place(market_id, side, price, qty, time_in_force="IOC")
            case Rest(side, price, qty, seconds):
                until = datetime.now(UTC) + timedelta(seconds=seconds)
                expiry = {"time_in_force": "GTD", "expires_at": until.isoformat()}
                await at.place(market_id, side, price, qty, **expiry)


def _interest(at: Connection) -> dict[int, float]:
    """Return how much of a trader each market sees: a crowd is in few places.

    Those named first see the most of it; an event sees as much as the market named first.
    """
    interest: dict[int, float] = {}
    apart = 0
    for question in at.questions():
        markets = [market for market in question if market["status"] not in FINAL]
        if not markets:
            continue
        shares = [1 / (place + 1) for place in range(len(markets))]
        whole = sum(shares)
        if not at.is_of_event(markets[0]):
            apart += 1
            whole *= apart
        interest |= {one["id"]: share / whole for one, share in zip(markets, shares, strict=True)}
    return interest


async def trade(
    url: str,
    markets: Collection[MarketRef],
    *,
    events: Collection[EventRef] = (),
    api_key: str | None = None,
    session: Session | None = None,
    mind: Mind | None = None,
    seed: int | None = None,
    pace_s: float = 3.0,
    tell: Tell = silent,
) -> None:
    """Trade ``markets``, and all markets of ``events``, until cancelled, and then withdraw. Without
    a mind, as noise.

    Raises ApiError if the exchange refuses this bot, Unreachable if there is no exchange.
    """
    rng = random.Random(seed)
    async with connect(
        url, markets, rng, events=events, api_key=api_key, session=session, tell=tell
    ) as at:
        trader = Trader(at, mind or Noise(rng), rng, pace_s)
        try:
            await together(at.listen(), trader.run())
        finally:
            await withdraw(at)
