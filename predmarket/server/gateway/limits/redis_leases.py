"""Permits of users (or of addresses), counted in Redis and leased from there in chunks.

Gateways share one window for each user: a hash from grain number to permits taken, on the clock of
Redis. One script reads and writes it. A process leases some permits and then uses them up by
itself. Requests that arrive during a round trip share the next one. There is never more than one
round trip in flight, for any number of users.

Exactness:
- all gateways together never lease more than the limit in any window. Permits leased just before
  the window may be used in it too: for each gateway at most a twentieth of the limit;
- a permit comes back at most a twentieth of the window late;
- unused permits of a lease go back with the next lease; until then they count as taken. So a lease
  begins with the needed permits. It doubles while leases are used up early, up to a twentieth of
  the limit, and shrinks to the permits used. A limit below 40 is leased one by one, and so is
  exact;
- after a refusal by Redis this process refuses the user without asking, until the time that Redis
  named.
"""

import asyncio
import time
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

from predmarket.server.gateway.limits.local_window import GRAINS, MAX_KEYS
from predmarket.server.gateway.loop_turns import mark_as_seen
from predmarket.server.redis.client import CALL_SECONDS, Redis, RedisUnavailable
from predmarket.server.setting_types import RateLimit

_USERS_A_TRIP = 200
_BORROWED_PART = 5

K = TypeVar("K", bound=Hashable)

_SCRIPT = """
local limit, grain, grains = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local current = math.floor(now / grain)
local answer = {current}
for i, key in ipairs(KEYS) do
    local at = 5 * i - 1
    local first, need, want = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    local back, leased = tonumber(ARGV[at + 3]), ARGV[at + 4]
    if back > 0 and tonumber(redis.call('HGET', key, leased) or 0) >= back then
        redis.call('HINCRBY', key, leased, -back)
    end
    local taken, live = 0, {}
    local flat = redis.call('HGETALL', key)
    for j = 1, #flat, 2 do
        local number = tonumber(flat[j])
        if number + grains < current then
            redis.call('HDEL', key, flat[j])
        else
            taken = taken + tonumber(flat[j + 1])
            live[#live + 1] = {number, tonumber(flat[j + 1])}
        end
    end
    local granted = math.min(want, limit - taken)
    if granted < first then granted = 0 end
    local wait = 0
    if granted < need then
        table.sort(live, function(a, b) return a[1] < b[1] end)
        local missing = math.min(need, limit) - (limit - taken)
        for _, pair in ipairs(live) do
            missing = missing - pair[2]
            wait = math.ceil((pair[1] + grains + 1) * grain - now)
            if missing <= 0 then break end
        end
        wait = math.max(wait, 1)
    end
    if granted > 0 then
        redis.call('HINCRBY', key, string.format('%.0f', current), granted)
        redis.call('PEXPIRE', key, math.ceil(grain * (grains + 2)))
    end
    answer[2 * i], answer[2 * i + 1] = granted, wait
end
return answer
"""


class _Lease:
    """A user's permits left in this process, and the last refusal.

    At most ``part`` of ``left`` belong to the last lease, in the grain of that number; they can go
    back.
    """

    __slots__ = ("grain", "left", "part", "refused_cost", "refused_until", "size", "until")

    def __init__(self) -> None:
        self.grain = 0
        self.left = 0
        self.part = 0
        self.size = 0
        self.until = 0.0
        self.refused_cost = 0
        self.refused_until = 0.0

    def next_size(self, now: float, largest: int) -> int:
        """Return the size of the next lease, from the use of the last one."""
        if now < self.until:
            return min(2 * self.size, largest)
        return max(1, min(self.size - self.left, largest))


class _Need(NamedTuple):
    cost: int
    wait: asyncio.Future[float]


