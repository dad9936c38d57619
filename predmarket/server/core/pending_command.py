"""One command's life in the core, from its arrival to its answer.

::

    queued --> deciding --> decided --> committing --> answered
      ^  |        |            ^             |
      +--+--------+            +-- stepping <+        any of them --> dropped

A command waits as ``queued``, also for a market or an account that another command holds. Between
two of its steps a command is ``stepping``.

Invariant: only the methods below change ``stage``. Each of them checks the stage before. The method
that begins a command checks that somebody still waits for it.
"""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

from predmarket.engine.commands import Command
from predmarket.engine.replies import Canceled, OrderDone, OrderGroupDone
from predmarket.server.core.bus import BusError, BusReply, OutcomeUnknown
from predmarket.server.core.stream_position import StreamPosition
from predmarket.units import Micros


class Stage(StrEnum):
    """The stage of a command."""

    QUEUED = "queued"
    DECIDING = "deciding"
    DECIDED = "decided"
    COMMITTING = "committing"
    STEPPING = "stepping"
    ANSWERED = "answered"
    DROPPED = "dropped"


_OVER = frozenset({Stage.ANSWERED, Stage.DROPPED})


@dataclass(slots=True, eq=False)
class Part:
    """The reply to one step of a command; ``id`` is the id of the step's journal entry."""

    id: str
    reply: BusReply
    committed: bool = False


@dataclass(slots=True, eq=False)
class PendingCommand:
    """A command that somebody waits for, until ``expires_at`` in elapsed time (clock.py).

    ``id`` is unique for ever, ``number`` is its place among this core's commands. ``position`` is
    its position in the command stream, None without a stream; once the command is decided,
    everything up to there is. ``follows`` is the preceding command of the same request, which must
    be over first. ``early`` means an answer after the first step, ``suspect`` that the command is
    decided alone.
    """

    id: str
    number: int
    command: Command
    expires_at: Micros
    reply: "asyncio.Future[BusReply]"
    position: StreamPosition | None = None
    follows: "PendingCommand | None" = None
    early: bool = False
    suspect: bool = False
    stage: Stage = Stage.QUEUED
    waits_for: str | None = None
    parts: list[Part] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Tell whether the command is answered or dropped."""
        return self.stage in _OVER

    @property
    def unfinished(self) -> str | None:
        """Return the key of the steps that are left, None when there are none."""
        return unfinished(self.parts[-1].reply) if self.parts else None

    def take(self, now: Micros) -> bool:
        """Begin to decide the command; False: nobody waits for it, and it is dropped."""
        self._leave(Stage.QUEUED)
        if self.reply.done() or self.expires_at <= now:
            self.drop(OutcomeUnknown("no reply in time"))
            return False
        self.stage = Stage.DECIDING
        self.waits_for = None
        return True

    def wait(self, key: str | None) -> None:
        """Put the command back until ``key`` is released or, with None, until a batch has room."""
        self._leave(Stage.DECIDING)
        self.stage = Stage.QUEUED
        self.waits_for = key

    def decide(self, reply: BusReply) -> None:
        """Take the uncommitted reply to the command or to its next step."""
        self._leave(Stage.DECIDING, Stage.STEPPING, Stage.DECIDED, Stage.COMMITTING)
        self.parts.append(Part(self.entry_id, reply))
        self.stage = Stage.DECIDED
        self.follows = None

    @property
    def entry_id(self) -> str:
        """Return the id of its next step's journal entry."""
        return f"{self.id}/{len(self.parts)}" if self.parts else self.id

    def commit(self) -> None:
        """Record that the decision is being committed."""
        if self.stage is Stage.DECIDED:
            self.stage = Stage.COMMITTING

    def committed(self) -> None:
        """Record that its oldest uncommitted part is committed; answer if that was the last."""
        part = next((part for part in self.parts if not part.committed), None)
        if self.over or part is None:
            return
        part.committed = True
        if unfinished(part.reply) is None or self.early:
            self.answer(whole(self.parts if unfinished(part.reply) is None else [part]))
        elif part is self.parts[-1]:
            self.stage = Stage.STEPPING

    def answer(self, reply: BusReply) -> None:
        """Give the reply, if the caller still waits."""
        if not self.over:
            self.stage = Stage.ANSWERED
            if not self.reply.done():
                self.reply.set_result(reply)

    def drop(self, error: BusError) -> None:
        """Report that there will be no reply, if the caller still waits."""
        if not self.over:
            self.stage = Stage.DROPPED
            if not self.reply.done():
                self.reply.set_exception(error)

    def expire(self, now: Micros) -> bool:
        """Answer OUTCOME_UNKNOWN when its time is up; False: the wait goes on.

        A command that was decided is committed all the same. Once a step is committed, the answer
        may take as long as the steps do.
        """
        if self.over or self.reply.done():
            return True
        if self.expires_at > now or any(part.committed for part in self.parts):
            return False
        self.reply.set_exception(OutcomeUnknown("no reply in time"))
        return True

    def recover(self, committed_ids: frozenset[str]) -> None:
        """Go back to its last committed part; the rest is decided again."""
        if self.over:
            return
        known = [part.committed or part.id in committed_ids for part in self.parts]
        del self.parts[known.count(True) :]
        for part in self.parts:
            part.committed = True
        if not self.parts:
            self.stage = Stage.QUEUED
            self.waits_for = None
        elif self.unfinished is None or self.early:
            self.answer(whole(self.parts))
        else:
            self.stage = Stage.STEPPING

    def _leave(self, *stages: Stage) -> None:
        assert self.stage in stages, f"a command that is {self.stage} cannot go on from {stages}"


def unfinished(reply: BusReply) -> str | None:
    """Return the key of the steps that a reply says are left, None when there are none."""
    return getattr(reply, "unfinished", None)


def whole(parts: list[Part]) -> BusReply:
    """Join the replies to all steps."""
    last = parts[-1].reply
    if len(parts) == 1:
        return _sorted(last)
    if isinstance(first := parts[0].reply, OrderGroupDone):
        return OrderGroupDone(first.group)  # what its later steps cancel changes nothing of it
    if isinstance(last, OrderDone):
        fills = tuple(f for p in parts if isinstance(p.reply, OrderDone) for f in p.reply.fills)
        return OrderDone(last.order, fills)
    if isinstance(last, Canceled):
        ids = [id for p in parts if isinstance(p.reply, Canceled) for id in p.reply.order_ids]
        return _sorted(Canceled(tuple(ids)))
    return last


def _sorted(reply: BusReply) -> BusReply:
    if isinstance(reply, Canceled):
        return Canceled(tuple(sorted(reply.order_ids)), reply.unfinished)
    return reply
