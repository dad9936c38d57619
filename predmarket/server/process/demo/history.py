"""The demo's past: some days of trades among the house's traders.

Each trade is two real orders at a past time: one rests, the other takes it whole. So the books are
empty when the exchange opens, and the market maker begins with nothing to lose.

An interrupted past continues from its last point: the database holds the last prices and the open
markets.
"""

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

from predmarket.engine.commands import CancelAll, Command, PlaceOrder, ResolveMarket, UpdateMarket
from predmarket.enums import MarketStatus, OrderType, Outcome, Side, TimeInForce
from predmarket.server.core.bus import Bus
from predmarket.server.process.demo.catalog import DAY, HOUR, MINUTE, DemoMarket, Fate
from predmarket.server.process.demo.clock import DemoClock
from predmarket.units import PRICE_ONE, QTY_ONE, Micros, Price, Qty

_SIZES = (1, 2, 3, 5, 5, 8, 10, 10, 12, 20, 25, 40)
_HALTED_AGO = 30 * MINUTE
_RESOLVED_AGO = 2 * HOUR
_PULL = 0.3
"""How much of its distance to where it began a price makes up in a day."""
_FARTHEST = 4.0
"""Log-odds beyond which no history goes: 0.982."""


class Stand(NamedTuple):
    """A market's state before its history continues."""

    id: int
    open: bool
    closes_at: Micros | None
    last_price: Price | None


def moments(begin: Micros, now: Micros, rng: random.Random) -> Iterator[Micros]:
    """Yield the times of possible trades, closer together towards ``now``."""
    at = begin
    while True:
        left = now - at
        gap = HOUR if left > DAY else 8 * MINUTE if left > 2 * HOUR else 2 * MINUTE
        at += int(gap * rng.uniform(0.6, 1.4))
        if at >= now - MINUTE // 2:
            return
        yield at


class Path:
    """One market's price through the past."""

    def __init__(self, market: DemoMarket, stand: Stand, rng: random.Random) -> None:
        self.market = market
        self.market_id = stand.id
        self.closes_at = stand.closes_at
        self.ended = not stand.open
        self._rng = rng
        self._home = self._odds = _log_odds(market.price)
        if stand.last_price is not None:
            self._odds = _log_odds(stand.last_price / PRICE_ONE)

    def move(self, passed: Micros) -> Price:
        """Let time pass and return the price of a trade now, on the tick."""
        days = passed / DAY
        if self.market.fate is Fate.RESOLVED:
            self._home += days * 0.8  # the outcome becomes clearer
        self._odds += (self._home - self._odds) * _PULL * days
        self._odds += self._rng.gauss(0, self.market.restless * math.sqrt(days) * 2)
        self._odds = max(-_FARTHEST, min(_FARTHEST, self._odds))
        tick = self.market.tick
        fair = PRICE_ONE / (1 + math.exp(-self._odds))
        ticks = round(fair / tick + self._rng.choice((-0.5, 0, 0.5)))
        return max(1, min(PRICE_ONE // tick - 1, ticks)) * tick


class History:
    """Makes the past of the demo's markets. The markets exist, and nobody else trades."""

    def __init__(
        self,
        bus: Bus,
        clock: DemoClock,
        markets: list[tuple[DemoMarket, Stand]],
        traders: list[int],
        rng: random.Random,
        admin_id: int,
    ) -> None:
        """traders: at least two user ids with money."""
        self._admin_id = admin_id
        self._bus = bus
        self._clock = clock
        self._rng = rng
        self._paths = [Path(market, stand, rng) for market, stand in markets]
        self._traders = traders
        self._held: dict[tuple[int, int], Qty] = {}

    async def make(self, begin: Micros, now: Micros) -> None:
        """Live through the past from ``begin`` up to ``now``. Raises BusError."""
        # orders left resting by an interrupted past
        await self._do([CancelAll(user) for user in self._traders])
        before = begin
        for at in moments(begin, now, self._rng):
            commands: list[Command] = []
            for path in self._paths:
                commands += self._step(path, at, at - before, now - at)
            self._clock.move_on(at)
            await self._do(commands)
            before = at

    async def _do(self, commands: list[Command]) -> None:
        for outcome in await self._bus.submit_many(commands):
            if isinstance(outcome, Exception):
                raise outcome

    def _step(self, path: Path, at: Micros, passed: Micros, ago: Micros) -> Iterator[Command]:
        market = path.market
        if path.ended:
            return
        price = path.move(passed)
        if market.fate is Fate.HALTED and ago < _HALTED_AGO:
            path.ended = True
            yield UpdateMarket(path.market_id, MarketStatus.HALTED, actor_id=self._admin_id)
        elif market.fate is Fate.RESOLVED and ago < _RESOLVED_AGO:
            path.ended = True
            yield ResolveMarket(path.market_id, Outcome.YES, actor_id=self._admin_id)
        elif path.closes_at is not None and at >= path.closes_at:
            path.ended = True  # closed by its own timer
        elif self._rng.random() < market.trades:
            yield from self._trade(path.market_id, price, at)

    def _trade(self, market_id: int, price: Price, at: Micros) -> Iterator[Command]:
        buyer, seller = self._rng.sample(self._traders, 2)
        held = self._held
        if held.get((market_id, buyer), 0) > held.get((market_id, seller), 0):
            buyer, seller = (
                seller,
                buyer,
            )  # the larger holder sells, so that no holding grows for ever
        qty = self._rng.choice(_SIZES) * QTY_ONE
        held[market_id, buyer] = held.get((market_id, buyer), 0) + qty
        held[market_id, seller] = held.get((market_id, seller), 0) - qty
        sides = [(buyer, Side.BUY), (seller, Side.SELL)]
        self._rng.shuffle(sides)
        for (user, side), tif in zip(sides, (TimeInForce.GTC, TimeInForce.IOC), strict=True):
            yield PlaceOrder(
                user,
                market_id,
                side,
                OrderType.LIMIT,
                price,
                qty,
                tif,
                client_order_id=f"past-{at}-{market_id}-{side.value.lower()}",
            )


def _log_odds(price: float) -> float:
    return math.log(price / (1 - price))
