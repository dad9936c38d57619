"""The core: one queue, one engine, one commit after the other, and replies after each commit.

Two tasks share the state in pipeline_state.py. The decider takes waiting commands, and the
sequencer executes them into the forming batch. The committer seals that batch whenever the database
has room for one more. So the next batch is decided while others commit, and batches grow with the
load.

Invariants:
- nothing is answered, and nothing reaches the market view or the outlet, before its batch's
  commit returned;
- commands are executed in the order they were taken;
- there is one repair path (commit_repair.py);
- the queue, a batch and the wait for a reply are bounded.

This module is the core's interface and its start and stop. docs/architecture.md shows the path of
an order through it.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from predmarket.engine.commands import Command
from predmarket.server.clock import Clock
from predmarket.server.core.advance import Advance
from predmarket.server.core.bus import Bus, BusReply, OutcomeUnknown, Overloaded
from predmarket.server.core.commit_repair import CommitRepair
from predmarket.server.core.committer import Committer
from predmarket.server.core.decider import Decider
from predmarket.server.core.known_batch import KnownBatch
from predmarket.server.core.leadership import LEASE_S, Leadership
from predmarket.server.core.pending_command import PendingCommand
from predmarket.server.core.pipeline_state import PipelineState
from predmarket.server.core.ports import NullObserver, NullOutlet, Observer, Outlet
from predmarket.server.core.sequencer import MAX_BATCH
from predmarket.server.core.standby import Standby
from predmarket.server.core.status import CoreStatus
from predmarket.server.core.stores.base import CoreRow, Store, StoreError
from predmarket.server.core.stream_position import StreamPosition
from predmarket.server.core.takeover import Takeover
from predmarket.server.read_model.market_view import MarketView
from predmarket.units import Micros

log = logging.getLogger(__name__)

REPLY_LIMIT_S = 5.0
"""Seconds that a gateway waits for a reply; a command that has not begun by then never begins."""
MAX_QUEUE = 10_000
_SWEEP_S = 0.25
_LOOK_S = 5.0
"""Seconds between two looks at the database's durability: a standby comes and goes."""


