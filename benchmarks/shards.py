"""A simulation of an exchange cut into shards: several cores, each with a database of its own.

Nothing of it is built (docs/scale.md). Each market, and each account's money at first, is on one
shard. An order is carried out where its market is. If its user has no money there, a transfer comes
first, of two phases: the home shard takes a sum out, then the other puts it in, and the home shard
notes that it arrived. Each phase is a command like any other, so it waits for its batch's commit.

A shard carries out what waits for it in batches, one after the other. A batch takes a fixed time
and a time for each command; both are measured.
"""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

MAX_BATCH = 200
HOP_S = 0.0005
"""From one process to another, by way of Redis."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a batch takes: ``batch_s`` whatever its size, and ``command_s`` for each command."""

    batch_s: float
    command_s: float

    def of(self, size: int) -> float:
        """Return the seconds of a batch of ``size`` commands."""
        return self.batch_s + self.command_s * size


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who trades: market number n gets a share of orders proportional to 1 / n ** ``skew``.

    Of a user's orders in the markets of one other shard every ``per_transfer``-th needs more money.
    """

    users: int = 10_000
    markets: int = 1_000
    skew: float = 1.0
    per_transfer: int = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a simulated run gave. Latencies are from an order's arrival to its commit."""

    p50_s: float
    p99_s: float
    transfers: float
    """Transfers an order."""
    busiest: float
    """The share of the time that the busiest shard works."""


Done = Callable[[float], None]


class _Shard:
    """One core: what waits for it, and whether it works."""

    def __init__(self, clock: "_Clock", costs: Costs) -> None:
        self._clock = clock
        self._costs = costs
        self._waiting: deque[Done] = deque()
        self._works = False
        self.worked_s = 0.0

    def submit(self, now: float, done: Done) -> None:
        self._waiting.append(done)
        if not self._works:
            self._begin(now)

    def _begin(self, now: float) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
        self._works = bool(batch)
        if not batch:
            return
        took = self._costs.of(len(batch))
        self.worked_s += took
        self._clock.at(now + took, lambda then: self._commit(then, batch))

    def _commit(self, now: float, batch: list[Done]) -> None:
        for done in batch:
            done(now)
        self._begin(now)


class _Clock:
    """What happens when."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Done]] = []
        self._numbers = itertools.count()

    def at(self, when: float, do: Done) -> None:
        heapq.heappush(self._due, (when, next(self._numbers), do))

    def run(self) -> None:
        while self._due:
            when, _, do = heapq.heappop(self._due)
            do(when)


class _Run:
    """One simulated stretch of trading."""

    def __init__(self, costs: Costs, shards: int, crowd: Crowd, draw: random.Random) -> None:
        self._clock = _Clock()
        self._crowd = crowd
        self._draw = draw
        self._shards = [_Shard(self._clock, costs) for _ in range(shards)]
        self._left: dict[tuple[int, int], int] = {}
        self.latencies_s: list[float] = []
        self.transfers = 0

    def trade(self, rate: float, seconds: float) -> Outcome:
        """Let orders arrive at random for some seconds; return what became of them."""
        crowd, draw = self._crowd, self._draw
        weights = [1 / number**crowd.skew for number in range(1, crowd.markets + 1)]
        summed = list(itertools.accumulate(weights))
        homes = self._spread(weights)
        now, count = 0.0, 0
        while (now := now + draw.expovariate(rate)) < seconds:
            count += 1
            (market,) = draw.choices(range(crowd.markets), cum_weights=summed)
            self._clock.at(now, self._arrival(draw.randrange(crowd.users), homes[market]))
        self._clock.run()
        self.latencies_s.sort()
        return Outcome(
            self.latencies_s[count // 2],
            self.latencies_s[count * 99 // 100],
            self.transfers / count,
            max(shard.worked_s for shard in self._shards) / seconds,
        )

    def _spread(self, weights: list[float]) -> list[int]:
        """Return each market's shard: the one with the least to do gets the next market."""
        loads = [(0.0, number) for number in range(len(self._shards))]
        homes = []
        for weight in weights:
            load, number = heapq.heappop(loads)
            homes.append(number)
            heapq.heappush(loads, (load + weight, number))
        return homes

    def _arrival(self, user: int, shard: int) -> Done:
        home = user % len(self._shards)

        def arrive(now: float) -> None:
            if home != shard and not self._has_money(user, shard):
                self.transfers += 1
                self._shards[home].submit(now, lambda then: put_in(then, now))
                return
            place(now, now)

        def put_in(now: float, began: float) -> None:
            self._clock.at(
                now + HOP_S,
                lambda then: self._shards[shard].submit(then, lambda at: arrived(at, began)),
            )

        def arrived(now: float, began: float) -> None:
            note = self._shards[home].submit
            self._clock.at(now + HOP_S, lambda then: note(then, lambda _: None))
            place(now, began)

        def place(now: float, began: float) -> None:
            self._shards[shard].submit(now, lambda then: self.latencies_s.append(then - began))

        return arrive

    def _has_money(self, user: int, shard: int) -> bool:
        """Spend an order's worth of what the user has on a shard, if there is some."""
        left = self._left.get((user, shard))
        if left is None:  # as if they had traded before
            left = self._draw.randrange(self._crowd.per_transfer)
        self._left[user, shard] = (left or self._crowd.per_transfer) - 1
        return left > 0


def simulate(
    costs: Costs,
    shards: int,
    rate: float,
    crowd: Crowd | None = None,
    seconds: float = 1.0,
    seed: int = 1,
) -> Outcome:
    """Let ``rate`` orders a second arrive at an exchange of some shards."""
    return _Run(costs, shards, crowd or Crowd(), random.Random(seed)).trade(rate, seconds)


def most_orders(
    costs: Costs, shards: int, p99_s: float = 0.05, crowd: Crowd | None = None
) -> tuple[float, Outcome]:
    """Return the highest rate whose p99 stays within ``p99_s``, to a fiftieth, and its outcome."""
    low, high = 0.0, shards * MAX_BATCH / costs.of(MAX_BATCH)
    found = simulate(costs, shards, high / 50, crowd)
    while high - low > high / 50:
        rate = (low + high) / 2
        outcome = simulate(costs, shards, rate, crowd)
        if outcome.p99_s <= p99_s:
            low, found = rate, outcome
        else:
            high = rate
    return low, found
