"""The sender: a gateway's bus over Redis. It sends commands and gives the follower's replies.

Invariants:
- a command is sent at most once; if it is unknown whether it arrived, its outcome is unknown until
  a reply comes or its time is up;
- Overloaded means that the command did not arrive: it was not sent, or the stream is gone;
- waiting commands are bounded, by their number here and by the length of the stream;
- a deadline is in the core's time (core_status.py); the wait for a reply counts elapsed time.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TypeAlias

from redis.exceptions import ResponseError

from predmarket.engine.commands import Command
from predmarket.server.clock import elapsed
from predmarket.server.core.bus import Bus, BusError, BusReply, OutcomeUnknown, Overloaded
from predmarket.server.core.core import MAX_QUEUE, REPLY_LIMIT_S
from predmarket.server.redis.client import FAILURES, end
from predmarket.server.redis_bus import limits, messages
from predmarket.server.redis_bus.connection import BusConnection
from predmarket.server.redis_bus.core_status import KnownCoreStatus
from predmarket.server.redis_bus.gateway_liveness import BEAT_KEPT_MS, BEAT_S
from predmarket.server.redis_bus.messages import Parcel, Request
from predmarket.units import Micros

log = logging.getLogger(__name__)

_SWEEP_S = 0.25

Reply: TypeAlias = "asyncio.Future[BusReply]"


class Sender(Bus):
    """The bus of one gateway (bus.Bus), and its heartbeat."""

    def __init__(
        self,
        gateway: str,
        connection: BusConnection,
        core: KnownCoreStatus,
        *,
        max_queue: int = MAX_QUEUE,
        reply_limit_s: float = REPLY_LIMIT_S,
    ) -> None:
        """Prepare the bus; ``gateway`` is a name that is unique for ever."""
        self._gateway = gateway
        self.connection = connection
        self._core = core
        self._max_queue = max_queue
        self.reply_limit: Micros = int(reply_limit_s * 1_000_000)
        """How long a caller waits for a reply."""
        self._count = self._gone = 0
        self._leaving: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._pending: dict[int, tuple[Micros, Reply]] = {}
        self._outgoing: deque[tuple[Request, Reply]] = deque()
        self._wake = asyncio.Event()
        self._stopping = False
        self._away = False
        self._length = 0
        self._tasks: list[asyncio.Task[None]] = []

    # the routes' side

    def enqueue(
        self, command: Command, *, follows: "Reply | None" = None, early: bool = False
    ) -> Reply:
        """Send a command; return the future of its reply after the commit (``Bus.enqueue``)."""
        if self._stopping or len(self._pending) >= self._max_queue:
            raise Overloaded("too many commands wait")
        if self._length >= limits.MAX_COMMANDS:
            raise Overloaded("too many commands wait for the core")
        if self._away or not self._core.stream:
            raise Overloaded("no core is heard of")
        self._count += 1
        reply: Reply = asyncio.get_running_loop().create_future()
        self._pending[self._count] = elapsed() + self.reply_limit, reply
        request = Request(
            self._count, self._core.now() + self.reply_limit, command, follows is not None, early
        )
        self._outgoing.append((request, reply))
        self._wake.set()
        return reply

    # the follower's side

    def answer(self, number: int, outcome: BusReply | BusError) -> None:
        """Give the reply to a command, if its caller still waits."""
        _, reply = self._pending.pop(number, (0, None))
        if reply is None or reply.done():
            return
        if isinstance(outcome, BusError):
            reply.set_exception(outcome)
        else:
            reply.set_result(outcome)

    def waits_for(self, number: int) -> bool:
        """Tell whether a command's caller still waits for the reply."""
        return number in self._pending

    # life

    def start(self) -> "list[asyncio.Task[None]]":
        """Begin to send and to show that this gateway is alive; return what never ends."""
        steps: tuple[Callable[[], Coroutine[object, object, None]], ...]
        steps = (self._send, self._beat, self._sweep)
        self._tasks = [asyncio.create_task(step()) for step in steps]
        return self._tasks

    async def stop(self, limit_s: float) -> None:
        """Take no more commands; wait up to ``limit_s`` for the outstanding replies."""
        self._stopping = True
        waiting = [reply for _, reply in self._pending.values() if not reply.done()]
        if waiting:
            await asyncio.wait(waiting, timeout=limit_s)
        await end(*self._tasks)
        for _, reply in self._pending.values():
            _fail(reply, OutcomeUnknown("the gateway stops"))

    async def sent(self) -> None:
        """Return once all earlier commands are in the stream, or were refused."""
        last = self._count
        if last <= self._gone:
            return
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._leaving.append((last, gone))
        await gone

    def _left(self) -> None:
        """Wake the callers of ``sent`` whose commands have left."""
        first = self._outgoing[0][0].number if self._outgoing else self._count + 1
        self._gone = first - 1
        while self._leaving and self._leaving[0][0] <= self._gone:
            _, gone = self._leaving.popleft()
            if not gone.done():
                gone.set_result(None)

    async def _send(self) -> None:
        """Add commands to the stream for ever; commands of one call are one entry."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._outgoing:
                group = self._next_group()
                if group:
                    await self._put(group)
                self._left()

    def _next_group(self) -> list[tuple[Request, Reply]]:
        """Take the next commands with waiting callers."""
        group: list[tuple[Request, Reply]] = []
        while self._outgoing and len(group) < limits.PARCEL:
            request, reply = self._outgoing.popleft()
            if reply.done():
                self._pending.pop(request.number, None)
            else:
                group.append((request, reply))
        return group

    async def _put(self, group: list[tuple[Request, Reply]]) -> None:
        """Add an entry to the stream; if the stream is gone, only consumer.py makes a new one."""
        stream = self._core.stream
        parcel = messages.encode(Parcel(self._gateway, [request for request, _ in group]))
        try:
            taken = None
            if stream:
                key = self.connection.keys.commands(stream)
                fields = {messages.PARCEL_FIELD: self.connection.mac.sign(key, parcel)}
                taken = await self.connection.client.xadd(key, fields, nomkstream=True)
        except ResponseError as error:  # out of memory, read only: it was not taken
            log.warning("Redis did not accept a command: %s", error)
            self._refuse(group)
        except FAILURES as error:
            self.connection.failed(error)
            self._away = True
            self._refuse([*self._outgoing])
            self._outgoing.clear()
        else:
            if taken is None:
                self._refuse(group)

    def _refuse(self, group: list[tuple[Request, Reply]]) -> None:
        for request, reply in group:
            self._pending.pop(request.number, None)
            _fail(reply, Overloaded("the command was not taken"))

    async def _beat(self) -> None:
        """Send heartbeats, and read the stream's length, for ever."""
        count = 0
        while True:
            count += 1
            try:
                line = self.connection.client.pipeline(transaction=False)
                key = self.connection.keys.beat(self._gateway)
                line.set(key, self.connection.mac.sign(key, b"%d" % count), px=BEAT_KEPT_MS)
                line.xlen(self.connection.keys.commands(self._core.stream))
                _, self._length = await line.execute()
            except FAILURES as error:
                self.connection.failed(error)
                self._away = True
            else:
                self.connection.worked()
                self._away = False
            await asyncio.sleep(BEAT_S)

    async def _sweep(self) -> None:
        """Answer OUTCOME_UNKNOWN to callers whose wait is over, for ever."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            now = elapsed()
            while self._pending:
                number, (until, reply) = next(iter(self._pending.items()))
                if until > now and not reply.done():
                    break
                del self._pending[number]
                _fail(reply, OutcomeUnknown("no reply in time"))


def _fail(reply: Reply, error: BusError) -> None:
    if not reply.done():
        reply.set_exception(error)
