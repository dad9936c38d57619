"""The demo's past: some days of trades among the house's traders.

Each trade is two real orders at a past time: one rests, the other takes it whole. So the books are
empty when the exchange opens, and the market maker begins with nothing to lose.

The prices of an event's markets move together: with NONE's they add up to 1. An interrupted past
continues from its last point: the database holds the last prices and the open markets.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from predmarket.engine.commands import CancelAll, Command, PlaceOrder, ResolveMarket, UpdateMarket
from predmarket.enums import MarketStatus, OrderType, Outcome, Side, TimeInForce
from predmarket.server.core.bus import Bus
from predmarket.server.process.demo.catalog import DAY, HOUR, MINUTE, DemoMarket, Fate
from predmarket.server.process.demo.clock import DemoClock
from predmarket.server.process.demo.event_catalog import DemoEvent
from predmarket.units import PRICE_ONE, QTY_ONE, Micros, Price, Qty

_SIZES = (1, 2, 3, 5, 5, 8, 10, 10, 12, 20, 25, 40)
_HALTED_AGO = 30 * MINUTE
_RESOLVED_AGO = 2 * HOUR
_PULL = 0.3
"""How much of its distance to where it began a price makes up in a day."""
_FARTHEST = 4.0
"""Log-odds beyond which no history goes: 0.982."""
_LEAST_SHARE = 0.2
"""The least that an outcome has of the trades of a sure one."""
_LEAST_NONE = 0.001
"""The least price of NONE, whatever an interrupted past's last prices add up to."""


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


class Walk:
    """The prices of a question's outcomes through the past: they wander, and are drawn home."""

    def __init__(
        self,
        home: Sequence[float],
        last: Sequence[Price | None],
        restless: float,
        rng: random.Random,
        *,
        exhaustive: bool = False,
        rises: float = 0.0,
    ) -> None:
        """home: the price of each market, in dollars; last: where an interrupted past left off;
        rises: how far the log-odds of home rise in a day.
        """
        begin = [
            price if left is None else left / PRICE_ONE
            for price, left in zip(home, last, strict=True)
        ]
        self._home = _log_odds(home, exhaustive=exhaustive)
        self._odds = _log_odds(begin, exhaustive=exhaustive)
        self._restless = restless
        self._rises = rises
        self._none = 0.0 if exhaustive else 1.0
        self._out: set[int] = set()
        self._rng = rng

    def move(self, passed: Micros) -> None:
        """Let time pass."""
        days = passed / DAY
        for number, before in enumerate(self._odds):
            self._home[number] += days * self._rises
            odds = before + (self._home[number] - before) * _PULL * days
            odds += self._rng.gauss(0, self._restless * math.sqrt(days) * 2)
            self._odds[number] = max(-_FARTHEST, min(_FARTHEST, odds))

    def price(self, number: int) -> float:
        """Return the price of a market now, in dollars."""
        weights = {
            one: math.exp(odds) for one, odds in enumerate(self._odds) if one not in self._out
        }
        return weights[number] / (sum(weights.values()) + self._none)

    def strike(self, number: int) -> None:
        """Rule a market's outcome out."""
        self._out.add(number)


@dataclass(slots=True)
class Path:
    """One market's way through the past."""

    walk: Walk
    number: int
    """Its outcome's place in the walk."""
    stand: Stand
    tick: Price
    trades: float
    fate: Fate = Fate.TRADED
    out_ago: Micros | None = None
    ended: bool = False

    def price(self, rng: random.Random) -> Price:
        """Return the price of a trade now, on the tick."""
        fair = self.walk.price(self.number) * PRICE_ONE
        ticks = round(fair / self.tick + rng.choice((-0.5, 0, 0.5)))
        return max(1, min(PRICE_ONE // self.tick - 1, ticks)) * self.tick


def of_market(market: DemoMarket, stand: Stand, rng: random.Random) -> list[Path]:
    """Return the path of a market without an event."""
    # a resolved market's outcome becomes clearer
    rises = 0.8 if market.fate is Fate.RESOLVED else 0.0
    walk = Walk([market.price], [stand.last_price], market.restless, rng, rises=rises)
    ended = not stand.open
    return [Path(walk, 0, stand, market.tick, market.trades, market.fate, ended=ended)]


def of_event(event: DemoEvent, stands: Sequence[Stand], rng: random.Random) -> list[Path]:
    """Return the paths of an event's markets, which go together."""
    prices = [outcome.price for outcome in event.outcomes]
    last = [stand.last_price for stand in stands]
    walk = Walk(prices, last, event.restless, rng, exhaustive=event.exhaustive)
    paths = []
    for number, (outcome, stand) in enumerate(zip(event.outcomes, stands, strict=True)):
        if not stand.open:
            walk.strike(number)
        trades = event.trades * max(math.sqrt(outcome.price), _LEAST_SHARE)
        path = Path(walk, number, stand, event.tick, trades, out_ago=outcome.out_ago)
        path.ended = not stand.open
        paths.append(path)
    return paths


class History:
    """Makes the past of the demo's markets. The markets exist, and nobody else trades."""

    def __init__(
        self,
        bus: Bus,
        clock: DemoClock,
        questions: Sequence[list[Path]],
        traders: list[int],
        rng: random.Random,
        admin_id: int,
    ) -> None:
        """questions: the paths of each market, of an event's together; traders: at least two user
        ids with money.
        """
        self._admin_id = admin_id
        self._bus = bus
        self._clock = clock
        self._rng = rng
        self._questions = questions
        self._traders = traders
        self._held: dict[tuple[int, int], Qty] = {}

    async def make(self, begin: Micros, now: Micros) -> None:
        """Live through the past from ``begin`` up to ``now``. Raises BusError."""
        # orders left resting by an interrupted past
        await self._do([CancelAll(user) for user in self._traders])
        before = begin
        for at in moments(begin, now, self._rng):
            commands: list[Command] = []
            for paths in self._questions:
                paths[0].walk.move(at - before)
                for path in paths:
                    commands += self._step(path, at, now - at)
            self._clock.move_on(at)
            await self._do(commands)
            before = at

    async def _do(self, commands: list[Command]) -> None:
        for outcome in await self._bus.submit_many(commands):
            if isinstance(outcome, Exception):
                raise outcome

    def _step(self, path: Path, at: Micros, ago: Micros) -> Iterator[Command]:
        if path.ended:
            return
        market_id, closes_at = path.stand.id, path.stand.closes_at
        if path.fate is Fate.HALTED and ago < _HALTED_AGO:
            path.ended = True
            yield UpdateMarket(market_id, MarketStatus.HALTED, actor_id=self._admin_id)
        elif path.fate is Fate.RESOLVED and ago < _RESOLVED_AGO:
            path.ended = True
            yield ResolveMarket(market_id, Outcome.YES, actor_id=self._admin_id)
        elif path.out_ago is not None and ago < path.out_ago:
            path.ended = True
            path.walk.strike(path.number)
            yield ResolveMarket(market_id, Outcome.NO, actor_id=self._admin_id)
        elif closes_at is not None and at >= closes_at:
            path.ended = True  # closed by its own timer
        elif self._rng.random() < path.trades:
            yield from self._trade(market_id, path.price(self._rng), at)

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


def _log_odds(prices: Sequence[float], *, exhaustive: bool) -> list[float]:
    """Return log-odds of outcomes against NONE, or, without NONE, against their mean."""
    logs = [math.log(price) for price in prices]
    base = sum(logs) / len(logs) if exhaustive else math.log(max(1 - sum(prices), _LEAST_NONE))
    return [one - base for one in logs]
