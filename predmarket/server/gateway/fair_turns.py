"""Fair shares of the event loop: by client address, then by connection.

In one pass of the event loop the work for all clients together takes little more than PASS_SECONDS;
then the loop serves everything else. Work beyond that waits for a turn. The next turn goes to the
address with the smallest share of the loop so far, and within it to the connection with the
smallest share (start-time fair queueing: https://doi.org/10.1109/90.649569, in two levels). So a
client with little work is served at once, however much work others have.

A share counts from the time its owner has work: an idle owner saves nothing up.

The open connections bound the memory; each has at most a few turns.
"""

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Hashable
from functools import partial
from itertools import count
from types import coroutine
from weakref import WeakKeyDictionary, WeakValueDictionary

TURN_SECONDS = 0.002
"""The length of one connection's turn."""
PASS_SECONDS = 0.005
"""All turns together may last this long; then the event loop does its other work."""
REST_SECONDS = 0.001
"""After that, other work has the loop for at least this long, since it is many short steps one
after the other, some of them in threads. While it goes on it may have up to PASS_SECONDS."""
READ_AHEAD_BYTES = 16 * 1024
"""How much of what a connection sends while it waits for its turn is read: to pause
and resume reading for every message would cost two system calls each time."""
_IDLE_SECONDS = 0.00005
"""A round of the loop that was shorter had nothing to do."""
_RECENT = 0.1
"""The weight of the newest request in the average."""


class Turn:
    """A connection's place in the queue."""

    __slots__ = ("act",)

    def __init__(self, act: Callable[[], None]) -> None:
        self.act: Callable[[], None] | None = act

    def cancel(self) -> None:
        """Withdraw from the queue."""
        self.act = None


class _Source:
    """The share of one address, and the waiting turns of its connections.

    ``tag`` is the virtual time from which its next turn counts. ``now`` is the virtual time among
    its connections.
    """

    __slots__ = ("__weakref__", "now", "tag", "waiting")

    def __init__(self) -> None:
        self.tag = self.now = 0.0
        self.waiting: list[tuple[float, int, Turn, Share]] = []


class Share:
    """The share of one connection."""

    __slots__ = ("source", "tag")

    def __init__(self, source: _Source) -> None:
        self.source = source
        self.tag = source.now

    def charge(self, seconds: float) -> None:
        """Count work done for the connection."""
        self.tag = max(self.tag, self.source.now) + seconds
        self.source.tag += seconds


class FairTurns:
    """The queue of all connections of one event loop that have work."""

    def __init__(self) -> None:
        # No reference to the loop, so that it can be freed after it is closed.
        self._sources: WeakValueDictionary[Hashable, _Source] = WeakValueDictionary()
        self._waiting: list[tuple[float, int, _Source]] = []
        self._number = count()
        self._now = 0.0
        self._spent = 0.0
        self._begun = 0
        self._request_s = 0.0
        self._scheduled = False
        self._resting = False
        self._rest_until = 0.0
        self._rest_ends = 0.0
        self._round = 0.0

    def share(self, address: Hashable) -> Share:
        """Return a new connection's share of what its address has."""
        source = self._sources.get(address)
        if source is None:
            source = self._sources[address] = _Source()
        source.tag = max(source.tag, self._now)
        return Share(source)

    @property
    def crowded(self) -> bool:
        """Tell whether a connection with new input should wait for its turn."""
        return bool(self._waiting) or self._resting or self._is_used_up()

    def spent(self, share: Share, seconds: float) -> None:
        """Count work done for a connection without a turn."""
        source = share.source
        if not self._waiting:  # it is being served
            self._now = max(self._now, source.tag)
        if not source.waiting:
            source.now = max(source.now, share.tag)
        self._spent += seconds
        share.charge(seconds)
        self._schedule()

    def soon(self, share: Share, act: Callable[[], None]) -> Turn:
        """Take a turn when it is this connection's."""
        source, turn = share.source, Turn(act)
        if not source.waiting:
            source.tag = max(source.tag, self._now)
            heapq.heappush(self._waiting, (source.tag, next(self._number), source))
        tag = max(share.tag, source.now)
        heapq.heappush(source.waiting, (tag, next(self._number), turn, share))
        self._schedule()
        return turn

    def metered(self, share: Share, work: Coroutine[object, object, None]) -> Awaitable[None]:
        """Return the work of a task, which counts every step of it."""
        self._begun += 1
        return self._meter(share, work)

    @coroutine
    def _meter(
        self, share: Share, work: Coroutine[object, object, None]
    ) -> Generator[object, object, None]:
        go_on: Callable[[], object] = partial(work.send, None)
        step = go_on
        total, is_first = 0.0, True
        while True:
            began = time.monotonic()
            try:
                waits_for = step()
            except StopIteration:
                return
            finally:
                seconds = time.monotonic() - began
                total += seconds
                self.spent(share, seconds)
                if is_first or total > self._request_s:  # a request may never end
                    self._request_s += (total - self._request_s) * _RECENT
                is_first = False
            try:
                yield waits_for
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:  # noqa: BLE001 -- the work's to handle
                step = partial(work.throw, error)
            else:
                step = go_on

    def _is_used_up(self) -> bool:
        return self._spent + self._begun * self._request_s >= PASS_SECONDS

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._pass)

    def _pass(self) -> None:
        """Give turns until their time is used up, then leave the loop to others."""
        self._scheduled = False
        if self._resting:
            if self._is_resting():
                self._schedule()
                return
            self._resting = False
            self._spent, self._begun = 0.0, 0
        while self._waiting:
            began = time.monotonic()
            share = self._give()
            if share is not None:
                seconds = time.monotonic() - began
                self._spent += seconds
                share.charge(seconds)
                if self._is_used_up():
                    break
        if self._is_used_up():
            self._resting = True
            self._round = now = time.monotonic() - self._spent
            self._rest_until, self._rest_ends = now + REST_SECONDS, now + PASS_SECONDS
            self._schedule()
        else:
            self._spent, self._begun = 0.0, 0

    def _is_resting(self) -> bool:
        """Tell whether the loop belongs to others: for a minimum time, and while they have work.

        Steps of requests that began before do not count as others' work.
        """
        now, before = time.monotonic() - self._spent, self._round
        self._round = now
        if now >= self._rest_ends:
            return False
        return now < self._rest_until or now - before > _IDLE_SECONDS

    def _give(self) -> Share | None:
        """Give the next turn; None if none waits."""
        tag, _, source = heapq.heappop(self._waiting)
        if tag < source.tag:  # it has been charged meanwhile
            heapq.heappush(self._waiting, (source.tag, next(self._number), source))
            return None
        self._now = tag
        own, _, turn, share = heapq.heappop(source.waiting)
        source.now = own
        if source.waiting:
            heapq.heappush(self._waiting, (tag, next(self._number), source))
        if turn.act is None:
            return None
        try:
            turn.act()
        except Exception as error:  # noqa: BLE001 -- one connection's, as asyncio has it
            told = {"message": "a connection's turn failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(told)
        return share


_OF: WeakKeyDictionary[asyncio.AbstractEventLoop, FairTurns] = WeakKeyDictionary()


def fair_turns(loop: asyncio.AbstractEventLoop) -> FairTurns:
    """Return the queue of an event loop."""
    found = _OF.get(loop)
    if found is None:
        found = _OF[loop] = FairTurns()
    return found
