"""Limits by user, over all sessions and keys: the check on the path of every order.

Without Redis the check is a few dictionary steps (local_window.py). With Redis a process uses
permits that it leased before (redis_leases.py), so most orders need no round trip.
"""

from predmarket.server.gateway.limits.local_window import LocalWindow
from predmarket.server.gateway.limits.rate_limited import too_many
from predmarket.server.gateway.limits.redis_leases import RedisLeases
from predmarket.server.redis.client import Redis, RedisUnavailable
from predmarket.server.setting_types import RateLimit


class UserLimit:
    """A limit that counts each user separately."""

    def __init__(self, name: str, limit: RateLimit | None, redis: Redis | None) -> None:
        """Prepare a limit; ``name`` distinguishes it in Redis."""
        self._here: LocalWindow[int] | None = None if limit is None else LocalWindow(limit)
        self._redis = redis
        self._permits = (
            None if limit is None or redis is None else RedisLeases[int](name, limit, redis)
        )

    def take_now(self, user_id: int, cost: int = 1) -> bool:
        """Take permits as ``take`` does, without asking Redis; False when it has to be asked.

        Raises Refusal RATE_LIMITED.
        """
        if self._here is None:
            return True
        if self._permits is None:
            wait = self._here.take(user_id, cost)
        else:
            held = self._permits.take_held(user_id, cost)
            if held is None:
                return False
            wait = held
        if wait:
            raise too_many(wait)
        return True

    async def take(self, user_id: int, cost: int = 1) -> None:
        """Take permits for ``cost`` orders, all or none. Raises Refusal RATE_LIMITED.

        A cost above the limit (a large batch under a small limit) counts as the whole limit.
        """
        here = self._here
        if here is None:
            return
        if self._permits is None:
            wait = here.take(user_id, cost)
        else:
            try:
                wait = await self._permits.take(user_id, cost)
            except RedisUnavailable:
                wait = here.take(user_id, cost)
        if wait:
            raise too_many(wait)