class Core(Bus):
    """The leading core; also the bus within one process (``submit``)."""

    def __init__(
        self,
        store: Store,
        leadership: Leadership,
        view: MarketView,
        *,
        clock: Clock | None = None,
        max_batch: int = MAX_BATCH,
        max_queue: int = MAX_QUEUE,
        reply_limit_s: float = REPLY_LIMIT_S,
        observer: Observer | None = None,
        outlet: Outlet | None = None,
        gateways_elsewhere: bool = False,
        standby: Standby | None = None,
        known: Sequence[KnownBatch] = (),
    ) -> None:
        """Prepare a core.

        ``gateways_elsewhere`` means that gateways are other processes: they may outlive a core, and
        their commands come by ``receive``. ``standby`` holds the copy that followed the journal.
        ``known`` are batches that the database must have, as somebody was told of them."""
        clock = clock or Clock()
        self.pipeline = PipelineState(
            store, view, clock, max_batch, observer or NullObserver(), outlet or NullOutlet()
        )
        """The state that the core's tasks share."""
        self._leadership = leadership
        self._gateways_elsewhere = gateways_elsewhere
        self._takeover = Takeover(store, leadership, clock, standby, known)
        self._decider = Decider(self.pipeline)
        self._advance = Advance(self.pipeline)
        self._committer = Committer(self.pipeline, CommitRepair(self.pipeline, self._takeover))
        self.max_queue = max_queue
        """The most commands that may wait."""
        self._reply_limit = int(reply_limit_s * 1_000_000)
        self._ids = f"{secrets.token_hex(6)}-"
        self._id_count = 0
        self._stopping = False
        self._led_at = 0.0
        self.connections: frozenset[str] = frozenset()
        """The connections that had tied orders when the core began."""
        self.uncommitted = 0
        """Accepted commands that were left undone at the stop."""
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[None]] = []

    # the gateways' side

    def enqueue(
        self,
        command: Command,
        *,
        follows: "asyncio.Future[BusReply] | None" = None,
        early: bool = False,
    ) -> "asyncio.Future[BusReply]":
        """Queue a command; return the future of its reply after the commit (``Bus.enqueue``)."""
        pipeline = self.pipeline
        if self._stopping or pipeline.waiting >= self.max_queue:
            raise Overloaded("too many commands wait")
        pending = self._pending("", command, self._reply_limit, pipeline.received)
        pending.follows = None if follows is None else pipeline.live.get(follows)
        pending.early = early
        pipeline.enqueue(pending)
        return pending.reply

    def _pending(
        self, id: str, command: Command, limit: Micros, position: StreamPosition | None
    ) -> PendingCommand:
        self._id_count += 1
        return PendingCommand(
            id or f"{self._ids}{self._id_count}",
            self._id_count,
            command,
            self.pipeline.clock.elapsed() + limit,
            asyncio.get_running_loop().create_future(),
            position,
        )

    # the command stream's side

    def receive(
        self,
        id: str,
        command: Command,
        deadline: Micros,
        position: StreamPosition,
        *,
        follows: "asyncio.Future[BusReply] | None" = None,
        early: bool = False,
    ) -> "asyncio.Future[BusReply] | None":
        """Queue a command of the stream; None: its deadline has passed, and it will not begin.

        ``id`` is unique for ever. ``position`` is the stream's position once the command is
        processed. The caller awaits ``wait_for_queue`` first, because this method does not refuse.
        """
        pipeline, left = self.pipeline, deadline - self.pipeline.clock.now()
        pipeline.received = position
        pending = self._pending(id, command, min(left, self._reply_limit), position)
        pending.follows = None if follows is None else pipeline.live.get(follows)
        pending.early = early
        if left <= 0:
            pending.reply.cancel()
        pipeline.enqueue(pending)
        return None if left <= 0 else pending.reply

    async def wait_for_queue(self, waiting: int) -> None:
        """Return once at most this many commands wait."""
        await self.pipeline.until(lambda: self.pipeline.waiting <= waiting)

    async def move_to(self, position: StreamPosition) -> None:
        """Commit a stream position that no command brought.

        Commands received before it and not committed yet still run, but another core does not run
        them again: nobody was told of them.
        """
        pipeline = self.pipeline

        def moved() -> bool:
            if pipeline.committed.position >= position:
                return True
            if not pipeline.broken:  # sent again after a repair; a second time changes nothing
                pipeline.sequencer.advance(position)
                pipeline.sealable.set()
            return False

        await pipeline.until(moved)

    @property
    def committed_position(self) -> StreamPosition:
        """Return the committed position in the command stream."""
        return self.pipeline.committed.position

    @property
    def committed(self) -> CoreRow:
        """Return the row of the last batch that was committed and acknowledged."""
        return self.pipeline.committed

    @property
    def clock(self) -> str:
        """Return the name of the exchange's clock."""
        return self.pipeline.clock.kind

    def now(self) -> Micros:
        """Return the exchange's time."""
        return self.pipeline.clock.now()

    async def advance(self, moment: Micros) -> Micros:
        """Move a laboratory's clock forward to ``moment``; return the time, at which everything due
        is committed.

        Raises NotMovable, OutcomeUnknown.
        """
        moving = asyncio.create_task(self._advance.to(moment))
        await asyncio.wait((moving, self._failed), return_when=asyncio.FIRST_COMPLETED)
        if not moving.done():
            moving.cancel()
            raise OutcomeUnknown("the core has stopped")
        return moving.result()

    def status(self) -> CoreStatus:
        """Return the core's status."""
        pipeline, committed = self.pipeline, self.pipeline.committed
        sure_to_lead = time.monotonic() - self._led_at < self._leadership.renew_every_s + LEASE_S
        broken = pipeline.broken or pipeline.commit_hangs or self._stopping or self._failed.done()
        ahead = pipeline.clock.ahead(committed.last_time)
        durability = self._takeover.durability.lacking(pipeline.behind)
        return CoreStatus(
            leader=self._leadership.holder,
            epoch=committed.epoch,
            batch=committed.last_batch,
            sequence=committed.last_seq,
            healthy=sure_to_lead and not broken and not ahead,
            durable=durability.durable,
            durability=durability.settings,
            waiting=pipeline.waiting,
            ahead=ahead,
        )

    # life

    async def start(self, before_load: Callable[[], None] | None = None) -> None:
        """Take the lead, load the state and begin to work.

        ``before_load`` runs in between, when nobody else can be using the database.
        Raises LeaseHeld, StoreError, LoadError.
        """
        takeover = self._takeover
        leading: asyncio.Task[None] | None = None
        try:
            await takeover.lead()
            self._led_at = time.monotonic()
            leading = asyncio.create_task(self._lead())  # keeps the lease during a long load
            if before_load is not None:
                await takeover.run(before_load)
            loaded = await takeover.load()
            self.connections = frozenset(loaded.stored.state.ties.connections)
            if not self._gateways_elsewhere:
                # The gateway was the process that led before, so its connections have ended.
                self.pipeline.disconnected = self.connections
            self.pipeline.install(loaded)
            self.pipeline.outlet.reloaded(loaded.recent)
            if leading.done():
                leading.result()
        except BaseException:
            if leading is not None:
                leading.cancel()
            await takeover.close()
            raise
        loops = (self._decider.run, self._committer.run, self._sweep)
        self._tasks = [leading, *(asyncio.create_task(loop()) for loop in loops)]
        for task in self._tasks:
            task.add_done_callback(self._task_ended)

    async def stop(self, limit_s: float = 60) -> None:
        """Commit the accepted commands, then release the database and the lead; only once.

        Commands that are not committed within ``limit_s`` are abandoned: nobody was told of them.
        """
        if not self._tasks:
            return
        pipeline = self.pipeline
        self._stopping = True
        pipeline.sealable.set()
        # A broken core with nothing to commit has nothing to wait for, and perhaps no database.
        drained = asyncio.create_task(
            pipeline.until(lambda: pipeline.idle or (pipeline.broken and not pipeline.uncommitted))
        )
        await asyncio.wait(
            (drained, self._failed), timeout=limit_s, return_when=asyncio.FIRST_COMPLETED
        )
        tasks, self._tasks = [drained, *self._tasks], []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.uncommitted = pipeline.uncommitted
        if self.uncommitted:
            log.error("stopped_with_uncommitted", extra={"commands": self.uncommitted})
        pipeline.abandon()
        self._decider.disarm()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._takeover.close(), limit_s)
        self._takeover.end()

    @property
    def trouble(self) -> str:
        """Return the database's last error when it refused a batch, "" if it never did."""
        return self.pipeline.trouble

    async def failed(self) -> None:
        """Wait until the core cannot go on; raise the reason (Deposed, LoadError, CoreDefect)."""
        await asyncio.shield(self._failed)

    def _task_ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Give up: this core must decide nothing more."""
        if not self._failed.done():
            log.critical("core_failed", exc_info=error)
            self._failed.set_exception(error)
            self._failed.exception()  # mark as seen; failed() raises it to whoever asks
        self._stopping = True
        self.pipeline.abandon()
        for task in self._tasks:
            task.cancel()

    async def _sweep(self) -> None:
        """Bound the wait for replies."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            self.pipeline.expire()

    async def _lead(self) -> None:
        """Renew the lead; Deposed ends the core."""
        loop, looked = asyncio.get_running_loop(), time.monotonic()
        while True:
            await asyncio.sleep(self._leadership.renew_every_s)
            with suppress(StoreError):  # the next commit meets it too, and is repaired
                await loop.run_in_executor(None, self._leadership.renew)
                self._led_at = time.monotonic()
                if self._led_at - looked >= _LOOK_S:
                    found = await loop.run_in_executor(None, self._leadership.durability)
                    if found is not None:
                        self._takeover.found(found)
                    looked = self._led_at
