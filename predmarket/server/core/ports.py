"""The core's ports: the outlet takes committed batches, the observer counts the work.

The core knows neither gateways nor metrics; it is given one port for each.
"""

from collections.abc import Sequence
from typing import Protocol

from predmarket.server.read_model.changes import Changes


class Observer(Protocol):
    """Counts the core's work. The event loop calls it; a call must be quick and must not raise."""

    def batch_committed(self, commands: int, trades: int) -> None:
        """Count a committed batch: its commands and its trades."""

    def commit_took(self, seconds: float) -> None:
        """Record the duration of a successful commit."""

    def recovered(self) -> None:
        """Count a repair."""


class NullObserver:
    """Counts nothing."""

    def batch_committed(self, commands: int, trades: int) -> None:
        """Ignore it."""

    def commit_took(self, seconds: float) -> None:
        """Ignore it."""

    def recovered(self) -> None:
        """Ignore it."""


class Outlet(Protocol):
    """Takes each committed batch, once and in order.

    Calls come on the event loop, after the batch's commands were answered. They must be quick and
    must not raise.
    """

    def committed(self, changes: Changes, encoded: bytes) -> None:
        """Take a batch that has just been committed; ``encoded`` is its outbox row."""

    def reloaded(self, recent: Sequence[Changes]) -> None:
        """Take the outbox's rows of batches that this outlet has not seen, in order.

        At a start these are the batches committed before. After a repair it is the batch whose
        commit had no response, if it was committed. The market view already holds them.
        """


class NullOutlet:
    """Ignores all batches."""

    def committed(self, changes: Changes, encoded: bytes) -> None:
        """Ignore it."""

    def reloaded(self, recent: Sequence[Changes]) -> None:
        """Ignore it."""
