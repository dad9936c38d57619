"""Permits shared through a real Redis."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from predmarket.server.gateway.limits.redis_leases import RedisLeases, _Need
from predmarket.server.redis.client import Redis
from predmarket.server.redis.naming import Keys
from predmarket.server.setting_types import RateLimit

Make = Callable[[RateLimit], RedisLeases[int]]


def named(redis: Redis) -> Redis:
    """Let a connection be an exchange's."""
    redis.keys = Keys("test")
    return redis


@pytest.fixture
async def make(redis_url: str) -> AsyncIterator[Make]:
    """Makes what one gateway has: each has a connection of its own."""
    async with AsyncExitStack() as stack:

        def one(limit: RateLimit) -> RedisLeases[int]:
            redis = named(Redis(redis_url, "redis"))
            stack.push_async_callback(redis.close)
            return RedisLeases[int]("orders", limit, redis)

        yield one


@pytest.fixture
def chance() -> random.Random:
    """Randomness whose seed a failure prints."""
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    return random.Random(seed)


async def test_two_gateways_share_a_small_limit_exactly(make: Make) -> None:
    """One by one, whichever gateway is asked."""
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
    await gateway._redis.client.flushdb()
    assert await gateway.take(7, 1) > 0


async def test_a_lease_that_runs_out_on_the_way_refuses_nobody(redis_url: str) -> None:
    """Those who asked counted on what was left of it; Redis refused nothing."""
    now = 0.0
    redis = named(Redis(redis_url, "redis"))
    gateway = RedisLeases[int]("orders", RateLimit(1_000, 60), redis, lambda: now)
    try:
        for _ in range(4):  # faster and faster: more is leased than is needed
            assert await gateway.take(7, 1) == 0
        assert gateway._leases[7].left > 0
        ask = gateway._ask

        async def slowly(needs: dict[int, list[_Need]]) -> list[int]:
            nonlocal now
            gateway._ask = ask  # type: ignore[method-assign]
            answer = await ask(needs)
            now += 60
            return answer

        gateway._ask = slowly  # type: ignore[method-assign]
        assert await gateway.take(7, 500) == 0
    finally:
        await redis.close()


async def test_a_lease_that_is_over_is_not_used(make: Make) -> None:
    """What was not used in its time counts for nothing later: Redis is asked again."""
    gateway, now = make(RateLimit(1_000, 60)), 0.0
    gateway._clock = lambda: now
    for _ in range(4):
        assert await gateway.take(7, 1) == 0
    assert gateway._leases[7].left > 1
    assert gateway.take_held(7, 1) == 0
    now += 60
    assert gateway.take_held(7, 1) is None


async def test_gateways_together_never_lease_more(make: Make) -> None:
    """Three gateways at full speed, with batches among the orders."""
    limit = RateLimit(400, 60)
    gateways = [make(limit) for _ in range(3)]

    async def trade(gateway: RedisLeases[int], cost: int) -> int:
        taken = 0
        for _ in range(150):
            taken += cost if await gateway.take(7, cost) == 0 else 0
        return taken

    trades = [trade(gateway, cost) for gateway in gateways for cost in (1, 1, 3, 20)]
    taken = sum(await asyncio.gather(*trades))
    # what is missing was leased and is left: at most a chunk a gateway
    assert 400 - 3 * 20 <= taken <= 400


async def test_what_is_not_used_goes_back(make: Make, chance: random.Random) -> None:
    """However unsteadily a user orders, they get what the limit says but for one lease."""
    gateway, now = make(RateLimit(400, 60)), 0.0
    gateway._clock = lambda: now
    taken, refused = 0, False
    while not refused:
        for _ in range(chance.randint(1, 40)):
            refused = await gateway.take(7, 1) > 0
            taken += not refused
            if refused:
                break
        now += 4  # past a grain here; the clock of Redis goes on as it does
    assert 400 - 20 <= taken <= 400


async def test_few_round_trips(make: Make) -> None:
    """Chunks for one fast user, one shared trip for many users."""
    gateway = make(RateLimit(100_000, 60))
    asked = 0
    script = gateway._script

    async def counting(**arguments: object) -> object:
        nonlocal asked
        asked += 1
        return await script(**arguments)  # type: ignore[arg-type]

    gateway._script = counting  # type: ignore[assignment]
    for _ in range(2_000):
        assert await gateway.take(7, 1) == 0
    assert asked <= 12  # 1, 2, 4, …
    asked = 0
    assert set(await asyncio.gather(*(gateway.take(user, 1) for user in range(150)))) == {0}
    assert asked <= 2


async def test_a_permit_comes_back(make: Make) -> None:
    """After the time that the refusal named."""
    gateway = make(RateLimit(2, 1))
    assert [await gateway.take(7, 1), await gateway.take(7, 1)] == [0, 0]
    loop = asyncio.get_running_loop()
    began, wait = loop.time(), await gateway.take(7, 1)
    assert 0 < wait <= 1.05
    while await gateway.take(7, 1) > 0:
        await asyncio.sleep(0.005)
    assert wait - 0.01 <= loop.time() - began
    assert await gateway.take(7, 100) >= 0  # more than the limit is the limit
