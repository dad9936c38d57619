"""Repair: a commit failed, its outcome is unknown, or the engine met a defect.

There is one way: take over from oneself. Raise the epoch, reload, release what was committed by
command id, run the rest again in order. Source: ARCHITECTURE, Recovery.
"""

import asyncio
import logging

from predmarket.server.core.pending_command import Stage
from predmarket.server.core.pipeline_state import PipelineState
from predmarket.server.core.stores.base import StoreError
from predmarket.server.core.takeover import Loaded, Takeover

log = logging.getLogger(__name__)

_RETRY_S = (0.05, 0.1, 0.2, 0.5, 1.0)


class Repair:
    """The way back from a broken state to a good one."""

    def __init__(self, work: PipelineState, takeover: Takeover) -> None:
        self._work = work
        self._takeover = takeover

    async def recover(self) -> None:
        """Reload and bring every command to its right stage. Raises Deposed, LoadError."""
        work = self._work
        under_way = [*work.under_way]
        loaded = await self._load_patiently()
        for batch in under_way:
            if batch.first_seq <= loaded.core.last_seq and batch.entries:
                work.observer.settled(len(batch.entries), len(batch.history.trades))
        work.repeats.forget()
        work.under_way.clear()
        work.install(loaded)
        for pending in work.live.values():
            pending.recover(loaded.committed_ids)
            if pending.stage is Stage.STEPPING:
                work.sequencer.resume(pending)
        work.forget_over()
        work.requeue()
        work.outlet.reloaded(loaded.recent)
        work.observer.recovered()
        extra = {"epoch": work.committed.epoch, "rerun": len(work.queue)}
        log.warning("core_recovered", extra=extra)

    async def _load_patiently(self) -> Loaded:
        """Try until the database is back. Raises Deposed when another core leads by then."""
        work = self._work
        async with work.looking_up:  # a connection is not closed under its user
            pass
        if work.failures > 1:  # the database answers but takes no batch: do not spin
            await asyncio.sleep(_RETRY_S[min(work.failures, len(_RETRY_S)) - 1])
        attempt = 0
        while True:
            try:
                return await self._takeover.load_again(work.committed.last_batch)
            except StoreError as error:
                log.warning("database_unavailable", extra={"error": str(error)})
                await asyncio.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
                attempt += 1
