"""The state that the core's tasks share: pending commands, the engine, and the committed position.

Each command is one ``PendingCommand`` (pending_command.py), which knows its stage. ``live`` holds
the unfinished commands in the order they arrived, ``queue`` the commands to be taken next.

Everything here happens on the event loop; between two awaits nothing changes.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

from predmarket.server.clock import Clock
from predmarket.server.core.batch import Batch
from predmarket.server.core.bus import BusReply, Faulted, OutcomeUnknown
from predmarket.server.core.idempotency import IdempotencyIndex
from predmarket.server.core.pending_command import PendingCommand, Stage
from predmarket.server.core.ports import Observer, Outlet
from predmarket.server.core.quote_rows import QuoteRows
from predmarket.server.core.sequencer import Sequencer
from predmarket.server.core.stores.base import CoreRow, Store
from predmarket.server.core.stream_position import StreamPosition
from predmarket.server.core.takeover import Loaded
from predmarket.server.read_model.announcements import Counts
from predmarket.server.read_model.market_view import MarketView

log = logging.getLogger(__name__)

HANGS_S = 2.0
"""Seconds after which a running commit means that the database is in trouble."""
_MIN_BATCH = 16
"""Minimum batch size: below it the fixed cost of a commit dominates."""


class PipelineState:
    """The pending commands, and the events by which the tasks wake each other.

    ``arrived`` wakes the decider, ``sealable`` the committer. ``under_way`` are the batches in
    commit, in order, as many as the store takes. ``broken`` means that memory cannot be trusted
    until it is repaired. ``behind`` says what was acknowledged and is not in the database.
    ``failures`` counts consecutive failed commits.
    ``disconnected`` are the connections that had tied orders when this core began. ``received`` is
    how far the command stream has been read into the queue, None without a stream.
    """

    sequencer: Sequencer
    committed: CoreRow

    def __init__(
        self,
        store: Store,
        view: MarketView,
        clock: Clock,
        max_batch: int,
        observer: Observer,
        outlet: Outlet,
    ) -> None:
        self.store = store
        self.view = view
        self.clock = clock
        self.observer = observer
        self.outlet = outlet
        self.repeats = IdempotencyIndex(store)
        self.queue: deque[PendingCommand] = deque()
        self.live: dict[asyncio.Future[BusReply], PendingCommand] = {}
        self.disconnected: frozenset[str] = frozenset()
        self.received: StreamPosition | None = None
        self.under_way: deque[Batch] = deque()
        self.commit_began: float | None = None
        self.broken = False
        self.trouble = ""
        self.behind = ""
        self.failures = 0
        self.arrived = asyncio.Event()
        self.sealable = asyncio.Event()
        self.looking_up = asyncio.Lock()
        self._max_batch = max_batch
        self._progress = asyncio.Condition()

    def install(self, loaded: Loaded) -> None:
        """Make the loaded state the present one."""
        self.committed = loaded.core
        self.sequencer = Sequencer(
            loaded.stored,
            loaded.core,
            self.repeats,
            self.clock,
            self._max_batch,
            self.disconnected,
            QuoteRows(loaded.outbox),
        )
        stored = loaded.stored
        announced = Counts(loaded.core.counters.markets_seq, loaded.core.group_seqs)
        self.view.reload(stored.markets(), stored.events(), announced)
        self.broken, self.behind = False, ""
        self.arrived.set()

    @property
    def has_batch(self) -> bool:
        """Tell whether there is anything to commit or to answer."""
        return not self.sequencer.batch.empty

    @property
    def all_answered(self) -> bool:
        """Tell whether everything decided is committed and answered."""
        return not (self.under_way or self.has_batch)

    @property
    def idle(self) -> bool:
        """Tell whether nothing is left to do."""
        self.forget_over()
        return not (self.live or self.broken) and self.all_answered

    @property
    def waiting(self) -> int:
        """Return the number of accepted commands that have not begun."""
        return len(self.queue) + self.sequencer.waits

    @property
    def uncommitted(self) -> int:
        """Return the number of accepted commands whose last step is not committed."""
        self.forget_over()
        return len(self.live)

    def enqueue(self, pending: PendingCommand) -> None:
        """Queue a command."""
        self.queue.append(pending)
        self.live[pending.reply] = pending
        self.arrived.set()

    def forget_over(self) -> None:
        """Remove the commands that were answered or dropped from ``live``."""
        over = [reply for reply, pending in self.live.items() if pending.over]
        for reply in over:
            del self.live[reply]

    @property
    def quota(self) -> int:
        """Return how many more commands the forming batch should take for now.

        While other batches commit, the forming one takes its share of all pending commands and
        leaves the rest to the next one. Otherwise a large and a small batch would alternate for
        ever, and during the small one's commit the core would soon be idle.
        """
        capacity = self.sequencer.capacity_left
        if not self.under_way:
            return capacity
        taken = [len(batch.decided) + len(batch.answers) for batch in self.batches]
        share = (len(self.queue) + sum(taken)) // (self.store.at_once + 1) + 1
        return min(capacity, max(share, _MIN_BATCH) - taken[-1])

    @property
    def quota_spent(self) -> bool:
        """Tell whether the forming batch is to take nothing more for now."""
        return self.sequencer.batch_full or self.quota <= 0

    @property
    def batches(self) -> list[Batch]:
        """Return the decided, uncommitted batches, in order."""
        return [*self.under_way, self.sequencer.batch]

    @property
    def commit_hangs(self) -> bool:
        """Tell whether a commit has lasted so long that the database must be in trouble."""
        return self.commit_lasts > HANGS_S

    @property
    def commit_lasts(self) -> float:
        """Return the seconds that the running commit has lasted, 0 when there is none."""
        return 0.0 if self.commit_began is None else time.monotonic() - self.commit_began

    def break_off(self, error: Exception) -> None:
        """Stop deciding; the repair begins as soon as no commit is running."""
        log.warning("core_recovering", extra={"error": str(error)})
        self.broken = True
        self.trouble = str(error)
        self.sealable.set()

    def drop(self, pending: PendingCommand, error: Exception) -> None:
        """Give up on a command that fails even alone; it will not be run again."""
        log.error("command_dropped", extra={"command": repr(pending.command)}, exc_info=error)
        pending.drop(Faulted("the command met a defect and was dropped"))

    def requeue(self) -> None:
        """Queue the commands to be decided again, in the order they arrived."""
        again = [pending for pending in self.live.values() if pending.stage is Stage.QUEUED]
        self.queue = deque(sorted(again, key=lambda pending: pending.number))

    def abandon(self) -> None:
        """Tell all waiting callers that there will be no reply."""
        for pending in self.live.values():
            pending.drop(OutcomeUnknown("the core has stopped"))

    def expire(self) -> None:
        """Answer OUTCOME_UNKNOWN to callers whose wait is over."""
        now = self.clock.elapsed()
        self.forget_over()
        for pending in self.live.values():
            pending.expire(now)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once the condition holds; each ``notify`` checks it."""
        async with self._progress:
            await self._progress.wait_for(condition)

    async def notify(self) -> None:
        """Make every ``until`` check its condition again."""
        async with self._progress:
            self._progress.notify_all()
