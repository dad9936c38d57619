"""The decider: takes waiting commands, and lets the sequencer execute them into the forming batch.

Invariant: commands are executed in the order they were taken.
"""

import asyncio

from predmarket.server.core.pending_command import PendingCommand
from predmarket.server.core.pipeline_state import PipelineState
from predmarket.server.core.sequencer import CommandDefect
from predmarket.server.core.stores.base import IntegrityViolation, StoreError

_GROUP = 100
"""Commands decided before other tasks get a turn. A batch request holds at most as many, so an idle
core commits it at once."""

_LOOK_S = 1.0
"""Maximum seconds between two checks of a timer."""


class Decider:
    """Moves commands from the queue into the forming batch."""

    def __init__(self, pipeline: PipelineState) -> None:
        self._pipeline = pipeline
        self._alarm: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Decide commands for ever. Raises CoreDefect."""
        pipeline = self._pipeline
        while True:
            if not pipeline.broken:
                self._set_alarm()
            await pipeline.arrived.wait()
            pipeline.arrived.clear()
            while not pipeline.broken and (pipeline.queue or pipeline.sequencer.own_work):
                if pipeline.quota_spent:
                    await pipeline.until(lambda: pipeline.broken or not pipeline.quota_spent)
                    continue
                await self._decide_group()
                await asyncio.sleep(0)

    async def _decide_group(self) -> None:
        """Decide the next commands; a repair in between puts the group back."""
        pipeline = self._pipeline
        sequencer = pipeline.sequencer
        group = self._take_group()
        alone = len(group) == 1 and group[0].suspect
        if alone:
            await pipeline.until(self._quiet)
        try:
            if not pipeline.broken:
                await self._look_up(group)
            if sequencer is not pipeline.sequencer or pipeline.broken:
                return
            left, released = sequencer.execute(group)
        except StoreError as error:
            if sequencer is pipeline.sequencer:
                pipeline.break_off(error)
            return
        except IntegrityViolation as error:  # the database cannot read such a key
            self._suspect(group, error, alone=alone)
            return
        except CommandDefect as error:
            self._suspect([one for one in group if one.id == error.id], error, alone=alone)
            return
        pipeline.queue.extendleft(reversed([*released, *left]))
        pipeline.sealable.set()
        if alone:
            await pipeline.until(self._quiet)
            if not pipeline.broken:
                group[0].suspect = False

    def _suspect(self, pending: list[PendingCommand], error: Exception, *, alone: bool) -> None:
        """Mark these commands to run alone after the repair; drop one that already did."""
        for one in pending:
            one.suspect = True
            if alone:
                self._pipeline.drop(one, error)
        self._pipeline.break_off(error)

    def _take_group(self) -> list[PendingCommand]:
        """Take the next commands that somebody still waits for; a suspect one goes alone.

        A command that must wait for another command's steps is set aside, without a look-up.
        """
        pipeline, sequencer = self._pipeline, self._pipeline.sequencer
        group: list[PendingCommand] = []
        most, now = min(_GROUP, pipeline.quota), pipeline.clock.elapsed()
        while pipeline.queue and len(group) < most:
            if pipeline.queue[0].suspect and group:
                break
            pending = pipeline.queue.popleft()
            taken = pending.take(now)
            key = sequencer.waits_for(pending) if taken else None
            if key is not None:
                sequencer.set_aside(pending, key)
            elif taken:
                group.append(pending)
                if pending.suspect:
                    break
                continue
            if not group:  # otherwise the commands before it are still undecided
                sequencer.advance(pending.position)
        return group

    async def _look_up(self, group: list[PendingCommand]) -> None:
        """Look up the client order ids and idempotency keys of a group."""
        keys = self._pipeline.repeats.unknown_keys(group)
        if not any(keys):
            return
        async with self._pipeline.looking_up:
            await self._pipeline.repeats.look_up(keys)

    def _quiet(self) -> bool:
        return self._pipeline.broken or self._pipeline.all_answered

    def _set_alarm(self) -> None:
        """Wake up when the next timer falls due."""
        self.disarm()
        delay = self._pipeline.sequencer.next_due_in()
        if delay is not None:
            loop = asyncio.get_running_loop()
            # A millisecond late rather than early. Checked again within _LOOK_S, because the loop's
            # clock stands still while the machine is suspended.
            delay = min(delay, _LOOK_S) + 0.001
            self._alarm = loop.call_later(delay, self._pipeline.arrived.set)

    def disarm(self) -> None:
        """Forget the next timer."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
