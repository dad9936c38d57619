"""The budget of reads: READ_RATE_LIMIT by user; a fifth of it by address for anonymous clients.

A read costs 1, and a hundredth more for each row of its answer. Costs are integers, counted in
hundredths. A request pays before it begins, and is refused when the budget is empty. Often the
number of rows is known only afterwards; then the request pays for them as far as the budget goes.

No read waits for Redis: it borrows permits that are not leased yet (redis_leases.py).
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

from predmarket.contracts.events import EventHoldingList
from predmarket.server.gateway.limits.local_window import LocalWindow
from predmarket.server.gateway.limits.rate_limited import too_many
from predmarket.server.gateway.limits.redis_leases import RedisLeases
from predmarket.server.redis.client import Redis, RedisUnavailable
from predmarket.server.setting_types import RateLimit

REQUEST = 100
"""The cost of a request, in rows."""
ANONYMOUS_PART = 5
"""An address has the budget of a user divided by this."""

K = TypeVar("K", bound=Hashable)


class _Budget(Generic[K]):
    """A limit on rows, counted for each key; ``here`` counts without Redis."""

    def __init__(self, name: str, limit: RateLimit, redis: Redis | None) -> None:
        self.here: LocalWindow[K] = LocalWindow(limit)
        self._permits = None if redis is None else RedisLeases[K](name, limit, redis)

    def take(self, key: K, cost: int) -> float:
        """Take permits, all or none; return 0, or the seconds until the next try makes sense."""
        if self._permits is not None:
            try:
                return self._permits.borrow(key, cost)
            except RedisUnavailable:
                pass
        return self.here.take(key, cost)


class ReadLimit:
    """The budgets of ``users`` and addresses; None without a limit."""

    def __init__(self, limit: RateLimit | None, redis: Redis | None) -> None:
        self.users: _Budget[int] | None = None
        self._addresses: _Budget[str] | None = None
        if limit is not None:
            whole = limit.times * REQUEST
            part = max(whole // ANONYMOUS_PART, REQUEST)
            self.users = _Budget("reads", RateLimit(whole, limit.seconds), redis)
            self._addresses = _Budget("reads-by-address", RateLimit(part, limit.seconds), redis)

    def take(self, user_id: int | None, address: str, rows: int = 0) -> None:
        """Pay for a request and for the ``rows`` of its answer that are known beforehand.

        Raises Refusal RATE_LIMITED; then nothing was paid.
        """
        self.pay(user_id, address, REQUEST + rows)

    def pay(self, user_id: int | None, address: str, rows: int) -> None:
        """Pay for rows before they are read. Raises Refusal RATE_LIMITED."""
        wait = self._take(user_id, address, rows)
        if wait:
            raise too_many(wait)

    def charge(self, user_id: int | None, address: str, rows: int) -> None:
        """Pay for the rows of an answer, as far as the budget goes."""
        for paid in range(0, rows, REQUEST):
            if self._take(user_id, address, min(REQUEST, rows - paid)):
                return

    def _take(self, user_id: int | None, address: str, cost: int) -> float:
        if user_id is not None:
            return 0.0 if self.users is None else self.users.take(user_id, cost)
        return 0.0 if self._addresses is None else self._addresses.take(address, cost)


class Reader:
    """Pays for the reads of one client, which may be anonymous first and a user later."""

    __slots__ = ("_address", "limit", "user_id")

    def __init__(self, limit: ReadLimit, address: str) -> None:
        self.limit = limit
        self._address = address
        self.user_id: int | None = None

    def take(self, rows: int = 0) -> None:
        """Pay for a request (ReadLimit.take). Raises Refusal RATE_LIMITED."""
        self.limit.take(self.user_id, self._address, rows)

    def pay(self, rows: int) -> None:
        """Pay for rows before they are read. Raises Refusal RATE_LIMITED."""
        self.limit.pay(self.user_id, self._address, rows)

    def charge(self, rows: int) -> None:
        """Pay for rows (ReadLimit.charge)."""
        self.limit.charge(self.user_id, self._address, rows)


def rows_of(answer: object) -> int:
    """Return the number of rows in an answer: a list's items, a book's levels, an event's markets,
    and what each of them would pay.
    """
    if isinstance(answer, EventHoldingList):
        return sum(len(item.payoffs) for item in answer.items)
    parts = (getattr(answer, name, None) for name in ("items", "bids", "asks", "markets"))
    return sum(len(part) for part in parts if isinstance(part, list))
