"""Repair after a failed commit, a commit whose answer was lost, or a defect of the engine.

There is one way: the core takes over from itself (takeover.py). It raises the epoch, so that a
commit still under way fails, and loads the committed state. It finds the committed commands by id
in the journal and answers them, and runs the others again in order.

A database that lacks an acknowledged batch (known_batch.py) is not repaired from: the core waits,
unhealthy, for one that has it.
"""

import asyncio
import logging

from predmarket.server.core.known_batch import JournalBehind
from predmarket.server.core.pending_command import Stage
from predmarket.server.core.pipeline_state import PipelineState
from predmarket.server.core.stores.base import StoreError
from predmarket.server.core.takeover import Loaded, Takeover

log = logging.getLogger(__name__)

_RETRY_S = (0.05, 0.1, 0.2, 0.5, 1.0)


class CommitRepair:
    """Repairs the core's state; the committer runs it after a failure."""

    def __init__(self, pipeline: PipelineState, takeover: Takeover) -> None:
        self._pipeline = pipeline
        self._takeover = takeover

    async def run(self) -> None:
        """Reload the state and set the stage of every command. Raises Deposed, LoadError."""
        pipeline = self._pipeline
        under_way = [*pipeline.under_way]
        loaded = await self._load_patiently()
        for batch in under_way:
            if batch.first_seq <= loaded.core.last_seq and batch.entries:
                pipeline.observer.batch_committed(len(batch.entries), len(batch.history.trades))
        pipeline.repeats.forget()
        pipeline.under_way.clear()
        pipeline.install(loaded)
        for pending in pipeline.live.values():
            pending.recover(loaded.committed_ids)
            if pending.stage is Stage.STEPPING:
                pipeline.sequencer.resume(pending)
        pipeline.forget_over()
        pipeline.requeue()
        pipeline.outlet.reloaded(loaded.recent)
        pipeline.observer.recovered()
        extra = {"epoch": pipeline.committed.epoch, "rerun": len(pipeline.queue)}
        log.warning("core_recovered", extra=extra)

    async def _load_patiently(self) -> Loaded:
        """Load, and retry until the database is back. Raises Deposed when another core leads."""
        pipeline = self._pipeline
        async with pipeline.looking_up:  # a connection in use is not closed
            pass
        if pipeline.failures > 1:  # the database responds but refuses batches: do not spin
            await asyncio.sleep(_RETRY_S[min(pipeline.failures, len(_RETRY_S)) - 1])
        attempt = 0
        while True:
            try:
                return await self._takeover.load_again(pipeline.committed)
            except StoreError as error:
                if isinstance(error, JournalBehind) and not pipeline.behind:
                    pipeline.behind = str(error)
                    log.critical("journal_behind", extra={"error": str(error)})
                log.warning("database_unavailable", extra={"error": str(error)})
                await asyncio.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
                attempt += 1
