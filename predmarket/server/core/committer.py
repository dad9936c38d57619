"""The committer: one batch after the other to the database, and the answers once each has returned.

PostgreSQL has two batches at once, so that it goes on by itself when one is done: it carries them
out in order, each a transaction of its own, and the fence has the second change nothing if the
first failed. The next is sent before the last one's answers are given.

Invariant: nothing is answered, and nothing reaches the market view or the outlet, before its
batch's commit returned, and the commits of all before it. The view comes first, then the answers,
then the outlet.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from predmarket.server.core.batch import Batch
from predmarket.server.core.pipeline_state import PipelineState
from predmarket.server.core.repair import Repair
from predmarket.server.core.sequencer import CoreDefect
from predmarket.server.core.stores.base import CoreRow, IntegrityViolation, Settlement, StoreError


@dataclass(frozen=True, slots=True)
class _Commit:
    """A batch with the database; ``settlement`` is None, and it is over, if it has only answers."""

    batch: Batch
    settlement: Settlement | None
    returned: "asyncio.Future[None]"


class Committer:
    """One task's work: from the forming batch to the replies, and repair when a commit fails."""

    def __init__(self, work: PipelineState, repair: Repair) -> None:
        self._work = work
        self._repair = repair
        self._commits: deque[_Commit] = deque()
        self._failed = False

    async def run(self) -> None:
        """Commit whatever was decided, for ever. Raises Deposed, LoadError, CoreDefect."""
        work = self._work
        try:
            while True:
                await work.sealable.wait()
                work.sealable.clear()
                committed = self._take_returned()
                if self._begin():
                    await asyncio.sleep(0)  # they are with the database before anybody is answered
                self._answer(committed)
                if work.broken:
                    await self._recover()
                await work.notify()
        finally:
            unfinished = [commit.returned for commit in self._commits]
            for returned in unfinished:
                returned.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)

    def _begin(self) -> bool:
        """Send what may be sent; tell whether anything was."""
        work, begun = self._work, False
        while work.has_batch and len(self._commits) < work.store.at_once and not work.broken:
            batch, settlement = work.sequencer.seal()
            work.under_way.append(batch)
            returned: asyncio.Future[None]
            if settlement is None:
                returned = asyncio.get_running_loop().create_future()
                returned.set_result(None)
            else:
                returned = asyncio.create_task(work.store.settle(settlement))
                if work.commit_began is None:
                    work.commit_began = time.monotonic()
            returned.add_done_callback(self._wake)
            self._commits.append(_Commit(batch, settlement, returned))
            work.arrived.set()
            begun = True
        return begun

    def _wake(self, returned: "asyncio.Future[None]") -> None:
        if not returned.cancelled():
            returned.exception()  # mark as seen; whoever looks at the result raises it
        self._work.sealable.set()

    def _take_returned(self) -> list[Batch]:
        """Return the batches that are committed now, in order; stop at one that failed."""
        work = self._work
        committed: list[Batch] = []
        while self._commits and self._commits[0].returned.done() and not self._failed:
            commit = self._commits[0]
            try:
                commit.returned.result()
            except (IntegrityViolation, StoreError) as error:
                self._failed = True
                if isinstance(error, IntegrityViolation):
                    self._suspect(commit.batch, error)
                else:
                    work.failures += 1
                work.break_off(error)
                break
            self._commits.popleft()
            if commit.settlement is not None:
                self._took_place(commit.settlement.core, commit.batch)
            committed.append(commit.batch)
        return committed

    def _took_place(self, core: CoreRow, batch: Batch) -> None:
        """Take note of a commit that has returned. The next one, if any, begins now."""
        work = self._work
        took = work.commit_lasts
        waits = any(commit.settlement is not None for commit in self._commits)
        work.commit_began = time.monotonic() if waits else None
        work.failures = 0
        work.committed = core
        work.commit_took(took)
        work.observer.settled(len(batch.entries), len(batch.history.trades))

    async def _recover(self) -> None:
        """Let what is under way end, answer what is known to be committed, reload the rest."""
        work = self._work
        if self._commits:
            await asyncio.wait([commit.returned for commit in self._commits])
        self._answer(self._take_returned())
        self._commits.clear()  # what comes behind a failure is the database's to tell
        self._failed = False
        work.commit_began = None
        await self._repair.recover()
        work.sealable.set()

    def _answer(self, committed: list[Batch]) -> None:
        """Let the view hold the batches whose commits have returned, then answer them."""
        work = self._work
        for batch in committed:
            batch.publish(work.view)
            work.repeats.committed(batch.pending())
            batch.answer()
            if batch.changes is not None:
                work.outlet.committed(batch.changes, batch.encoded)
            work.under_way.popleft()

    def _suspect(self, batch: Batch, error: IntegrityViolation) -> None:
        """Have each command of a batch that the database refuses run alone; drop one that was."""
        begun = [one for one in batch.pending() if one.parts and not one.parts[0].committed]
        if not begun:
            raise CoreDefect("the database refuses the core's own command") from error
        for one in begun:
            one.suspect = True
        if len(begun) == 1:
            self._work.drop(begun[0], error)
