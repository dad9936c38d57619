"""Limits on the calls under /v1/auth: by address, by session once signed in, by account.

By address: an IPv6 client counts under its /64, and together with its neighbours under the /56 and
the /48, which have twice and four times the limit. The /64 is checked first, so a client refused
there uses up nothing of its neighbours' share.

By account: logins under one e-mail from places where its owner has not logged in before. They count
whether or not an account has that e-mail. Logins from a known place do not count, so an attacker
who guesses passwords cannot lock the owner out (routes/auth.py).

Both counts are exact. Redis keeps the time of each call (the moving window of the package limits;
it takes a round trip, which costs far less than a password's hash). The process counts by grains
(local_window.py). A refused call is not counted.
"""

import hashlib
import time
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from predmarket.server.gateway.limits.client_address import client_keys
from predmarket.server.gateway.limits.local_window import LocalWindow
from predmarket.server.gateway.limits.rate_limited import too_many
from predmarket.server.redis.client import Redis, RedisUnavailable
from predmarket.server.setting_types import RateLimit

TIER_FACTORS = (1, 2, 4)
"""Factors of the limit for a client's /64, /56 and /48."""
UNFAMILIAR_LOGINS = RateLimit(20, 3_600)
"""Logins under one e-mail from places that are unknown for its owner."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """One limit: its name in Redis, and its count in this process."""

    name: str
    item: RateLimitItem
    here: LocalWindow[str]
    message: str

    @classmethod
    def of(cls, name: str, limit: RateLimit, message: str) -> "_Rule":
        item = RateLimitItemPerSecond(limit.times, limit.seconds)
        return cls(name, item, LocalWindow(limit), message)

    @classmethod
    def tiers(cls, name: str, limit: RateLimit | None, message: str) -> "list[_Rule]":
        """Return the rules for each width of a client's network; none without a limit."""
        if limit is None:
            return []
        wider = [limit._replace(times=factor * limit.times) for factor in TIER_FACTORS]
        names = (name, f"{name}-56", f"{name}-48")
        return [cls.of(*each, message) for each in zip(names, wider, strict=True)]


class SignInLimits:
    """The limits on calls under /v1/auth.

    ``rate`` limits register and login together, by address. ``window`` limits every call, by
    session if there is one, else by address.
    """

    def __init__(
        self, rate: RateLimit | None, window: RateLimit | None, redis: Redis | None
    ) -> None:
        self.rate = _Rule.tiers(
            "sign-in",
            rate,
            f"too many sign-ins from your address: {rate} at most; the operator can raise "
            "PREDMARKET_AUTH_RATE_LIMIT, for a class behind one address",
        )
        self.window = _Rule.tiers(
            "auth", window, f"too many calls about signing in from your address: {window} at most"
        )
        self._sessions = window and _Rule.of(
            "session", window, f"too many calls about signing in by this session: {window} at most"
        )
        self._accounts = rate and _Rule.of(
            "account",
            UNFAMILIAR_LOGINS,
            "too many logins under this e-mail from unknown places; log in from where you did "
            "before, or later",
        )
        self._redis = redis
        self._shared = None if redis is None else _shared(redis)

    async def take_sign_in(self, host: str | None) -> None:
        """Count a client's registration or login. Raises Refusal RATE_LIMITED."""
        await self._take_tiers(self.rate, host)

    async def check_sign_in(self, host: str | None) -> None:
        """Refuse a client whose sign-ins or calls are used up; count nothing.

        It is for calls that count only when they fail. Raises Refusal RATE_LIMITED.
        """
        for rules in (self.window, self.rate):
            for rule, key in zip(rules, client_keys(host), strict=False):
                await self._check(rule, key)

    async def take(self, host: str | None) -> None:
        """Count a call of a client that is not signed in. Raises Refusal RATE_LIMITED."""
        await self._take_tiers(self.window, host)

    async def take_signed_in(self, credential: str) -> None:
        """Count a call by a session or key, such as ``session 7``. Raises Refusal RATE_LIMITED."""
        if self._sessions is not None:
            await self._take(self._sessions, credential)

    async def take_unfamiliar(self, email: str) -> None:
        """Count a login from a place that is unknown for its user. Raises Refusal RATE_LIMITED.

        It counts before the password is checked, because many may be checked at once.
        """
        if self._accounts is not None:  # a hash has a fixed length and keeps e-mails out of Redis
            await self._take(self._accounts, hashlib.sha256(email.encode()).hexdigest())

    async def _take_tiers(self, rules: list[_Rule], host: str | None) -> None:
        for rule, key in zip(rules, client_keys(host), strict=False):
            await self._take(rule, key)

    async def _take(self, rule: _Rule, key: str) -> None:
        try:
            wait = await self._take_shared(rule, key)
        except RedisUnavailable:
            wait = rule.here.take(key)
        if wait:
            raise too_many(wait, rule.message)

    async def _check(self, rule: _Rule, key: str) -> None:
        try:
            wait = await self._wait_shared(rule, key)
        except RedisUnavailable:
            wait = rule.here.wait(key)
        if wait:
            raise too_many(wait, rule.message)

    async def _wait_shared(self, rule: _Rule, key: str) -> float:
        redis, shared = self._redis, self._shared
        if redis is None or shared is None:
            raise RedisUnavailable
        if await redis.call(lambda: shared.test(rule.item, rule.name, key)):
            return 0.0
        return await self._reset(redis, shared, rule, key)

    async def _take_shared(self, rule: _Rule, key: str) -> float:
        redis, shared = self._redis, self._shared
        if redis is None or shared is None:
            raise RedisUnavailable
        if await redis.call(lambda: shared.hit(rule.item, rule.name, key)):
            return 0.0
        return await self._reset(redis, shared, rule, key)

    async def _reset(
        self, redis: Redis, shared: MovingWindowRateLimiter, rule: _Rule, key: str
    ) -> float:
        stats = await redis.call(lambda: shared.get_window_stats(rule.item, rule.name, key))
        return min(max(stats.reset_time - time.time(), 0.001), rule.item.get_expiry())


def _shared(redis: Redis) -> MovingWindowRateLimiter:
    """Return the counters in Redis, on the process's connection pool."""
    storage = RedisStorage(
        "async+redis://",
        implementation="redispy",
        key_prefix=redis.keys.limits,
        connection_pool=redis.client.connection_pool,  # type: ignore[arg-type]  # as documented
    )
    return MovingWindowRateLimiter(storage)
