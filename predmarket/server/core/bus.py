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
    """The client order id is known, with the same content: read the order's present state."""

    order_id: int


class RepeatedTransfer(msgspec.Struct, frozen=True):
    """The idempotency key is known, with the same content: read the original transfer."""

    transfer_id: int


BusReply: TypeAlias = Reply | RepeatedOrder | RepeatedTransfer


class BusError(Exception):
    """The command got no reply."""


class Overloaded(BusError):
    """Too many commands wait. This one was not accepted, and will never change anything."""

    retry_after_s = 1


class OutcomeUnknown(BusError):
    """No reply in time. The command may or may not have been executed."""


class Faulted(BusError):
    """The command met a defect of the exchange. It was dropped and changed nothing."""


class Bus(Protocol):
    """A gateway's way to the core. Implementations provide ``enqueue``."""

    @abstractmethod
    def enqueue(
        self,
        command: Command,
        *,
        follows: "asyncio.Future[BusReply] | None" = None,
        early: bool = False,
    ) -> "asyncio.Future[BusReply]":
        """Send a command without waiting; return the future of what ``submit`` would return.

        A command in steps is answered after its last step, or with ``early`` after its first. A
        command that ``follows`` another of the same request waits until that one is over.

        The future's callbacks run before the batch's changes are delivered, so a caller needs no
        task. Cancelling the future only ends the wait. Raises Overloaded; the future holds the
        other errors.
        """

    async def sent(self) -> None:
        """Return once the commands sent so far precede every command that is sent later."""
        return

    async def submit(self, command: Command) -> BusReply:
        """Return the reply once it is committed and this gateway's market view holds it.

        Raises Overloaded, OutcomeUnknown or Faulted.
        """
        return await self.enqueue(command)

    async def submit_many(self, commands: Sequence[Command]) -> list[BusReply | BusError]:
        """Send commands together, in their order; return for each what ``submit`` would.

        Each command is executed by itself, next to the others and usually in the same commit. The
        caller waits once, which costs less than one task for each command.
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
        except (
            asyncio.CancelledError
        ):  # as for a single command: those that have not begun never begin
            for one in taken:
                if isinstance(one, asyncio.Future):
                    one.cancel()
            raise
        return outcomes
