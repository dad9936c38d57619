"""Moves a laboratory's clock forward, and lets everything fall due on the way at its own time.

Timers run one moment after the other, each with its own stamp, as if real time had passed. So the
journal of a run with a stepped clock depends on its commands alone.
"""

import asyncio

from predmarket.server.clock import LaboratoryClock
from predmarket.server.core.pipeline_state import PipelineState
from predmarket.units import MAX_TIME, Micros

WALL = "the exchange's clock is the wall's: to move it, start the exchange with --clock stepped"


class NotMovable(Exception):
    """The exchange cannot be moved there; the message says why."""


class Advance:
    """The way forward through time of one core; one at a time."""

    def __init__(self, pipeline: PipelineState) -> None:
        self._pipeline = pipeline
        self._turn = asyncio.Lock()

    async def to(self, moment: Micros) -> Micros:
        """Move to ``moment``; return the exchange's time once all that fell due is committed.

        Raises NotMovable.
        """
        pipeline, clock = self._pipeline, self._pipeline.clock
        if not isinstance(clock, LaboratoryClock):
            raise NotMovable(WALL)
        async with self._turn:
            if moment < clock.now():
                raise NotMovable("the exchange's time only moves forward")
            if moment > MAX_TIME:
                raise NotMovable("the exchange's time ends with the year 9999")
            while (due := pipeline.sequencer.exchange.next_due()) is not None and due <= moment:
                clock.move_to(due)
                await self._done()
            clock.move_to(moment)
            await self._done()
            return clock.now()

    async def _done(self) -> None:
        """Wait until everything that is due has been done and committed."""
        self._pipeline.arrived.set()
        await self._pipeline.until(self._is_done)

    def _is_done(self) -> bool:
        pipeline = self._pipeline
        return not pipeline.broken and not pipeline.sequencer.own_work and pipeline.all_answered
