"""Limits on the calls under /v1/auth, by the client's address.

Exact in either place: in Redis the times of a client's calls are kept one by one (the moving window
of the package limits, a round trip a call, which a password's hash outweighs by far), in the
process by grains (windows.py). A refused call is not counted.
"""

import time
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from predmarket.server.limits.refused import too_many
from predmarket.server.limits.windows import Windows
from predmarket.server.redis import Away, Redis
from predmarket.server.setting_kinds import RateLimit


@dataclass(frozen=True, slots=True)
class _Rule:
    """One limit: its name in Redis, and its count in this process."""

    name: str
    item: RateLimitItem
    here: Windows[str]

    @classmethod
    def of(cls, name: str, limit: RateLimit | None) -> "_Rule | None":
        if limit is None:
            return None
        item = RateLimitItemPerSecond(limit.times, limit.seconds)
        return cls(name, item, Windows(limit))


class AuthLimits:
    """The limits on /v1/auth: ``rate`` on register and login together, ``window`` on every call."""

    def __init__(
        self, rate: RateLimit | None, window: RateLimit | None, redis: Redis | None
    ) -> None:
        self._rate = _Rule.of("sign-in", rate)
        self._window = _Rule.of("auth", window)
        self._redis = redis
        self._shared = None if redis is None else _shared(redis)

    async def take_sign_in(self, client: str) -> None:
        """Count a register or a login. Raises Refusal RATE_LIMITED."""
        await self._take(self._rate, client)

    async def take(self, client: str) -> None:
        """Count any call. Raises Refusal RATE_LIMITED."""
        await self._take(self._window, client)

    async def _take(self, rule: _Rule | None, client: str) -> None:
        if rule is None:
            return
        try:
            wait = await self._take_shared(rule, client)
        except Away:
            wait = rule.here.take(client)
        if wait:
            raise too_many(wait)

    async def _take_shared(self, rule: _Rule, client: str) -> float:
        redis, shared = self._redis, self._shared
        if redis is None or shared is None:
            raise Away
        if await redis.call(lambda: shared.hit(rule.item, rule.name, client)):
            return 0.0
        stats = await redis.call(lambda: shared.get_window_stats(rule.item, rule.name, client))
        return min(max(stats.reset_time - time.time(), 0.001), rule.item.get_expiry())


def _shared(redis: Redis) -> MovingWindowRateLimiter:
    """Return the counters in Redis, on the connections that the process has."""
    storage = RedisStorage(
        "async+redis://",
        implementation="redispy",
        key_prefix=redis.keys.limits,
        connection_pool=redis.client.connection_pool,  # type: ignore[arg-type]  # as documented
    )
    return MovingWindowRateLimiter(storage)
