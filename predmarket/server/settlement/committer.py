"""The committer: one commit after the other, and the answers to each once it has returned.

The database need not wait for us: the next batch, if the decider has sealed it meanwhile, is sent
before the last one's answers are given.

Invariant: nothing is answered, and nothing reaches the market view or the outlet, before its
batch's commit returned. The view comes first, then the answers, then the outlet.
"""

import asyncio
import time

from predmarket.server.settlement.batch import Batch
from predmarket.server.settlement.repair import Repair
from predmarket.server.settlement.sequencer import CoreDefect
from predmarket.server.settlement.store import Contradiction, Settlement, StoreError
from predmarket.server.settlement.work import Work


class Committer:
    """One task's work: from the forming batch to the replies, and repair when a commit fails."""

    def __init__(self, work: Work, repair: Repair) -> None:
        self._work = work
        self._repair = repair
        self._returned: Batch | None = None
        self._defect: Exception | None = None

    async def run(self) -> None:
        """Commit whatever was decided, for ever. Raises Deposed, LoadError, CoreDefect."""
        work = self._work
        while True:
            await work.sealable.wait()
            work.sealable.clear()
            while work.broken or work.has_batch:
                if work.broken:
                    await self._repair.recover()
                else:
                    await self._commit_one()
                if work.broken or not work.has_batch:
                    self._answer()
                await work.notify()

    async def _commit_one(self) -> None:
        """Commit the next batch; once it is sent, answer the one whose commit returned before."""
        work = self._work
        batch, settlement = work.take_sealed()
        work.arrived.set()
        await work.notify()
        asyncio.get_running_loop().call_soon(self._answer_meanwhile)
        committed = settlement is None or await self._settle(batch, settlement)
        self._answer()  # when there was nothing to wait for
        if self._defect is not None:
            raise self._defect
        if committed:
            self._returned, work.committing = batch, None

    async def _settle(self, batch: Batch, settlement: Settlement) -> bool:
        """Commit a batch and tell whether it is known to be committed."""
        work = self._work
        work.commit_began = time.monotonic()
        try:
            await work.store.settle(settlement)
        except Contradiction as error:
            self._suspect(batch, error)
            work.break_off(error)
            return False
        except StoreError as error:
            work.failures += 1
            work.break_off(error)
            return False
        finally:
            took, work.commit_began = work.commit_lasts, None
        work.failures = 0
        work.committed = settlement.core
        work.commit_took(took)
        work.observer.settled(len(batch.entries), len(batch.history.trades))
        return True

    def _answer(self) -> None:
        """Let the view hold the batch whose commit has returned, then answer it; once."""
        work, batch = self._work, self._returned
        if batch is None:
            return
        self._returned = None
        batch.publish(work.view)
        work.repeats.committed(batch.answers)
        batch.answer()
        if batch.changes is not None:
            work.outlet.committed(batch.changes, batch.encoded)

    def _answer_meanwhile(self) -> None:
        try:
            self._answer()
        except Exception as error:  # noqa: BLE001 -- raised where somebody waits
            self._defect = error

    def _suspect(self, batch: Batch, error: Contradiction) -> None:
        """Have each command of a batch that the database refuses run alone; drop one that was."""
        waiters = [waiting for waiting in batch.waiters() if not waiting.recorded]
        if not waiters:
            raise CoreDefect("the database refuses the core's own command") from error
        self._work.suspects.update(waiting.id for waiting in waiters)
        if len(waiters) == 1:
            self._work.drop(waiters[0], error)
