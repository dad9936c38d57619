"""The core: one queue in, one engine, one commit at a time, replies after it.

Two tasks share the work. The decider takes what waits and has the sequencer carry it out into the
forming batch. The committer seals that batch whenever the last commit has returned. So the next
batch is decided while the last one commits, and batches grow by themselves with the load.

Invariants:
- nothing is answered, and nothing reaches the market view, before its batch's commit returned;
- commands are carried out in the order they were taken;
- there is one repair path, ``_recover``: raise the epoch, reload, release what was committed by
  command id, run the rest again in order;
- the queue, a batch and the wait for a reply are bounded.

Source: ARCHITECTURE, The path of an order, Recovery.
"""

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from predmarket.engine.commands import Command
from predmarket.engine.state import State
from predmarket.server.bus import BusReply, Faulted, OutcomeUnknown, Overloaded
from predmarket.server.settlement import journal, recovery
from predmarket.server.settlement.batch import Batch, Waiting
from predmarket.server.settlement.leadership import Leadership
from predmarket.server.settlement.repeats import Repeats
from predmarket.server.settlement.sequencer import (
    MAX_BATCH,
    CommandDefect,
    CoreDefect,
    Sequencer,
)
from predmarket.server.settlement.store import (
    Contradiction,
    CoreRow,
    Deposed,
    Store,
    StoreError,
)
from predmarket.server.view import MarketView
from predmarket.units import Micros

log = logging.getLogger(__name__)

REPLY_LIMIT_S = 5.0
"""How long a gateway waits for a reply; after that nobody does and the command is not begun."""
MAX_QUEUE = 10_000
_GROUP = 64
"""Commands decided at a stretch before other tasks get their turn."""
_SWEEP_S = 0.25
_RETRY_S = (0.05, 0.1, 0.2, 0.5, 1.0)

T = TypeVar("T")


def wall_clock() -> Micros:
    """Return the time in microseconds."""
    return time.time_ns() // 1_000