class RedisLeases(Generic[K]):
    """The leases of one limit in this process."""

    def __init__(
        self,
        name: str,
        limit: RateLimit,
        redis: Redis,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._prefix = f"{redis.keys.limits}:{name}:"
        self._times = limit.times
        self._grain_s = limit.seconds / GRAINS
        self._largest = max(1, limit.times // GRAINS)
        self._redis = redis
        self._script = redis.client.register_script(_SCRIPT)
        self._clock = clock
        self._leases: dict[K, _Lease] = {}
        self._needs: dict[K, list[_Need]] = {}
        self._trips: asyncio.Task[None] | None = None

    def take_held(self, user_id: K, cost: int) -> float | None:
        """Take leased permits, as ``take`` does; None when Redis has to be asked.

        Callers that already asked come first.
        """
        lease = self._leases.get(user_id)
        if lease is None:
            return None
        now = self._clock()
        if now < lease.until and lease.left >= cost and user_id not in self._needs:
            lease.left -= cost
            return 0.0
        if now < lease.refused_until and cost >= lease.refused_cost:
            return lease.refused_until - now
        return None

    async def take(self, user_id: K, cost: int) -> float:
        """Take permits, all or none; return 0, or the seconds until the next try makes sense.

        Raises RedisUnavailable.
        """
        held = self.take_held(user_id, cost)
        if held is not None:
            return held
        if not self._redis.up:
            raise RedisUnavailable
        return await self._need(user_id, cost)

    def borrow(self, user_id: K, cost: int) -> float:
        """Take permits as ``take`` does, but without waiting for Redis. Raises RedisUnavailable.

        Missing permits are handed out at once and requested afterwards. So during a round trip a
        user may exceed the limit by at most two fifths; after that the user is refused.
        """
        held = self.take_held(user_id, cost)
        if held is not None:
            return held
        if not self._redis.up:
            raise RedisUnavailable
        waiting = sum(need.cost for need in self._needs.get(user_id, ()))
        if waiting >= self._times // _BORROWED_PART:
            return CALL_SECONDS
        self._need(user_id, cost).add_done_callback(mark_as_seen)
        return 0.0

    def _need(self, user_id: K, cost: int) -> "asyncio.Future[float]":
        """Ask Redis for permits, together with other callers."""
        need = _Need(min(cost, self._times), asyncio.get_running_loop().create_future())
        self._needs.setdefault(user_id, []).append(need)
        if self._trips is None:
            self._trips = asyncio.create_task(self._go())
        return need.wait

    async def _go(self) -> None:
        """Make round trips as long as somebody needs permits."""
        try:
            while self._needs:
                users = list(self._needs)[:_USERS_A_TRIP]
                await self._trip({user: self._needs.pop(user) for user in users})
        finally:
            self._trips = None

    async def _trip(self, needs: dict[K, list[_Need]]) -> None:
        try:
            answer = await self._redis.call(lambda: self._ask(needs))
        except BaseException as error:
            for need in (need for waiting in needs.values() for need in waiting):
                if not need.wait.done():
                    need.wait.set_exception(RedisUnavailable())
            if isinstance(error, RedisUnavailable):
                return
            raise
        for (user, waiting), granted, wait_ms in zip(
            needs.items(), answer[1::2], answer[2::2], strict=True
        ):
            lease = self._leases[user]
            lease.grain, lease.part = answer[0], granted
            lacking = self._share(lease, waiting, granted, wait_ms / 1_000)
            if lacking:
                self._needs.setdefault(user, []).extend(lacking)

    async def _ask(self, needs: dict[K, list[_Need]]) -> list[int]:
        """Lease each user the permits that waiting callers need, or more for fast orders."""
        now = self._clock()
        arguments: list[float] = [self._times, self._grain_s * 1_000, GRAINS]
        for user, waiting in needs.items():
            lease = self._lease(user)
            next_size = lease.next_size(now, self._largest)
            back = 0
            if now >= lease.until:
                back = min(lease.left, lease.part)
                lease.left = lease.part = 0
            left, total = lease.left, sum(need.cost for need in waiting)
            size = max(total - left, next_size)
            wanted = (max(waiting[0].cost - left, 0), max(total - left, 0), size)
            arguments += [*wanted, back, lease.grain]
        keys = [f"{self._prefix}{user}" for user in needs]
        answer: list[int] = await self._script(keys=keys, args=arguments)
        return answer

    def _lease(self, user: K) -> _Lease:
        """Return a user's lease as the youngest one; the oldest goes when there is no room."""
        lease = self._leases.pop(user, None) or _Lease()
        if len(self._leases) >= MAX_KEYS:
            del self._leases[next(iter(self._leases))]
        self._leases[user] = lease
        return lease

    def _share(
        self, lease: _Lease, waiting: list[_Need], granted: int, wait_s: float
    ) -> list[_Need]:
        """Hand out leased permits; return the unserved callers that were not refused.

        During the round trip other callers took their permits, or the permits expired.
        """
        lacking: list[_Need] = []
        now = self._clock()
        lease.left = (lease.left if now < lease.until else 0) + granted
        lease.size = lease.left
        lease.until = now + self._grain_s
        for need in waiting:
            if need.wait.done():
                continue  # the caller has left
            if need.cost <= lease.left:
                lease.left -= need.cost
                need.wait.set_result(0.0)
            elif not wait_s:
                lacking.append(need)
            else:
                wait = max(wait_s, 0.001)
                lease.refused_cost, lease.refused_until = need.cost, now + wait
                need.wait.set_result(wait)
        return lacking
