"""What the core's tasks share: the commands on their way, the engine, and what is committed.

Each command is one ``PendingCommand`` (pending_command.py), which says where it stands. ``live``
holds the commands that are not over, in the order they came, ``queue`` those to be taken next.

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
from predmarket.server.core.sequencer import Sequencer
from predmarket.server.core.stores.base import CoreRow, Store
from predmarket.server.core.stream_position import StreamPosition
from predmarket.server.core.takeover import Loaded
from predmarket.server.read_model.market_view import MarketView

log = logging.getLogger(__name__)

HANGS_S = 2.0
"""From when on a commit under way says that something is wrong with the database."""
_UNPARTED = 16
"""So few commands go into one batch: what a commit costs whatever its size counts more."""


class PipelineState:
    """The commands on their way, and the events by which the tasks wake each other.

    ``arrived`` wakes the decider, ``sealable`` the committer. ``under_way`` are the batches with
    the database, in order, as many as the store takes. ``broken``: memory is not to be trusted
    until the committer has recovered. ``failures`` counts commits that failed in a row.
    ``disconnected`` are the connections that orders were tied to when this core began. ``received``
    is how far the command stream has been taken into the queue, None where there is none.
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
        self.failures = 0
        self.arrived = asyncio.Event()
        self.sealable = asyncio.Event()
        self.looking_up = asyncio.Lock()
        self._max_batch = max_batch
        self._progress = asyncio.Condition()

    def install(self, loaded: Loaded) -> None:
        """Make what was loaded from the database the present state."""
        self.committed = loaded.core
        self.sequencer = Sequencer(
            loaded.state,
            loaded.core,
            self.repeats,
            self.clock,
            self._max_batch,
            self.disconnected,
        )
        self.view.reload(loaded.state.markets, loaded.core.counters.markets_seq)
        self.broken = False
        self.arrived.set()

    @property
    def has_batch(self) -> bool:
        """Tell whether there is anything to commit or to answer."""
        return not self.sequencer.batch.empty

    @property
    def settled(self) -> bool:
        """Tell whether everything decided is committed and answered."""
        return not (self.under_way or self.has_batch)

    @property
    def idle(self) -> bool:
        """Tell whether nothing is left to do."""
        self.forget_over()
        return not (self.live or self.broken) and self.settled

    @property
    def waiting(self) -> int:
        """Return how many commands were accepted and are not begun."""
        return len(self.queue) + self.sequencer.waits

    @property
    def unsettled(self) -> int:
        """Return how many commands were accepted and are not committed to their last step."""
        self.forget_over()
        return len(self.live)

    def enqueue(self, pending: PendingCommand) -> None:
        """Let a command wait for its turn."""
        self.queue.append(pending)
        self.live[pending.reply] = pending
        self.arrived.set()

    def forget_over(self) -> None:
        """Remove the commands that were answered or dropped from ``live``."""
        over = [reply for reply, pending in self.live.items() if pending.over]
        for reply in over:
            del self.live[reply]

    @property
    def room(self) -> int:
        """Return how many more commands the forming batch should take.

        While others commit it takes its share of all that are on their way, and leaves the rest to
        the one behind it. Else a large batch and a small one would take turns for ever, and with
        the small one at the database there would soon be nothing left to do but wait for it.
        """
        room = self.sequencer.room
        if not self.under_way:
            return room
        taken = [len(batch.decided) + len(batch.answers) for batch in self.batches]
        share = (len(self.queue) + sum(taken)) // (self.store.at_once + 1) + 1
        return min(room, max(share, _UNPARTED) - taken[-1])

    @property
    def full(self) -> bool:
        """Tell whether the forming batch takes nothing more for now."""
        return self.sequencer.full or self.room <= 0

    @property
    def batches(self) -> list[Batch]:
        """Return what is decided and not committed, in order."""
        return [*self.under_way, self.sequencer.batch]

    @property
    def commit_hangs(self) -> bool:
        """Tell whether the database has kept a commit waiting for longer than it ever should."""
        return self.commit_lasts > HANGS_S

    @property
    def commit_lasts(self) -> float:
        """Return for how many seconds the commit under way has lasted, 0 when there is none."""
        return 0.0 if self.commit_began is None else time.monotonic() - self.commit_began

    def commit_took(self, seconds: float) -> None:
        """Take note of how long a commit took that succeeded."""
        self.observer.commit_took(seconds)

    def break_off(self, error: Exception) -> None:
        """Stop deciding; the committer recovers as soon as no commit is in flight."""
        log.warning("core_recovering", extra={"error": str(error)})
        self.broken = True
        self.trouble = str(error)
        self.sealable.set()

    def drop(self, pending: PendingCommand, error: Exception) -> None:
        """Give up on a command that fails even alone; it will not be run again."""
        log.error("command_dropped", extra={"command": repr(pending.command)}, exc_info=error)
        pending.drop(Faulted("the command met a defect and was dropped"))

    def requeue(self) -> None:
        """Queue the commands that have to be decided again, in the order they came."""
        again = [pending for pending in self.live.values() if pending.stage is Stage.QUEUED]
        self.queue = deque(sorted(again, key=lambda pending: pending.number))

    def abandon(self) -> None:
        """Tell everybody who still waits that there will be no reply."""
        for pending in self.live.values():
            pending.drop(OutcomeUnknown("the core has stopped"))

    def expire(self) -> None:
        """Tell those who waited too long that the outcome is unknown."""
        now = self.clock.elapsed()
        self.forget_over()
        for pending in self.live.values():
            pending.expire(now)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once the condition holds; it is looked at whenever something got on."""
        async with self._progress:
            await self._progress.wait_for(condition)

    async def notify(self) -> None:
        """Have those who wait in ``until`` look again."""
        async with self._progress:
            self._progress.notify_all()