@dataclass(frozen=True, slots=True)
class CoreStatus:
    """What the core says of itself. ``healthy`` is false while it recovers."""

    leader: str
    epoch: int
    batch: int
    sequence: int
    healthy: bool
    durable: bool
    durability: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What a takeover found in the database."""

    core: CoreRow
    state: State
    last_ledger_id: int
    committed_ids: frozenset[str]


class Core:
    """The leader's settlement core; also the in-process bus (``submit``)."""

    def __init__(
        self,
        store: Store,
        leadership: Leadership,
        view: MarketView,
        *,
        clock: Callable[[], Micros] = wall_clock,
        max_batch: int = MAX_BATCH,
        max_queue: int = MAX_QUEUE,
        reply_limit_s: float = REPLY_LIMIT_S,
    ) -> None:
        self._store = store
        self._leadership = leadership
        self._view = view
        self._clock = clock
        self._max_batch = max_batch
        self._max_queue = max_queue
        self._reply_limit = int(reply_limit_s * 1_000_000)
        self._ids = f"{secrets.token_hex(6)}-"
        self._id_count = 0
        self._queue: deque[Waiting] = deque()
        self._outstanding: deque[Waiting] = deque()
        self._deciding: list[Waiting] = []
        self._suspects: set[str] = set()
        self._repeats = Repeats(store)
        self._committing: Batch | None = None
        self._broken = False
        self._failures = 0
        self._stopping = False
        self._work = asyncio.Event()
        self._sealable = asyncio.Event()
        self._progress = asyncio.Condition()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._alarm: asyncio.TimerHandle | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._loader = ThreadPoolExecutor(1, "load")
        self._looking_up = asyncio.Lock()
        self._durability: dict[str, str] = {}
        self._durable = False
        self._sequencer: Sequencer
        self._committed: CoreRow

    # the gateways' side

    async def submit(self, command: Command) -> BusReply:
        """Return the command's reply after its commit.

        Raises Overloaded when the queue is full, OutcomeUnknown when no reply came in time,
        Faulted when the command met a defect and was dropped.
        """
        if self._stopping or len(self._queue) >= self._max_queue:
            raise Overloaded("too many commands wait")
        self._id_count += 1
        waiting = Waiting(
            f"{self._ids}{self._id_count}",
            self._id_count,
            command,
            self._clock() + self._reply_limit,
            asyncio.get_running_loop().create_future(),
        )
        self._queue.append(waiting)
        self._outstanding.append(waiting)
        self._work.set()
        return await waiting.reply

    def status(self) -> CoreStatus:
        """Return the core's present standing."""
        return CoreStatus(
            leader=self._leadership.holder,
            epoch=self._committed.epoch,
            batch=self._committed.last_batch,
            sequence=self._committed.last_seq,
            healthy=not (self._broken or self._stopping or self._failed.done()),
            durable=self._durable,
            durability=self._durability,
        )

    # life

    async def start(self, before_load: Callable[[], None] | None = None) -> None:
        """Take the lead, load the state and begin to work.

        ``before_load`` runs in between, when nobody else can be using the database.
        Raises leadership.Held, StoreError, LoadError.
        """
        leading: asyncio.Task[None] | None = None
        try:
            await self._in_loader(self._leadership.acquire)
            leading = asyncio.create_task(self._lead())  # a long load must not outlast the lease
            if before_load is not None:
                await self._in_loader(before_load)
            self._install(await self._in_loader(self._open, None))
            if leading.done():
                leading.result()
        except BaseException:
            if leading is not None:
                leading.cancel()
            await self._in_loader(self._close)
            raise
        loops = (self._decide, self._commit, self._sweep)
        self._tasks = [leading, *(asyncio.create_task(loop()) for loop in loops)]
        for task in self._tasks:
            task.add_done_callback(self._task_ended)

    async def stop(self, limit_s: float = 60) -> None:
        """Settle what was accepted, then let go of the database and the lead; once.

        What is not settled within ``limit_s`` is left: nobody was told that it happened.
        """
        if not self._tasks:
            return
        self._stopping = True
        self._sealable.set()
        drained = asyncio.create_task(self._until(self._idle))
        await asyncio.wait(
            (drained, self._failed), timeout=limit_s, return_when=asyncio.FIRST_COMPLETED
        )
        tasks, self._tasks = [drained, *self._tasks], []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._abandon()
        if self._alarm is not None:
            self._alarm.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._in_loader(self._close), limit_s)
        self._loader.shutdown(wait=False)

    async def failed(self) -> None:
        """Wait until the core cannot go on, and raise why (Deposed, LoadError, CoreDefect)."""
        await asyncio.shield(self._failed)

    def _idle(self) -> bool:
        return not (self._queue or self._deciding or self._broken) and self._settled()

    def _settled(self) -> bool:
        return self._committing is None and self._sequencer.batch.empty

    def _task_ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Give up: this core must not decide anything any more."""
        if not self._failed.done():
            log.critical("core_failed", exc_info=error)
            self._failed.set_exception(error)
            self._failed.exception()  # mark as seen; failed() raises it to whoever asks
        self._stopping = True
        self._abandon()
        for task in self._tasks:
            task.cancel()

    def _abandon(self) -> None:
        """Tell everybody who still waits that there will be no reply."""
        committing = self._committing.waiters() if self._committing is not None else []
        forming, resolving = self._sequencer.batch.waiters(), self._sequencer.resolving.values()
        for waiting in (*self._outstanding, *committing, *forming, *resolving):
            waiting.fail(OutcomeUnknown("the core has stopped"))

    async def _in_loader(self, call: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._loader, call, *arguments)

    def _open(self, known_batch: int | None) -> _Loaded:
        """(In the loader's thread.) Raise the epoch and load what is committed.

        ``known_batch``: the last batch known to be committed, when this repairs a running core.
        """
        if known_batch is not None:
            self._leadership.renew()
        store = self._store
        store.connect()
        epoch = store.take_over()
        core = store.core_row()
        if core.epoch != epoch:
            raise Deposed("another core has taken over meanwhile")
        rows = [] if known_batch is None else store.journal_after(known_batch)
        self._durability = store.durability()
        self._durable = store.durable()
        return _Loaded(
            core,
            recovery.load(store, core),
            store.last_ledger_id(),
            frozenset(entry.id for row in rows for entry in journal.decode(row.entries)),
        )

    def _close(self) -> None:
        self._store.close()
        self._leadership.release()

    def _install(self, loaded: _Loaded) -> None:
        """Make what was loaded the present state."""
        self._committed = loaded.core
        self._sequencer = Sequencer(
            loaded.state,
            loaded.core,
            loaded.last_ledger_id,
            self._repeats,
            self._clock,
            self._max_batch,
        )
        self._view.reload(loaded.state.markets)
        self._broken = False
        self._work.set()

    # deciding

    async def _decide(self) -> None:
        while True:
            if not self._broken:
                self._set_alarm()
            await self._work.wait()
            self._work.clear()
            while not self._broken and (self._queue or self._sequencer.own_work):
                if self._sequencer.full:
                    await self._until(lambda: self._broken or not self._sequencer.full)
                    continue
                await self._decide_group()
                await asyncio.sleep(0)

    async def _decide_group(self) -> None:
        """Decide the next commands; recovery puts the group back whenever it comes between."""
        sequencer = self._sequencer
        group = self._take_group()
        alone = len(group) == 1 and group[0].id in self._suspects
        if alone:
            await self._until(self._quiet)
        try:
            if not self._broken:
                await self._look_up(group)
            if sequencer is not self._sequencer or self._broken:
                return
            left = sequencer.carry_out(group)
        except StoreError as error:
            if sequencer is self._sequencer:
                self._break(error)
            return
        except Contradiction as error:  # the database cannot even read such a key
            self._suspects.update(waiting.id for waiting in group)
            if alone:
                self._drop(group[0], error)
            self._break(error)
            return
        except CommandDefect as error:
            self._suspects.add(error.id)
            if alone:
                self._drop(group[0], error)
            self._break(error)
            return
        self._deciding = []
        self._queue.extendleft(reversed(left))
        self._sealable.set()
        if alone:
            await self._until(self._quiet)
            if not self._broken:
                self._suspects.discard(group[0].id)

    def _take_group(self) -> list[Waiting]:
        """Take the next commands that somebody still waits for; a suspect one goes alone."""
        group: list[Waiting] = []
        room = min(_GROUP, self._sequencer.room)
        while self._queue and len(group) < room:
            suspect = self._queue[0].id in self._suspects
            if suspect and group:
                break
            waiting = self._queue.popleft()
            if waiting.reply.done():
                self._suspects.discard(waiting.id)
                continue
            group.append(waiting)
            if suspect:
                break
        self._deciding = group
        return group

    async def _look_up(self, group: list[Waiting]) -> None:
        """Find out which client order ids and idempotency keys of a group are known."""
        keys = self._repeats.unknown_keys(group)
        if not any(keys):
            return
        async with self._looking_up:
            await self._repeats.look_up(keys)

    def _quiet(self) -> bool:
        return self._broken or self._settled()

    def _set_alarm(self) -> None:
        """Wake the decider when the next timer falls due."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        delay = self._sequencer.next_due_in()
        if delay is not None:
            loop = asyncio.get_running_loop()
            # Late by a millisecond rather than early: loop and wall clock do not agree to less.
            self._alarm = loop.call_later(delay / 1_000_000 + 0.001, self._work.set)

    # committing

    async def _commit(self) -> None:
        while True:
            await self._sealable.wait()
            self._sealable.clear()
            while self._broken or not self._sequencer.batch.empty:
                if self._broken:
                    await self._recover()
                else:
                    await self._commit_one()
                await self._notify()

    async def _commit_one(self) -> None:
        """Seal the forming batch, commit it, let the view hold it, then answer."""
        batch, settlement = self._sequencer.seal()
        self._committing = batch
        self._work.set()
        await self._notify()
        if settlement is not None:
            try:
                await self._store.settle(settlement)
            except Contradiction as error:
                self._suspect(batch, error)
                self._break(error)
                return
            except StoreError as error:
                self._failures += 1
                self._break(error)
                return
            self._failures = 0
            self._committed = settlement.core
        batch.publish(self._view)
        self._repeats.committed(batch.answers)
        self._committing = None
        batch.answer()

    def _suspect(self, batch: Batch, error: Contradiction) -> None:
        """Have each command of a batch that the database refuses run alone; drop one that was."""
        waiters = [waiting for waiting in batch.waiters() if not waiting.recorded]
        if not waiters:
            raise CoreDefect("the database refuses the core's own command") from error
        self._suspects.update(waiting.id for waiting in waiters)
        if len(waiters) == 1:
            self._drop(waiters[0], error)

    def _drop(self, waiting: Waiting, error: Exception) -> None:
        """Give up on a command that fails even alone; it will not be run again."""
        log.error("command_dropped", extra={"command": repr(waiting.command)}, exc_info=error)
        waiting.fail(Faulted("the command met a defect and was dropped"))
        self._suspects.discard(waiting.id)

    # repair

    def _break(self, error: Exception) -> None:
        """Stop deciding; the committer recovers as soon as no commit is in flight."""
        log.warning("core_recovering", extra={"error": str(error)})
        self._broken = True
        self._sealable.set()

    async def _recover(self) -> None:
        """Take over from oneself: release what was committed, run the rest again in order."""
        committing, forming = self._committing, self._sequencer.batch
        resolving = [*self._sequencer.resolving.values()]
        loaded = await self._open_patiently()
        ids = loaded.committed_ids
        again = [*(committing.waiters() if committing else ()), *forming.waiters(), *self._deciding]
        self._repeats.forget()
        self._committing = None
        self._deciding = []
        self._install(loaded)
        for waiting, reply in committing.answers if committing else ():
            if waiting.id in ids:
                waiting.answer(reply)
        for waiting in dict.fromkeys([*again, *resolving]):
            if waiting.held and (waiting.recorded or waiting.id in ids):
                self._sequencer.resume(waiting)
            elif waiting.held:
                waiting.held = False
                self._outstanding.appendleft(waiting)
        rerun = {w.number: w for w in again if not (w.id in ids or w.held or w.reply.done())}
        self._queue.extendleft(rerun[number] for number in sorted(rerun, reverse=True))
        log.warning("core_recovered", extra={"epoch": self._committed.epoch, "rerun": len(rerun)})

    async def _open_patiently(self) -> _Loaded:
        """Try until the database is back. Raises Deposed when another core leads by then."""
        async with self._looking_up:  # a connection is not closed under its user
            pass
        if self._failures > 1:  # the database answers but takes no batch: do not spin
            await asyncio.sleep(_RETRY_S[min(self._failures, len(_RETRY_S)) - 1])
        attempt = 0
        while True:
            try:
                return await self._in_loader(self._open, self._committed.last_batch)
            except StoreError as error:
                log.warning("database_unavailable", extra={"error": str(error)})
                await asyncio.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
                attempt += 1

    # bounds and waiting

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with self._progress:
            await self._progress.wait_for(condition)

    async def _notify(self) -> None:
        async with self._progress:
            self._progress.notify_all()

    async def _sweep(self) -> None:
        """Tell those who waited too long that the outcome is unknown."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            now = self._clock()
            outstanding = self._outstanding
            while outstanding:
                first = outstanding[0]
                if not first.reply.done() and not first.held:
                    if first.expires_at > now:
                        break
                    first.fail(OutcomeUnknown("no reply in time"))
                outstanding.popleft()

    async def _lead(self) -> None:
        """Keep the lead; Deposed ends the core."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._leadership.renew_every_s)
            with suppress(StoreError):  # the next commit meets it too, and recovers
                await loop.run_in_executor(None, self._leadership.renew)
