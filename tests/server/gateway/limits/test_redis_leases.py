"""Permits shared through a real Redis."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

import pytest

from predmarket.server.gateway.limits.redis_leases import RedisLeases
from predmarket.server.redis.client import Redis
from predmarket.server.redis.naming import Keys
from predmarket.server.setting_types import RateLimit

T = TypeVar("T")


class WatchedRedis(Redis):
    """A connection to Redis that counts its round trips."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "redis")
        self.keys = Keys("test")
        self.trips = 0
        self.on_answer: Callable[[], None] = lambda: None

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        self.trips += 1
        answer = await super().call(ask)
        self.on_answer()
        return answer


class Gateway(RedisLeases[int]):
    """The leases of one gateway, on a clock that a test may stop and move."""

    def __init__(self, limit: RateLimit, redis: WatchedRedis) -> None:
        super().__init__("orders", limit, redis, self.time)
        self.redis = redis
        self.now: float | None = None

    def time(self) -> float:
        return time.monotonic() if self.now is None else self.now


Make = Callable[[RateLimit], Gateway]


@pytest.fixture
async def make(redis_url: str) -> AsyncIterator[Make]:
    """Return a factory of gateways, each with its own connection."""
    async with AsyncExitStack() as stack:

        def one(limit: RateLimit) -> Gateway:
            redis = WatchedRedis(redis_url)
            stack.push_async_callback(redis.close)
            return Gateway(limit, redis)

        yield one


@pytest.fixture
def chance() -> random.Random:
    """Return a random generator whose seed is printed."""
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    return random.Random(seed)


async def test_two_gateways_share_a_small_limit_exactly(make: Make) -> None:
    """Two gateways together grant exactly a small limit."""
    limit = RateLimit(5, 60)
    gateways = [make(limit), make(limit)]
    waits = [await gateways[turn % 2].take(7, 1) for turn in range(5)]
    assert waits == [0] * 5
    for gateway in gateways:
        wait = await gateway.take(7, 1)
        assert 0 < wait <= 63
    assert await gateways[0].take(8, 1) == 0


async def test_a_refusal_is_remembered_without_asking(make: Make) -> None:
    """A flood of refused orders costs no round trips."""
    gateway = make(RateLimit(5, 60))
    assert await gateway.take(7, 5) == 0
    assert await gateway.take(7, 1) > 0
    await gateway.redis.client.flushdb()
    assert await gateway.take(7, 1) > 0


async def test_a_lease_that_runs_out_on_the_way_refuses_nobody(make: Make) -> None:
    """A lease that expires during a round trip refuses nobody, because Redis refused nothing."""
    gateway = make(RateLimit(1_000, 60))
    gateway.now = now = 0.0
    for _ in range(4):  # the lease grows each time beyond the need
        assert await gateway.take(7, 1) == 0
    assert gateway.take_held(7, 1) == 0

    def late() -> None:
        gateway.redis.on_answer = lambda: None
        gateway.now = now + 60

    gateway.redis.on_answer = late
    assert await gateway.take(7, 500) == 0
    assert gateway.now == 60


async def test_a_lease_that_is_over_is_not_used(make: Make) -> None:
    """The rest of an expired lease is not used: Redis is asked again."""
    gateway = make(RateLimit(1_000, 60))
    gateway.now = now = 0.0
    for _ in range(4):
        assert await gateway.take(7, 1) == 0
    assert gateway.take_held(7, 1) == 0
    gateway.now = now + 60
    assert gateway.take_held(7, 1) is None


async def test_gateways_together_never_lease_more(make: Make) -> None:
    """Three gateways at full speed with batches never take more than the limit together."""
    limit = RateLimit(400, 60)
    gateways = [make(limit) for _ in range(3)]

    async def trade(gateway: Gateway, cost: int) -> int:
        taken = 0
        for _ in range(150):
            taken += cost if await gateway.take(7, cost) == 0 else 0
        return taken

    trades = [trade(gateway, cost) for gateway in gateways for cost in (1, 1, 3, 20)]
    taken = sum(await asyncio.gather(*trades))
    # the difference is leased and unused: at most a chunk per gateway
    assert 400 - 3 * 20 <= taken <= 400


async def test_unused_permits_return(make: Make, chance: random.Random) -> None:
    """A user with irregular orders gets the whole limit except for at most one lease."""
    gateway = make(RateLimit(400, 60))
    gateway.now = 0.0
    taken, refused = 0, False
    while not refused:
        for _ in range(chance.randint(1, 40)):
            refused = await gateway.take(7, 1) > 0
            taken += not refused
            if refused:
                break
        gateway.now += 4  # past a grain here; the clock of Redis runs on by itself
    assert 400 - 20 <= taken <= 400


async def test_few_round_trips(make: Make) -> None:
    """Leases grow for one fast user, and many users share a round trip."""
    gateway = make(RateLimit(100_000, 60))
    for _ in range(2_000):
        assert await gateway.take(7, 1) == 0
    assert gateway.redis.trips <= 12  # 1, 2, 4, …
    gateway.redis.trips = 0
    assert set(await asyncio.gather(*(gateway.take(user, 1) for user in range(150)))) == {0}
    assert gateway.redis.trips <= 2


async def test_a_permit_comes_back(make: Make) -> None:
    """A permit returns after the time that the refusal named."""
    gateway = make(RateLimit(2, 1))
    assert [await gateway.take(7, 1), await gateway.take(7, 1)] == [0, 0]
    loop = asyncio.get_running_loop()
    began, wait = loop.time(), await gateway.take(7, 1)
    assert 0 < wait <= 1.05
    while await gateway.take(7, 1) > 0:
        await asyncio.sleep(0.005)
    assert wait - 0.01 <= loop.time() - began
    assert await gateway.take(7, 100) >= 0  # a request beyond the limit counts as the limit
