"""The way from a gateway to the core: a command goes in, a reply comes back after its commit.

In one process the bus is the sequencer's own queue. A gateway knows only this module.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol, TypeAlias

import msgspec

from predmarket.engine.commands import Command
from predmarket.engine.replies import Reply


class RepeatedOrder(msgspec.Struct, frozen=True):
    """The client order id is known and its content the same: read the order as it now stands."""

    order_id: int


class RepeatedTransfer(msgspec.Struct, frozen=True):
    """The idempotency key is known and its content the same: read the original transfer."""

    transfer_id: int


BusReply: TypeAlias = Reply | RepeatedOrder | RepeatedTransfer


class BusError(Exception):
    """The command got no reply."""


class Overloaded(BusError):
    """Too many commands wait. This one was not taken; it changes nothing, now or later."""

    retry_after_s = 1


class OutcomeUnknown(BusError):
    """No reply in time. The command may or may not have been carried out."""


class Faulted(BusError):
    """The command met a defect of the exchange and was dropped; it changed nothing."""


class Bus(Protocol):
    """Where a gateway hands in commands. Who makes one says how one command is handed in."""

    @abstractmethod
    def enqueue(
        self,
        command: Command,
        *,
        follows: "asyncio.Future[BusReply] | None" = None,
        early: bool = False,
    ) -> "asyncio.Future[BusReply]":
        """Hand in a command without waiting; the future is what ``submit`` would return.

        A command that is carried out in steps is answered after the last one; ``early``: after the
        first. One that ``follows`` another of the same request waits until that one is over.

        For who has no task to wait in: its callbacks run before the batch's changes are delivered.
        Whoever cancels it stops waiting. Raises Overloaded; the future holds the other errors.
        """

    async def sent(self) -> None:
        """Return once the commands handed in here stand before any that are handed in later."""
        return

    async def submit(self, command: Command) -> BusReply:
        """Return the reply once it is committed and this gateway's market view holds it.

        Raises Overloaded, OutcomeUnknown or Faulted.
        """
        return await self.enqueue(command)

    async def submit_many(self, commands: Sequence[Command]) -> list[BusReply | BusError]:
        """Hand in commands together, in their order, and return for each what ``submit`` would.

        They are carried out each on its own, next to each other, and as a rule in one commit; who
        waits for many waits once, which costs less than a task for each.
        """
        taken: list[asyncio.Future[BusReply] | Overloaded] = []
        before: asyncio.Future[BusReply] | None = None
        for command in commands:
            try:
                before = self.enqueue(command, follows=before)
                taken.append(before)
            except Overloaded as error:
                taken.append(error)
        outcomes: list[BusReply | BusError] = []
        try:
            for one in taken:
                try:
                    outcomes.append(one if isinstance(one, Overloaded) else await one)
                except BusError as error:
                    outcomes.append(error)
        except asyncio.CancelledError:  # as one command alone: what is not begun is not begun
            for one in taken:
                if isinstance(one, asyncio.Future):
                    one.cancel()
            raise
        return outcomes
