"""The committer: sends batches to the database in order, and answers each after its commit.

PostgreSQL gets two batches at once and continues by itself after the first. It executes them in
order, each in its own transaction, and the fence stops the second if the first failed. The
committer sends the next batch before it gives the answers of the last one.

Invariant: nothing is answered, and nothing reaches the market view or the outlet, before the
commits of its batch and of all earlier ones returned. The order is: view, answers, outlet.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from predmarket.server.core.batch import Batch
from predmarket.server.core.commit_repair import CommitRepair
from predmarket.server.core.pipeline_state import PipelineState
from predmarket.server.core.sequencer import CoreDefect
from predmarket.server.core.stores.base import BatchRecord, CoreRow, IntegrityViolation, StoreError


@dataclass(frozen=True, slots=True)
class _Commit:
    """A batch in commit; a batch with only answers has no ``record`` and is over at once."""

    batch: Batch
    record: BatchRecord | None
    returned: "asyncio.Future[None]"


class Committer:
    """Commits the forming batches and replies, and repairs after a failed commit."""

    def __init__(self, pipeline: PipelineState, repair: CommitRepair) -> None:
        self._pipeline = pipeline
        self._repair = repair
        self._commits: deque[_Commit] = deque()
        self._failed = False

    async def run(self) -> None:
        """Commit decided batches for ever. Raises Deposed, LoadError, CoreDefect."""
        pipeline = self._pipeline
        try:
            while True:
                await pipeline.sealable.wait()
                pipeline.sealable.clear()
                committed = self._take_returned()
                if self._begin():
                    await asyncio.sleep(0)  # send the batches before anybody is answered
                self._answer(committed)
                if pipeline.broken:
                    await self._repair_now()
                await pipeline.notify()
        finally:
            unfinished = [commit.returned for commit in self._commits]
            for returned in unfinished:
                returned.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)

    def _begin(self) -> bool:
        """Send as many batches as the store takes; tell whether any was sent."""
        pipeline, begun = self._pipeline, False
        while (
            pipeline.has_batch
            and len(self._commits) < pipeline.store.at_once
            and not pipeline.broken
        ):
            batch, record = pipeline.sequencer.take_batch()
            pipeline.under_way.append(batch)
            returned: asyncio.Future[None]
            if record is None:
                returned = asyncio.get_running_loop().create_future()
                returned.set_result(None)
            else:
                returned = asyncio.create_task(pipeline.store.commit_batch(record))
                if pipeline.commit_began is None:
                    pipeline.commit_began = time.monotonic()
            returned.add_done_callback(self._wake)
            self._commits.append(_Commit(batch, record, returned))
            pipeline.arrived.set()
            begun = True
        return begun

    def _wake(self, returned: "asyncio.Future[None]") -> None:
        if not returned.cancelled():
            returned.exception()  # mark as seen; reading the result raises it
        self._pipeline.sealable.set()

    def _take_returned(self) -> list[Batch]:
        """Return the committed batches, in order; stop at a failed one."""
        pipeline = self._pipeline
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
                    pipeline.failures += 1
                pipeline.break_off(error)
                break
            self._commits.popleft()
            if commit.record is not None:
                self._committed(commit.record.core, commit.batch)
            committed.append(commit.batch)
        return committed

    def _committed(self, core: CoreRow, batch: Batch) -> None:
        """Record the duration of a returned commit. The next one, if any, begins now."""
        pipeline = self._pipeline
        took = pipeline.commit_lasts
        waits = any(commit.record is not None for commit in self._commits)
        pipeline.commit_began = time.monotonic() if waits else None
        pipeline.failures = 0
        pipeline.committed = core
        pipeline.observer.commit_took(took)
        pipeline.observer.batch_committed(len(batch.entries), len(batch.history.trades))

    async def _repair_now(self) -> None:
        """Await the running commits, answer the committed batches, and repair the rest."""
        pipeline = self._pipeline
        if self._commits:
            await asyncio.wait([commit.returned for commit in self._commits])
        self._answer(self._take_returned())
        self._commits.clear()  # only the database knows what was committed behind a failure
        self._failed = False
        pipeline.commit_began = None
        await self._repair.run()
        pipeline.sealable.set()

    def _answer(self, committed: list[Batch]) -> None:
        """Apply committed batches to the view, then answer them."""
        pipeline = self._pipeline
        for batch in committed:
            batch.publish(pipeline.view)
            pipeline.repeats.committed(batch.pending())
            batch.answer()
            if batch.changes is not None:
                pipeline.outlet.committed(batch.changes, batch.encoded)
            pipeline.under_way.popleft()

    def _suspect(self, batch: Batch, error: IntegrityViolation) -> None:
        """Mark the commands of a refused batch to run alone; drop one that already did."""
        begun = [one for one in batch.pending() if one.parts and not one.parts[0].committed]
        if not begun:
            raise CoreDefect("the database refuses a command of the core itself") from error
        for one in begun:
            one.suspect = True
        if len(begun) == 1:
            self._pipeline.drop(begun[0], error)
