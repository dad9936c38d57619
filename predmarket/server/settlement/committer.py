"""The committer: seals the forming batch whenever the last commit has returned, then answers.

Invariant: nothing is answered, and nothing reaches the market view or the outlet, before its
batch's commit returned. The view comes first, then the answers, then the outlet.
"""

import time

from predmarket.server.settlement.batch import Batch
from predmarket.server.settlement.repair import Repair
from predmarket.server.settlement.sequencer import CoreDefect
from predmarket.server.settlement.store import Contradiction, StoreError
from predmarket.server.settlement.work import Work


class Committer:
    """One task's work: from the forming batch to the replies, and repair when a commit fails."""

    def __init__(self, work: Work, repair: Repair) -> None:
        self._work = work
        self._repair = repair

    async def run(self) -> None:
        """Commit whatever was decided, for ever. Raises Deposed, LoadError, CoreDefect."""
        work = self._work
        while True:
            await work.sealable.wait()
            work.sealable.clear()
            while work.broken or not work.sequencer.batch.empty:
                if work.broken:
                    await self._repair.recover()
                else:
                    await self._commit_one()
                await work.notify()

    async def _commit_one(self) -> None:
        """Seal the forming batch, commit it, let the view hold it, then answer."""
        work = self._work
        batch, settlement = work.sequencer.seal()
        work.committing = batch
        work.arrived.set()
        await work.notify()
        if settlement is not None:
            began = work.commit_began = time.monotonic()
            try:
                await work.store.settle(settlement)
            except Contradiction as error:
                self._suspect(batch, error)
                work.break_off(error)
                return
            except StoreError as error:
                work.failures += 1
                work.break_off(error)
                return
            finally:
                work.commit_began = None
            work.failures = 0
            work.committed = settlement.core
            work.observer.commit_took(time.monotonic() - began)
            work.observer.settled(len(batch.entries), len(batch.history.trades))
        batch.publish(work.view)
        work.repeats.committed(batch.answers)
        work.committing = None
        batch.answer()
        if batch.changes is not None:
            work.outlet.committed(batch.changes)

    def _suspect(self, batch: Batch, error: Contradiction) -> None:
        """Have each command of a batch that the database refuses run alone; drop one that was."""
        waiters = [waiting for waiting in batch.waiters() if not waiting.recorded]
        if not waiters:
            raise CoreDefect("the database refuses the core's own command") from error
        self._work.suspects.update(waiting.id for waiting in waiters)
        if len(waiters) == 1:
            self._work.drop(waiters[0], error)
